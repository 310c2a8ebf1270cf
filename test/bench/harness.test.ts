/** The harness apart from its statistics: suites, schedule, minimum heap, processes, records, resumption. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Configuration } from '../../bench/harness/contract.ts';
import { invoke } from '../../bench/harness/invoke.ts';
import { DEFAULT_ROW, HEAP_FACTORS, MODES, SUITES } from '../../bench/harness/matrix.ts';
import { findMinimumHeap } from '../../bench/harness/minimum-heap.ts';
import { MinimumHeapsFile } from '../../bench/harness/minimum-heaps-file.ts';
import type { BenchRequest } from '../../bench/harness/options.ts';
import { keyOf, labelOf, minimumHeapKey } from '../../bench/harness/point.ts';
import { processorTime, shareBetween } from '../../bench/harness/processor-time.ts';
import { onlyProgram } from '../../bench/harness/programs.ts';
import { randomFrom } from '../../bench/harness/random.ts';
import { RecordFile } from '../../bench/harness/records.ts';
import { analysisOf } from '../../bench/harness/report/analysis.ts';
import { histogramFiles } from '../../bench/harness/report/histogram-files.ts';
import { summaryText } from '../../bench/harness/report/summary.ts';
import { ResultsFolder } from '../../bench/harness/results-folder.ts';
import { scheduleOf } from '../../bench/harness/schedule.ts';
import { Session } from '../../bench/harness/session.ts';
import { pointsOf } from '../../bench/harness/suites.ts';
import { BENCH_SUITES } from '../../src/cli/bench/bench-options.ts';

const MIB = 2 ** 20;
const FAKE = fileURLToPath(new URL('fake-invocation.mjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const NOTHING = new AbortController().signal;
const configuration = (mode: string, more: Partial<Configuration> = {}): Configuration => ({
  ...{ workload: 'gcbench', parameters: {}, system: 'faultline', driver: 'native', barrier: { ...DEFAULT_ROW, mode } },
  ...{ heapBytes: 64 * MIB, mutators: 1, seed: 1, ...more },
});

describe('suites', () => {
  it('are the same for the command and for the harness', () => {
    expect(BENCH_SUITES).toEqual(SUITES);
  });

  it.each(SUITES)('%s has points with names of their own, and the same ones every time', (suite) => {
    for (const quick of [false, true]) {
      const points = pointsOf(suite, { quick });
      expect(points.length).toBeGreaterThan(0);
      expect(new Set(points.map(keyOf)).size).toBe(points.length);
      expect(new Set(points.map((point) => `${labelOf(point)} ${JSON.stringify(point.configuration.parameters)}`)).size).toBe(points.length);
      expect(pointsOf(suite, { quick })).toEqual(points);
    }
  });

  it('barriers has every mode on the same workloads, heaps and drivers', () => {
    const points = pointsOf('barriers', { quick: false });
    const byMode = new Map(MODES.map((mode) => [mode, points.filter(({ configuration: { barrier } }) => barrier?.mode === mode)]));
    const without = (mode: string): string[] => byMode.get(mode as 'sigbus')!.map((point) => keyOf(point).replaceAll(mode, 'MODE'));
    for (const mode of MODES.filter((name) => name !== 'none')) expect(without(mode)).toEqual(without('sigbus'));
    expect(byMode.get('none')!.every(({ heap }) => 'bytes' in heap)).toBe(true);
  });

  it('heap-sweep has every factor, or those that were asked for', () => {
    const factors = (points: ReturnType<typeof pointsOf>): unknown[] => [...new Set(points.flatMap(({ heap }) => ('factor' in heap ? [heap.factor] : [])))];
    expect(factors(pointsOf('heap-sweep', { quick: false }))).toEqual(HEAP_FACTORS);
    expect(factors(pointsOf('heap-sweep', { quick: false, heapFactors: [1.7] }))).toEqual([1.7]);
  });

  it('all is every other suite, each point once', () => {
    const all = pointsOf('all', { quick: false });
    for (const suite of SUITES.filter((name) => name !== 'all')) {
      const keys = new Set(all.filter(({ suites }) => suites.includes(suite)).map(keyOf));
      expect(pointsOf(suite, { quick: false }).filter((point) => !keys.has(keyOf(point)))).toEqual([]);
    }
  });

  it('a filter keeps the rows that it matches', () => {
    const kept = pointsOf('all', { quick: false, filter: /gcbench .* native stw .* 2×/ });
    expect(kept.length).toBeGreaterThan(0);
    for (const { configuration: { workload, barrier }, heap } of kept) expect([workload, barrier?.mode, heap]).toEqual(['gcbench', 'stw', { factor: 2 }]);
  });

  it('how long a workload runs does not change its minimum heap; other knobs do', () => {
    const key = (parameters: Configuration['parameters']): string => minimumHeapKey(configuration('stw', { parameters }));
    expect(key({ operationsPerSecond: 5, requests: 9, a: 1, b: 2 })).toBe(key({ b: 2, a: 1 }));
    expect(key({ a: 1 })).not.toBe(key({ a: 2 }));
  });
});

describe('schedule', () => {
  const points = pointsOf('markers', { quick: false });

  it('runs every point once a round, in another order each round, the same for the same seed', () => {
    const schedule = scheduleOf(points, 10, randomFrom(7));
    const rounds = Array.from({ length: 10 }, (_, round) => schedule.slice(round * points.length, (round + 1) * points.length));
    for (const [round, each] of rounds.entries()) {
      expect(each.every((scheduled) => scheduled.round === round)).toBe(true);
      expect(new Set(each.map(({ point }) => keyOf(point))).size).toBe(points.length);
    }
    expect(new Set(rounds.map((each) => each.map(({ point }) => keyOf(point)).join())).size).toBe(10);
    expect(scheduleOf(points, 10, randomFrom(7))).toEqual(schedule);
  });
});

describe('minimum heap', () => {
  it('is found to 1 MiB or the tolerance, never below what is needed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), async (neededMib) => {
        const { bytes } = await findMinimumHeap(async (heapBytes) => heapBytes >= neededMib * MIB, { confirmations: 2, limitBytes: 8192 * MIB });
        expect(bytes! / MIB).toBeGreaterThanOrEqual(neededMib);
        expect(bytes! / MIB).toBeLessThanOrEqual(Math.max(neededMib + 1, neededMib * 1.021));
      }),
    );
  });

  it('is unknown if the largest heap is too small', async () => {
    const tried: number[] = [];
    const completes = async (heapBytes: number): Promise<boolean> => (tried.push(heapBytes / MIB), false);
    expect(await findMinimumHeap(completes, { confirmations: 1, limitBytes: 20 * MIB })).toEqual({ bytes: undefined, invocations: 4 });
    expect(tried).toEqual([4, 8, 16, 20]);
  });

  it('does not believe a size that completes only sometimes', async () => {
    let calls = 0;
    const completes = async (heapBytes: number): Promise<boolean> => heapBytes >= 32 * MIB || (heapBytes >= 16 * MIB && calls++ % 2 === 0);
    const { bytes } = await findMinimumHeap(completes, { confirmations: 2, limitBytes: 512 * MIB });
    expect(bytes).toBe(32 * MIB);
  });

  it('is kept in a file, whose version is checked', () => {
    const path = join(work, 'minimum-heaps.json');
    new MinimumHeapsFile(path).set('a', { bytes: 5, commit: 'c', invocations: 3 });
    expect(new MinimumHeapsFile(path).get('a')).toEqual({ bytes: 5, commit: 'c', invocations: 3 });
    const text = readFileSync(path, 'utf8').replace('"version": 1', '"version": 2');
    rmSync(path);
    appendFileSync(path, text);
    expect(() => new MinimumHeapsFile(path)).toThrow(/version 2, not 1/);
  });
});

describe('an invocation', () => {
  const run = (mode: string, more: Partial<Configuration> = {}) =>
    invoke(configuration(mode, more), { programOf: onlyProgram(FAKE), timeLimitMs: 20_000, scratch: work, signal: NOTHING });

  it('that ends well gives its result', async () => {
    const { result, processMs } = await run('sigbus');
    expect(result.ok).toBe(true);
    expect(processMs).toBeGreaterThan(0);
  });

  it.each([
    ['thread', 'unsupported', 'this is thread'],
    ['sigsegv', 'crash', 'killed by SIGSEGV'],
    ['copy-sigbus', 'crash', 'no result on the last line'],
    ['load-barrier', 'mismatch', 'this is load-barrier'],
  ])('in mode %s is the result %s', async (mode, code, message) => {
    expect((await run(mode)).result).toEqual({ ok: false, code, message });
  });

  it('out of memory is a result', async () => {
    expect((await run('sigbus', { heapBytes: 19 * MIB })).result).toMatchObject({ ok: false, code: 'out-of-memory' });
  });

  it('that hangs is killed', async () => {
    const options = { programOf: onlyProgram(FAKE), timeLimitMs: 500, scratch: work, signal: NOTHING };
    expect((await invoke(configuration('move'), options)).result).toMatchObject({ ok: false, code: 'timeout' });
  });

  it('of a program that does not exist is a crash with the reason', async () => {
    const options = { programOf: () => ['/nowhere/program'] as const, timeLimitMs: 5000, scratch: work, signal: NOTHING };
    expect((await invoke(configuration('stw'), options)).result).toMatchObject({ ok: false, code: 'crash', message: expect.stringContaining('ENOENT') });
  });
});

describe('processor time', () => {
  it('of others is what is busy and neither ours nor our children’s', () => {
    const before = { busyMs: 1000, harnessMs: 10, childrenMs: 100, wallMs: 0 };
    const after = { busyMs: 3000, harnessMs: 30, childrenMs: 1080, wallMs: 2000 };
    expect(shareBetween(before, after, 2)).toEqual({ foreign: 1000 / 4000, harness: 20 / 2000 });
  });

  it('is read from the kernel, and does not go back', () => {
    const before = processorTime();
    const until = performance.now() + 50;
    while (performance.now() < until);
    const after = processorTime();
    for (const figure of ['busyMs', 'harnessMs', 'childrenMs', 'wallMs'] as const) expect(after[figure]).toBeGreaterThanOrEqual(before[figure]);
    expect(after.harnessMs).toBeGreaterThan(before.harnessMs);
  });
});

describe('a session', () => {
  const request = (name: string, more: Partial<BenchRequest> = {}): BenchRequest => ({
    ...{ suite: 'barriers', quick: true, invocations: 3, seed: 5, out: join(work, name), resume: false, json: false, ...more },
  });
  const run = (asked: BenchRequest, signal = NOTHING) => {
    const folder = new ResultsFolder(asked);
    return { folder, outcome: new Session(folder, onlyProgram(FAKE), signal).run() };
  };
  const ENDING_WELL = { filter: 'native (sigbus|thread|sigsegv|stw|none)' };

  it('finds the minimum heap, keeps every kind of result, and does not repeat hopeless ones', async () => {
    const { folder, outcome } = run(request('whole', ENDING_WELL));
    const { done, asked, leftOut } = await outcome;
    const records = folder.records.read();
    const byMode = (mode: string) => records.filter(({ configuration: { barrier } }) => barrier?.mode === mode);
    expect(asked).toBe(15);
    expect(done).toBe(records.length);
    expect(byMode('sigbus').map(({ result }) => result.ok)).toEqual([true, true, true]);
    expect(byMode('thread')).toHaveLength(1);
    expect(byMode('sigsegv').map(({ result }) => result.ok)).toEqual([false, false]);
    expect(leftOut).toEqual(['3 not tried again after they were unsupported or failed 2 times']);
    const [minimum] = Object.values((JSON.parse(readFileSync(join(folder.path, 'minimum-heaps.json'), 'utf8')) as { heaps: object }).heaps) as { bytes: number }[];
    expect(minimum!.bytes / MIB).toBeGreaterThanOrEqual(20);
    expect(minimum!.bytes / MIB).toBeLessThanOrEqual(22);
    expect(byMode('sigbus')[0]!.configuration.heapBytes).toBe(2 * minimum!.bytes);
    expect(byMode('sigbus').map(({ configuration: { seed } }) => seed)).toEqual([5, 6, 7]);
    expect(readdirSync(join(folder.path, 'raw'))).toHaveLength(records.filter(({ result }) => result.ok).length);
    expect(readdirSync(folder.path)).not.toContain('scratch');
  });

  it('that is interrupted keeps what there is, and resumed does only the rest', async () => {
    const stop = new AbortController();
    const first = run(request('interrupted', { ...ENDING_WELL, filter: 'native (sigbus|stw)' }), stop.signal);
    const path = join(first.folder.path, 'invocations.jsonl');
    const timer = setInterval(() => {
      if (first.folder.records.read().length >= 2) stop.abort(new Error('enough'));
    }, 5);
    await expect(first.outcome).rejects.toThrow('enough');
    clearInterval(timer);
    const before = readFileSync(path, 'utf8');
    expect(before.split('\n').length - 1).toBeLessThan(6);
    // As if the machine had lost power while a line was written.
    appendFileSync(path, '{"point":{"suites":["barr');
    const second = run(request('interrupted', { resume: true, suite: 'all', seed: 99 }));
    const { done, asked } = await second.outcome;
    expect([done, asked]).toEqual([6, 6]);
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
    expect(second.folder.head.options).toMatchObject({ suite: 'barriers', seed: 5 });
    const slots = second.folder.records.read().map(({ point, round }) => `${labelOf(point)} ${round}`);
    expect(new Set(slots).size).toBe(6);
  });

  it('does not mix its results into those of another', async () => {
    new ResultsFolder(request('taken'));
    expect(() => new ResultsFolder(request('taken'))).toThrow(/--out must be a folder without results, or --resume/);
    expect(() => new ResultsFolder(request('empty', { resume: true }))).toThrow(/--out must be a folder with results/);
  });
});

describe('the analysis', () => {
  it('finds what the fake invocation was made to show, and the summary fits a screen', async () => {
    const asked: BenchRequest = { suite: 'all', quick: true, invocations: 4, seed: 11, out: join(work, 'analysed'), resume: false, json: false,
      filter: '(gcbench|lru) faultline native (sigbus|stw|none) .*(2×|3×|1.5×|MiB)' };
    const folder = new ResultsFolder(asked);
    const { leftOut } = await new Session(folder, onlyProgram(FAKE), NOTHING).run();
    const records = folder.records.read();
    const analysis = analysisOf(records, folder.head, leftOut);
    expect(analysisOf(records, folder.head, leftOut)).toEqual(analysis);
    const row = (workload: string, text: RegExp, heap: string) =>
      analysis.rows.find((each) => each.workload === workload && text.test(each.series) && each.heap === heap && each.arm === undefined)!;

    // The floor is the distilled cost: 1 s of wall time without anything identified as a collector's.
    const floor = row('gcbench', / none$/, '1024 MiB');
    expect(floor.overhead!.wall!.median).toBeCloseTo(1, 2);
    const barrierFree = row('gcbench', /^C\+\+ sigbus$/, '2×');
    expect(barrierFree.overhead!.wall!.median).toBeGreaterThan(1.2);
    expect(barrierFree.overhead!.wall!.median).toBeLessThan(1.28);
    const stopped = row('gcbench', /^C\+\+ stw$/, '2×');
    expect(stopped.overhead!.wall!.median).toBeCloseTo(1.5, 1);
    expect(stopped.difference).toMatchObject({ baseline: barrierFree.series, wall: { verdict: 'more' } });
    expect(barrierFree.difference).toBeUndefined();

    // 20 % of 1.5 s is longer than every window.
    expect(stopped.figures!.mmu.every((share) => share === 0)).toBe(true);
    expect(barrierFree.figures!.mmu.at(-1)).toBeGreaterThan(0.9);
    expect(barrierFree.figures!.heat!.flips).toBe(20);
    expect(stopped.figures!.heat).toBeUndefined();
    expect(barrierFree.figures!.nominal!.turnover).toBeCloseTo(100 * 20 * MIB / (barrierFree.heapBytes / 2), 6);

    // The pause of 0.3 s holds up one request in five for 0.15 s on average; its percentiles are far over the floor, the others' are not.
    const closed = row('lru', /^C\+\+ stw$/, '3×').figures!.latencies!;
    expect(closed.loop).toBe('closed');
    expect(closed.simple.values.at(-1)!.valueNs / 1e9).toBeCloseTo(0.3, 1);
    expect(closed.simple.values[0]).toMatchObject({ percent: 50, floorNs: 2000, atFloor: false });
    const open = analysis.rows.find(({ workload, series }) => workload === 'lru' && / stw 10000\/s$/.test(series))!;
    expect(open.figures!.latencies!.loop).toBe('open');
    expect(open.overhead!.wall).toBeUndefined();
    expect([...histogramFiles(records)].map(([name]) => name)).toContain('lru-faultline-native-stw-barrier-free-adaptive-3x-metered.hgrm');

    // Both arms have the same seeds, so the fake's figures are equal.
    expect(analysis.harness).toMatchObject({ wall: { relative: 0, verdict: 'none' }, cpu: { relative: 0, verdict: 'none' } });

    const lines = summaryText(analysis).split('\n');
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(140);
  });

  it('of nothing says so', () => {
    const folder = new ResultsFolder({ suite: 'a-a', quick: true, invocations: 1, seed: 1, out: join(work, 'nothing'), resume: false, json: false });
    expect(summaryText(analysisOf([], folder.head, ['interrupted']))).toContain('nothing was measured');
  });
});

describe('a record file', () => {
  it('that was cut off gives the complete lines', () => {
    const path = join(work, 'cut.jsonl');
    appendFileSync(path, '{"round":1}\n{"round":2}\n{"rou');
    expect(new RecordFile(path).read().map(({ round }) => round)).toEqual([1, 2]);
    new RecordFile(path).append({ round: 3 } as never);
    expect(new RecordFile(path).read().map(({ round }) => round)).toEqual([1, 2, 3]);
  });
});
