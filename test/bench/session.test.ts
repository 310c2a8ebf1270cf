/** A whole session with the fake invocation: minimum heaps, rounds, interruption, resumption, analysis. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { Finished } from '../../bench/harness/contract.ts';
import { thisMachine } from '../../bench/harness/machine.ts';
import type { BenchRequest } from '../../bench/harness/options.ts';
import { labelOf } from '../../bench/harness/point.ts';
import { onlyProgram } from '../../bench/harness/programs.ts';
import { analysisOf } from '../../bench/harness/report/analysis.ts';
import { histogramFiles } from '../../bench/harness/report/histogram-files.ts';
import { reportHtml } from '../../bench/harness/report/html.ts';
import { summaryText } from '../../bench/harness/report/summary.ts';
import { ResultsFolder } from '../../bench/harness/results-folder.ts';
import { Session } from '../../bench/harness/session.ts';

const MIB = 2 ** 20;
/** A guard against a hang, never a measurement. */
const LIMIT_MS = 180_000;
const FAKE = fileURLToPath(new URL('fake-invocation.mjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const NOTHING = new AbortController().signal;
/** The first session finds it, the others know it. */
const minimumHeaps = join(work, 'minimum-heaps.json');
const request = (name: string, more: Partial<BenchRequest> = {}): BenchRequest => ({
  ...{ experiment: 'barriers', quick: true, invocations: 3, seed: 5, out: join(work, name), minimumHeaps, resume: false, add: false },
  ...{ dryRun: false, json: false, program: FAKE, ...more },
});

describe('a session', { timeout: LIMIT_MS }, () => {
  const run = (asked: BenchRequest, signal = NOTHING) => {
    const folder = new ResultsFolder(asked);
    return { folder, outcome: new Session(folder, onlyProgram(FAKE), signal).run() };
  };
  const ENDING_WELL = { filter: 'native (sigbus|thread|sigsegv|stw)' };

  it('finds the minimum heap, keeps every kind of result, and does not repeat hopeless ones', async () => {
    const { folder, outcome } = run(request('whole', ENDING_WELL));
    const { done, asked, leftOut } = await outcome;
    const records = folder.records.read();
    const byMode = (mode: string) => records.filter(({ configuration: { barrier } }) => barrier?.mode === mode);
    // Four rows, two floors, and the noise of the machine.
    expect(asked).toBe(21);
    expect(done).toBe(records.length);
    expect(byMode('sigbus').map(({ result }) => result.ok)).toEqual([true, true, true]);
    expect(byMode('thread')).toHaveLength(1);
    expect(byMode('sigsegv').map(({ result }) => result.ok)).toEqual([false, false]);
    expect(leftOut).toEqual(['3 not tried again after they were unsupported or failed 2 times']);
    const [minimum] = Object.values((JSON.parse(readFileSync(minimumHeaps, 'utf8')) as { heaps: object }).heaps) as { bytes: number }[];
    expect(minimum!.bytes / MIB).toBeGreaterThanOrEqual(20);
    expect(minimum!.bytes / MIB).toBeLessThanOrEqual(22);
    expect(byMode('sigbus')[0]!.configuration.heapBytes).toBe(2 * minimum!.bytes);
    expect(byMode('sigbus').map(({ configuration: { seed } }) => seed)).toEqual([5, 6, 7]);
    // What a census takes is in no time that is told.
    expect(records.filter(({ configuration }) => configuration.census)).toEqual([]);
    expect(readdirSync(join(folder.path, 'raw'))).toHaveLength(
      records.filter(({ result, configuration }) => result.ok && configuration.system !== 'idle').length,
    );
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
    expect(before.split('\n').length - 1).toBeLessThan(15);
    // As if the machine had lost power while a line was written.
    appendFileSync(path, '{"point":{"suites":["barr');
    const { experiment: _, invocations: __, seed: ___, ...nothingSaid } = request('interrupted', { resume: true });
    const second = run(nothingSaid);
    const { done, asked } = await second.outcome;
    expect([done, asked]).toEqual([15, 15]);
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
    expect(second.folder.head.options).toMatchObject({ experiment: 'barriers', seed: 5 });
    const slots = second.folder.records.read().map(({ point, round }) => `${labelOf(point)} ${round}`);
    expect(new Set(slots).size).toBe(15);
  });

  it('does not mix its results into those of another', async () => {
    new ResultsFolder(request('taken'));
    expect(() => new ResultsFolder(request('taken'))).toThrow(/--out must be a folder without results, or --resume or --add/);
    expect(() => new ResultsFolder(request('empty', { resume: true }))).toThrow(/--out must be a folder with results/);
  });

  it('goes on by no other options, and on no other build or machine', () => {
    const { head, path } = new ResultsFolder(request('same'));
    const again =
      (more: Partial<BenchRequest> = {}) =>
      () =>
        new ResultsFolder({ ...request('same'), resume: true, ...more });
    expect(again()).not.toThrow();
    for (const other of [
      { experiment: 'markers' },
      { filter: 'x' },
      { invocations: 4 },
      { seed: 6 },
      { heapFactors: [2] },
      { against: 'x' },
    ]) {
      expect(again(other), JSON.stringify(other)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    }
    for (const setting of ['commit', 'build', 'node', 'kernel', 'affinity', 'environment', 'cpu'] as const) {
      writeFileSync(join(path, 'session.json'), JSON.stringify({ ...head, machine: { ...head.machine, [setting]: 'another' } }));
      expect(again(), setting).toThrow(new RegExp(`the ${setting} of results`));
    }
  });

  it('goes on where it was begun, by the file as it was then', () => {
    const file = join(work, 'own.yaml');
    const rows = (mode: string): void => writeFileSync(file, `rows: [{ workload: gcbench, mode: ${mode}, heap: 3x }]`);
    rows('sigbus');
    const { out: _, ...asked } = request('', { experiment: file, quick: false, minimumHeaps: join(work, 'heaps.json') });
    const { path } = new ResultsFolder(asked);
    try {
      expect(path).toMatch(/build\/bench-results\/own$/);
      expect(new ResultsFolder({ ...asked, resume: true }).path).toBe(path);
      rows('stw');
      expect(() => new ResultsFolder({ ...asked, resume: true })).toThrow(/EXPERIMENT must be as it was .*--add adds rows.* native stw /);
    } finally {
      rmSync(path, { recursive: true });
    }
  });

  it('goes on with no build that is another one by now', async () => {
    const tree = join(work, 'tree');
    mkdirSync(join(tree, 'build/bench'), { recursive: true });
    writeFileSync(join(tree, 'package.json'), '{}');
    writeFileSync(join(tree, 'build/bench/invocation.js'), '1');
    const rows = { experiment: 'against', against: tree, filter: 'gcbench .* sigbus', invocations: 1 };
    await run(request('two-trees', rows)).outcome;
    await run(request('two-trees', { ...rows, resume: true })).outcome;
    writeFileSync(join(tree, 'build/bench/invocation.js'), '2');
    await expect(run(request('two-trees', { ...rows, resume: true })).outcome).rejects.toThrow(
      /build .*tree must be what these results were/,
    );
  });

  it('against a commit that there is not makes no folder', () => {
    expect(() => new ResultsFolder(request('no-commit', { experiment: 'against', against: 'no-such-commit' }))).toThrow(
      /build must be a commit/,
    );
    expect(existsSync(join(work, 'no-commit'))).toBe(false);
  });

  it('keeps the variables that runtimes read, and none that may be secret', () => {
    const before = process.env;
    const secret = { NODE_AUTH_TOKEN: 'x', NODE: 'x', GOOGLE_API_KEY: 'x', GCP_KEY: 'x', LDAP_PASSWORD: 'x', JAVA_HOME_PASSWORD: 'x' };
    const telling = {
      GOGC: '50',
      NODE_OPTIONS: '--stack-size=900',
      MALLOC_ARENA_MAX: '1',
      MIMALLOC_LARGE_OS_PAGES: '1',
      FAULTLINE_TEST: '1',
    };
    process.env = { ...before, ...secret, ...telling };
    const { environment } = thisMachine();
    process.env = before;
    expect(environment).toMatchObject(telling);
    expect(Object.keys(secret).filter((name) => name in environment)).toEqual([]);
  });

  it('takes rows and invocations that are added, and does only those', async () => {
    const first = run(request('added', { filter: 'native sigbus', invocations: 1 }));
    await first.outcome;
    const before = readFileSync(join(first.folder.path, 'invocations.jsonl'), 'utf8');
    const { seed: _, ...added } = request('added', { filter: 'native (sigbus|stw)', invocations: 2, add: true });
    const { folder, outcome } = run(added);
    const { done, asked } = await outcome;
    expect([done, asked]).toEqual([10, 10]);
    expect(readFileSync(join(folder.path, 'invocations.jsonl'), 'utf8').startsWith(before)).toBe(true);
    expect(
      folder.records
        .read()
        .map(({ configuration }) => configuration.seed)
        .sort(),
    ).toEqual([5, 5, 5, 5, 5, 6, 6, 6, 6, 6]);
  });

  it('says of every record what it ran on, and keeps its requests', async () => {
    const { folder, outcome } = run(request('kept', { experiment: 'latency', filter: 'sigbus .*10000/s', invocations: 1 }));
    await outcome;
    const [record] = folder.records.read().filter(({ configuration }) => configuration.barrier?.mode === 'sigbus');
    expect(Object.keys(record!.on).sort()).toEqual(['affinity', 'build', 'commit', 'cpu', 'environment', 'kernel', 'node']);
    expect(record!.on).toMatchObject({ node: process.version, build: expect.stringMatching(/^[0-9a-f]{12}$/) });
    const bytes = gunzipSync(readFileSync(join(folder.path, record!.requests!)));
    const raw = JSON.parse(gunzipSync(readFileSync(join(folder.path, record!.raw!))).toString()) as Finished;
    expect(raw.requests).toEqual({ path: record!.requests, count: bytes.length / 16, loop: 'open' });
  });

  it('of a filter that matches nothing makes no folder', () => {
    expect(() => new ResultsFolder(request('none', { filter: 'no such row' }))).toThrow(/--filter must be something that matches/);
    expect(existsSync(join(work, 'none'))).toBe(false);
  });
});

describe('the analysis', { timeout: LIMIT_MS }, () => {
  it('finds what the fake invocation was made to show, and the summary fits a screen', async () => {
    // No more than --quick has time for on a crowded machine.
    const FEW = '(gcbench|lru) faultline native (sigbus|stw) barrier-free adaptive (arm . |10000/s )?(2×|3×)';
    const asked = request('analysed', { experiment: 'all', invocations: 5, seed: 11, filter: FEW });
    const folder = new ResultsFolder(asked);
    const { leftOut } = await new Session(folder, onlyProgram(FAKE), NOTHING).run();
    const records = folder.records.read();
    const analysis = analysisOf(records, folder.head, leftOut);
    expect(analysisOf(records, folder.head, leftOut)).toEqual(analysis);
    const row = (workload: string, text: RegExp, heap: string) =>
      analysis.rows.find((each) => each.workload === workload && text.test(each.series) && each.heap === heap && each.arm === undefined)!;

    // The floor is the distilled cost: 1 s of wall time, less than malloc's.
    const floor = row('gcbench', / none$/, 'floor');
    expect(floor.overhead!.wall).toMatchObject({ floor: 'C++ none floor', isUnderFloor: false });
    expect(floor.overhead!.wall!.median).toBeCloseTo(1, 2);
    expect(row('gcbench', /mimalloc/, 'floor').overhead!.wall!.median).toBeCloseTo(1.05, 1);
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
    expect(barrierFree.figures!.heat!.flips).toBe(5 * barrierFree.count);
    expect(barrierFree.figures!.pausesByKind['flip']!.count).toBe(5 * barrierFree.count);
    expect(stopped.figures!.heat).toBeUndefined();
    expect(barrierFree.figures!.nominal!.turnover).toBeCloseTo((100 * 20 * MIB) / (barrierFree.heapBytes / 2), 4);

    // The pause of 0.3 s holds up one request in five for 0.15 s on average; its percentiles are far over the floor, the others' are not.
    const closed = row('lru', /^C\+\+ stw$/, '3×').figures!.latencies!;
    expect(closed.loop).toBe('closed');
    expect(closed.simple.values.at(-1)!.valueNs / 1e9).toBeCloseTo(0.3, 1);
    expect(closed.simple.values[0]).toMatchObject({ percent: 50, floorNs: 1000, atFloor: false });
    const open = analysis.rows.find(({ workload, series }) => workload === 'lru' && / stw 10000\/s$/.test(series))!;
    expect(open.figures!.latencies!.loop).toBe('open');
    expect(open.overhead!.wall).toBeUndefined();
    expect([...histogramFiles(records)].map(([name]) => name)).toContain('lru-faultline-native-stw-barrier-free-adaptive-3x-metered.hgrm');

    // Both arms have the same seeds, so the fake's figures are equal.
    const [comparison] = analysis.comparisons;
    expect(comparison).toMatchObject({ arm: 'b', base: 'a', pairs: 5, isSame: true });
    expect(comparison!.differences).toMatchObject({ wall: { relative: 0, verdict: 'too few' }, CPU: { relative: 0, verdict: 'too few' } });

    // Without the collecting rows the numbers of a row are the same: its floors belong to every choice of rows.
    const few = analysisOf(
      records.filter(({ configuration: { barrier } }) => barrier === undefined || ['none', 'sigbus'].includes(barrier.mode)),
      folder.head,
      [],
    );
    const same = few.rows.find(({ key }) => key === barrierFree.key)!;
    expect(same.overhead!.wall!.median).toBe(barrierFree.overhead!.wall!.median);
    // And without a floor there is none.
    const floorless = analysisOf(
      records.filter(({ point: { heap } }) => !('floor' in heap)),
      folder.head,
      [],
    );
    expect(floorless.rows.every(({ overhead }) => overhead === undefined)).toBe(true);
    expect(summaryText(floorless)).toContain('no LBO for C++ in gcbench: there is no row of it without a collector');

    // Tables come on top of the limit, and of what is used of it.
    expect(summaryText(analysis)).toMatch(/C\+\+ sigbus +2× .* 40\.\d MiB \+ 1\.6$/m);
    const lines = summaryText(analysis).split('\n');
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(140);
  });

  it('tells what is left after one collection, and what requests took meanwhile', async () => {
    const folder = new ResultsFolder(
      request('settled', { experiment: 'fragmentation', invocations: 2, seed: 1, filter: ' faultline native sigbus ' }),
    );
    await new Session(folder, onlyProgram(FAKE), NOTHING).run();
    const analysis = analysisOf(folder.records.read(), folder.head, []);
    expect(analysis.rows[0]!.figures!.afterCollection!.heapOverLive.median).toBeCloseTo(1.02, 12);
    const told = /^fragmentation .* after one collection \(20\.0 ms\) heap 1\.020 × live .*, p99\.9 during it 4\.00 ms$/m;
    expect(summaryText(analysis)).toMatch(told);
    expect(reportHtml(analysis)).toContain('Pauses by kind');
  });

  it('of nothing says so', () => {
    const folder = new ResultsFolder(request('nothing', { experiment: 'a-a', invocations: 1 }));
    expect(summaryText(analysisOf([], folder.head, ['interrupted']))).toContain('nothing was measured');
  });
});
