/** The main job: a program's graph in a heap that compacts while threads use it. Short runs of the built command. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/cli/run/report.ts';
import { COLLECTION_REASONS } from '../../src/gc/requests.ts';
import { third } from '../support/modes.ts';
import { faultline, ROOT, start } from './command.ts';
import { programSnapshot } from './program-snapshot.ts';

let snapshot = '';
beforeAll(async () => {
  snapshot = await programSnapshot();
});

const MODES = ['sigbus', 'thread', 'sigsegv', 'stw', 'copy-sigbus', 'copy-thread'];
const BRIEFLY = ['--seconds', '1', '--mutators', '2', '--seed', '7'];

async function reportOf(...words: string[]): Promise<RunReport> {
  const { status, stdout, stderr } = await faultline(['run', snapshot, ...BRIEFLY, '--json', ...words]);
  expect(status, stderr + stdout).toBe(0);
  return JSON.parse(stdout) as RunReport;
}

describe('a run', () => {
  it.each(third(MODES))(
    'loses nothing while the heap compacts, in fault mode %s',
    async (mode) => {
      // On a machine that is busy with something else, a second may be too short for the rarest kind of operation.
      let report = await reportOf('--fault', mode, '--heap', '48M');
      const isComplete = (): boolean => Object.values(report.mutators.operationsByKind).every((count) => count > 0);
      for (const seconds of ['4', '16']) {
        if (!isComplete()) report = await reportOf('--fault', mode, '--heap', '48M', '--seconds', seconds);
      }
      expect(report.mutators.operationsByKind).toSatisfy(isComplete);
      expect(report.fault).toMatchObject({ mode, requestedMode: mode });
      expect(report.cycles.compacting).toBeGreaterThanOrEqual(1);
      expect(report.cycles.evacuatedBytes).toBeGreaterThan(0);
      expect(report.mutators.mismatches + report.check.mismatches).toBe(0);
      expect(report.mutators.checks).toBeGreaterThan(10_000);
      expect(report.check.objects).toBeGreaterThanOrEqual(report.input.objects);
      expect(report.check.references).toBeGreaterThanOrEqual(report.input.references);
      // The directory, and a payload at least for every node that has one of its own.
      expect(report.check.verifiedObjects).toBeGreaterThan(report.check.objects + report.input.payloadObjects);
      expect(report.pages.copyCalls > 0).toBe(mode.startsWith('copy-'));
      if (mode === 'stw') expect(report.faults.count).toBe(0);
      else expect(report.faults.bareP50Us).toBeGreaterThan(0);
    },
    120_000,
  );

  it.each(['barrier-free', 'satb', 'stopped'])('loses nothing with marker %s', async (marker) => {
    const report = await reportOf('--marker', marker, '--heap', '48M', '--verify');
    expect(report.marking.marker).toBe(marker);
    expect(report.mutators.mismatches + report.check.mismatches).toBe(0);
    const concurrent = marker !== 'stopped';
    expect(report.pauses.remark.count > 0).toBe(concurrent);
    expect(report.pauses.markStart.count > 0).toBe(concurrent);
    expect(report.pauses.mark.count > 0).toBe(!concurrent);
    expect(report.marking.writtenPages > 0).toBe(marker === 'barrier-free');
  });

  it('holds in a heap that has hardly room for the graph', async () => {
    const { input } = await reportOf('--seconds', '0.1');
    const report = await reportOf('--heap', String(Math.ceil(input.bytes * 1.15 + 2 ** 20)));
    expect(report.mutators.mismatches + report.check.mismatches).toBe(0);
    expect(report.cycles.compacting).toBeGreaterThanOrEqual(1);
  });

  it('passes options on to the heap', async () => {
    const report = await reportOf('--verify', '--workers', '0', '--fault-around', '16', '--heap', '48M', '--mutators', '3');
    expect(report.fault.faultAroundPages).toBe(16);
    expect(report.heap.capacityBytes).toBe(48 * 2 ** 20);
    expect(report.mutators.threads).toBe(3);
    expect(report.options).toMatchObject({ verify: true, workers: 0, heap: '48M', seed: 7 });
  });

  it('reports what was agreed upon, as one JSON object and nothing else', async () => {
    const report = await reportOf();
    const pause = { count: expect.any(Number), p50Us: expect.any(Number), p99Us: expect.any(Number), maxUs: expect.any(Number) };
    expect(report).toMatchObject({
      input: { path: snapshot, objects: expect.any(Number), references: expect.any(Number), bytes: expect.any(Number) },
      heap: numbers('capacityBytes', 'liveBytes', 'peakLiveBytes', 'peakFileBytes', 'fileBytesBefore', 'fileBytesAfter'),
      fault: { mode: expect.any(String), requestedMode: 'auto', faultAroundPages: 'adaptive' },
      cycles: numbers('count', 'evacuatedBytes', 'copiedBytes', 'inPlacePages'),
      pauses: { flip: pause, mark: pause, markStart: pause, remark: pause, timeToSafepoint: pause },
      marking: { marker: expect.any(String), ...numbers('rounds', 'writtenPages', 'loggedReferences', 'objects', 'objectsPerSecond') },
      faults: numbers('count', 'p50Us', 'p99Us', 'p999Us', 'bareP50Us'),
      pages: numbers(
        'builtByWorkers',
        'builtByMutators',
        'shownUnchanged',
        'takenAway',
        'rangesTakenAway',
        'mappedByContinue',
        'continueCalls',
        'mappedByCopy',
        'copyCalls',
        'settledLoads',
      ),
      stalls: numbers('count', 'totalMs', 'maxMs', 'p50Us', 'totalUs'),
      triggers: numbers(...COLLECTION_REASONS),
      mutators: numbers('threads', 'operations', 'operationsPerSecond', 'checks', 'mismatches', 'exhausted'),
      utilization: numbers('1', '5', '10', '50', '100'),
      seed: 7,
      node: process.version,
      kernel: expect.any(String),
    });
    expect(report.triggers.explicit).toBeGreaterThan(0);
    expect(report.marking.objectsPerSecond).toBeGreaterThan(0);
    expect(report.stalls.totalMs).toBeCloseTo(report.stalls.totalUs / 1000);
    for (const share of Object.values(report.utilization)) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(report.heap.fileBytesAfter).toBeLessThanOrEqual(1.05 * report.heap.liveBytes + 16 * 2 ** 20);
  });

  it('prints nothing but the JSON on standard output when started by npm', async () => {
    const { status, stdout } = await start('npm', ['start', '-s', '--', snapshot, '--seconds', '0.5', '--json']);
    expect(status).toBe(0);
    expect(stdout.trimEnd()).not.toContain('\n');
    expect((JSON.parse(stdout) as RunReport).mutators.mismatches).toBe(0);
  });

  it('ends in a summary that fits a screen, the verdict first, and shows no progress where there is no terminal', async () => {
    const { status, stdout, stderr } = await faultline(['run', snapshot, ...BRIEFLY]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^0 mismatches in [\d,]+ checks/);
    expect(stdout).toContain('seed 7');
    expect(stdout.trimEnd().split('\n').length).toBeLessThan(26);
    expect(stdout).toMatch(/^triggers +\d.* explicit/m);
    expect(stdout).toMatch(/^stalls +(none|\d)/m);
    expect(stderr).toBe('');
  });

  it('ends early at an interrupt as soon as a thread is at work, with the summary so far', async () => {
    const interrupting = `data:text/javascript,${encodeURIComponent(`process.on('worker', (worker) =>
      worker.on('message', ({ type }) => type === 'ready' && process.kill(process.pid, 'SIGINT')))`)}`;
    const words = [
      '--import',
      interrupting,
      join(ROOT, 'dist/cli/main.js'),
      'run',
      snapshot,
      '--seconds',
      '300',
      '--mutators',
      '1',
      '--json',
    ];
    const { status, stdout, stderr } = await start(process.execPath, words);
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    expect(report.interrupted).toBe(true);
    expect(report.check.mismatches).toBe(0);
  }, 120_000);
});

describe('a graph that was spoiled', () => {
  it.each(['identity', 'slot', 'payload', 'lost'])(
    'is noticed by the threads and at the end (%s)',
    async (kind) => {
      const run = (seconds: string) => faultline(['run', snapshot, ...BRIEFLY, '--seconds', seconds, '--json', '--corrupt', kind]);
      const noticed = ({ stdout }: { stdout: string }): boolean => (JSON.parse(stdout) as RunReport).mutators.mismatches > 0;
      let ended = await run('1');
      // On a machine that is busy with something else the threads may not come by in a second.
      for (const seconds of ['4', '16']) if (!noticed(ended)) ended = await run(seconds);
      const { status, stdout, stderr } = ended;
      expect(status).toBe(1);
      const report = JSON.parse(stdout) as RunReport;
      expect(report.mutators.mismatches).toBeGreaterThan(0);
      expect(report.check.mismatches).toBeGreaterThan(0);
      expect(report.mismatches[0]).toMatchObject({ what: expect.any(String), node: expect.any(Number), thread: expect.any(Number) });
      expect(stderr).toMatch(/^faultline: ERR_RUN_MISMATCH: .*--seed 7/);
      expect(stderr).not.toMatch(/^\s+at /m);
    },
    120_000,
  );
});

function numbers(...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, expect.any(Number)]));
}
