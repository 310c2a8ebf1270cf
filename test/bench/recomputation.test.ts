/**
 * An independent recomputation: real invocations, and every figure that is published of them found once more from the raw answers alone, by
 * other algorithms (brute force, sweeps, exact distributions) and without a line of the harness's statistics.
 *
 * Figures agree to the last digit but for the order of floating-point sums (1 in 10^9). Intervals are drawn at random there and known
 * exactly here, so theirs must lie where 2000 draws can put them: between the exact values at 1.2 % and 4.2 %.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finished } from '../../bench/harness/contract.ts';
import { type Digest, digestOf } from '../../bench/harness/digest.ts';
import { MinimumHeapsFile } from '../../bench/harness/minimum-heaps-file.ts';
import { planOf } from '../../bench/harness/plan.ts';
import { censusKey, minimumHeapKey } from '../../bench/harness/point.ts';
import { programOf } from '../../bench/harness/programs.ts';
import type { InvocationRecord } from '../../bench/harness/records.ts';
import { type AnalysedRow, type Analysis, analysisOf } from '../../bench/harness/report/analysis.ts';
import { csvText } from '../../bench/harness/report/csv.ts';
import { ResultsFolder } from '../../bench/harness/results-folder.ts';
import { Session } from '../../bench/harness/session.ts';
import { MODES } from '../support/modes.ts';

const LIMIT_MS = 5 * 60_000;
const MIB = 2 ** 20;
const COUNT = 5;
const MINIMUM_BYTES = 3.3 * MIB;
const PERCENT = [50, 90, 99, 99.9, 99.99, 100];
const WINDOWS_MS = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100];

const work = mkdtempSync(join(tmpdir(), 'faultline-recomputation-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** An invocation as the folder has it: what is told of it, and what it answered. */
interface Told {
  readonly record: InvocationRecord;
  readonly raw: Finished;
  readonly requests: readonly (readonly [startNs: number, endNs: number])[];
  readonly line: Readonly<Record<string, string>>;
}

let analysis: Analysis;
let all: Told[] = [];
let hiccups: number[][] = [];
let harnessShares: number[] = [];

beforeAll(async () => {
  const experiment = join(work, 'own.yaml');
  writeFileSync(
    experiment,
    `
rows:
  - workload: lru
    knobs: { keys: 5000, limitBytes: 1.0e+6, ttlRequests: 4000, warmUpRequests: 2000, requests: 12000 }
    mode: [${MODES[0]}, stw]
    mutators: 2
    heap: 1.7x
`,
  );
  const request = {
    ...{ experiment, quick: false, invocations: COUNT, seed: 7, out: join(work, 'results'), minimumHeaps: join(work, 'heaps.json') },
    ...{ resume: false, add: false, dryRun: false, json: false },
  };
  // As if it had been looked for.
  const heaps = new MinimumHeapsFile(request.minimumHeaps);
  for (const { configuration } of planOf(request).points) {
    heaps.set(minimumHeapKey(configuration), { bytes: MINIMUM_BYTES, commit: 'c', invocations: 1 });
    heaps.setCensus(censusKey(configuration), { commit: 'c', allocatedBytes: 40 * MIB, processMs: 1 });
  }
  const folder = new ResultsFolder(request);
  await new Session(folder, programOf, new AbortController().signal).run();
  const records = folder.records.read();
  analysis = analysisOf(records, folder.head, []);
  const unpacked = (name: string): Buffer => gunzipSync(readFileSync(join(folder.path, name)));
  const lines = tableOf(csvText(records));
  harnessShares = lines.map(({ harnessShare }) => Number(harnessShare));
  all = records.flatMap((record, i): Told[] => {
    if (record.raw === undefined) return [];
    const raw = JSON.parse(unpacked(record.raw).toString()) as Finished;
    const bytes = unpacked(record.requests!);
    const requests = Array.from({ length: bytes.length / 16 }, (_, at) => [bytes.readDoubleLE(16 * at), bytes.readDoubleLE(16 * at + 8)] as const);
    return [{ record, raw, requests: requests.sort(([a], [b]) => a - b), line: lines[i]! }];
  });
  hiccups = records.flatMap(({ result, configuration }) => (configuration.system === 'idle' && result.ok ? [[...result.hiccupNs]] : []));
}, LIMIT_MS);

/** A reader of RFC 4180 that takes one character after the other. */
function tableOf(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  let cell = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (isQuoted && character === '"' && text[i + 1] === '"') cell += text[i++];
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === ',' || character === '\n')) {
      rows.at(-1)!.push(cell.replace(/\r$/, ''));
      cell = '';
      if (character === '\n') rows.push([]);
    } else cell += character;
  }
  const [head, ...body] = rows.slice(0, -1);
  return body.map((cells) => Object.fromEntries(head!.map((name, i) => [name, cells[i]!])));
}

const close = (value: number | string | undefined, right: number, what: string): void => {
  expect(Math.abs(Number(value) - right), `${what}: ${value}, not ${right}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(right)));
};

/** By counting: the least value that `percent` of all do not exceed. In whole numbers, so that nothing is rounded. */
function nearestRank(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const needed = (BigInt(Math.round(percent * 100)) * BigInt(sorted.length) + 9999n) / 10_000n;
  return sorted[Number(needed) - 1]!;
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** How many of the lists cover each piece of time, by a sweep over all edges at once. */
function coverage(lists: Finished['interruptions'], lengthNs: number): [fromNs: number, untilNs: number, lists: number][] {
  const edges = lists.flatMap((intervals, list) =>
    intervals.flatMap(([start, length]) => [[start, 1, list] as const, [start + length, -1, list] as const]),
  );
  edges.sort(([a], [b]) => a - b);
  const open = lists.map(() => 0);
  const pieces: [number, number, number][] = [];
  let from = 0;
  for (const [at, change, list] of [...edges, [lengthNs, 0, 0] as const]) {
    const until = Math.min(Math.max(at, 0), lengthNs);
    if (until > from) pieces.push([from, until, open.filter((count) => count > 0).length]);
    from = Math.max(from, until);
    open[list] = open[list]! + change;
  }
  return pieces;
}

/** The time covered before a moment: by bisection in running sums. */
function coveredBefore(pieces: readonly (readonly [number, number, number])[]): (moment: number) => number {
  const sums = [0];
  for (const [from, until, lists] of pieces) sums.push(sums.at(-1)! + (lists > 0 ? until - from : 0));
  return (moment) => {
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if (pieces[half]![1] <= moment) low = half + 1;
      else high = half;
    }
    if (low === pieces.length) return sums[low]!;
    const [from, , lists] = pieces[low]!;
    return sums[low]! + (lists > 0 ? Math.max(0, moment - from) : 0);
  };
}

/** Every placement at which the share can turn: either end of the window at any edge. */
function worstShare(intervals: Finished['interruptions'][number], lengthNs: number, windowNs: number): number {
  const pieces = coverage([intervals], lengthNs);
  const before = coveredBefore(pieces);
  const window = Math.min(windowNs, lengthNs);
  const edges = [0, lengthNs, ...pieces.flatMap(([from, until]) => [from, until])];
  const begins = edges.flatMap((edge) => [edge, edge - window]).filter((begin) => begin >= 0 && begin + window <= lengthNs);
  return Math.min(...begins.map((begin) => 1 - (before(begin + window) - before(begin)) / window));
}

/** Median of a sample that is drawn again from itself, with its probability: by order statistics, for an odd number of values. */
function medianDistribution(sample: readonly number[]): [value: number, probability: number][] {
  const n = sample.length;
  const choose = (k: number): number => (k === 0 ? 1 : (choose(k - 1) * (n - k + 1)) / k);
  const atMost = (rank: number): number => {
    let sum = 0;
    for (let k = (n + 1) / 2; k <= n; k++) sum += choose(k) * (rank / n) ** k * (1 - rank / n) ** (n - k);
    return sum;
  };
  return sample.toSorted((a, b) => a - b).map((value, i) => [value, atMost(i + 1) - atMost(i)]);
}

/** The ratio of two such medians, or of one to the least of some. */
function ratioDistribution(sample: readonly number[], others: readonly (readonly number[])[]): [value: number, probability: number][] {
  let least: [number, number][] = [[Number.POSITIVE_INFINITY, 1]];
  for (const other of others) {
    least = least.flatMap(([a, p]) => medianDistribution(other).map(([b, q]): [number, number] => [Math.min(a, b), p * q]));
  }
  return medianDistribution(sample).flatMap(([a, p]) => least.map(([b, q]): [number, number] => [a / b, p * q]));
}

function quantile(distribution: readonly (readonly [value: number, probability: number])[], share: number): number {
  let sum = 0;
  for (const [value, probability] of distribution.toSorted(([a], [b]) => a - b)) if ((sum += probability) >= share) return value;
  return Math.max(...distribution.map(([value]) => value));
}

function expectInterval(told: { low: number; high: number }, distribution: [number, number][], what: string): void {
  const near = (value: number, from: number, until: number): void => {
    expect(value, what).toBeGreaterThanOrEqual(quantile(distribution, from) * (1 - 1e-9));
    expect(value, what).toBeLessThanOrEqual(quantile(distribution, until) * (1 + 1e-9));
  };
  near(told.low, 0.012, 0.042);
  near(told.high, 1 - 0.042, 1 - 0.012);
}

/** The first request from a moment on. */
function firstFrom(requests: Told['requests'], moment: number): number {
  let low = 0;
  let high = requests.length;
  while (low < high) {
    const half = (low + high) >> 1;
    if (requests[half]![0] < moment) low = half + 1;
    else high = half;
  }
  return low;
}
/** From the first that begins no more than half a window before to the first that begins no less than half a window after, or the last. */
function meteredOf(requests: Told['requests'], windowNs: number): number[] {
  return requests.map(([start, end], i) => {
    const first = windowNs === Number.POSITIVE_INFINITY ? 0 : firstFrom(requests, start - windowNs / 2);
    const last = Math.min(requests.length - 1, firstFrom(requests, start + windowNs / 2));
    const step = last === first ? 0 : (requests[last]![0] - requests[first]![0]) / (last - first);
    return end - Math.min(start, requests[first]![0] + (i - first) * step);
  });
}

const rowsWith = (test: (row: AnalysedRow) => boolean): AnalysedRow[] => analysis.rows.filter((row) => row.figures !== undefined && test(row));
const toldOf = (row: AnalysedRow): Told[] =>
  all.filter(({ record: { point } }) => point.configuration.system === row.configuration.system && point.configuration.barrier?.mode === row.configuration.barrier?.mode);
const isFloor = ({ configuration: { barrier, system } }: AnalysedRow): boolean => barrier?.mode === 'none' || system.startsWith('malloc-');

describe('figures that are found once more from the raw answers', { timeout: LIMIT_MS }, () => {
  it('have something to be found from', () => {
    expect(all.length).toBeGreaterThanOrEqual(3 * COUNT);
    const collecting = all.filter(({ record }) => record.configuration.barrier?.mode !== 'none' && record.configuration.system === 'faultline');
    for (const { raw, requests } of collecting) {
      expect(raw.pauses.length).toBeGreaterThan(0);
      expect(raw.interruptions.map((list) => list.length > 10)).toEqual([true, true]);
      expect(requests).toHaveLength(24_000);
    }
    expect(hiccups).toHaveLength(COUNT);
  });

  it('minimum mutator utilization', () => {
    for (const { raw, record, line } of all) {
      for (const [i, ms] of WINDOWS_MS.entries()) {
        const share = Math.max(0, Math.min(...raw.interruptions.map((intervals) => worstShare(intervals, raw.wallNs, ms * 1e6)), 1));
        close(line[`mmu${ms}ms`], share, `MMU ${ms} ms of ${record.raw}`);
        close((record.result as Digest).mmu[i], share, `MMU ${ms} ms of ${record.raw}`);
      }
    }
    for (const row of rowsWith(() => true)) {
      for (const [i] of WINDOWS_MS.entries()) {
        close(row.figures!.mmu[i], middle(toldOf(row).map(({ record }) => (record.result as Digest).mmu[i]!)), row.series);
      }
    }
  });

  it('utilization after each flip', () => {
    for (const { raw, record } of all) {
      const ends = raw.pauses.filter(([, , kind]) => kind === 'flip').map(([start, length]) => start + length).filter((end) => end < raw.wallNs);
      const told = (record.result as Digest).afterFlip;
      expect(told.map(({ afterMs }) => afterMs)).toEqual(ends.length === 0 ? [] : [1, 5, 10, 50]);
      for (const { afterMs, median, worst } of told) {
        const shares = raw.interruptions.flatMap((intervals) => {
          const before = coveredBefore(coverage([intervals], raw.wallNs));
          return ends.map((end) => {
            const until = Math.min(raw.wallNs, end + afterMs * 1e6);
            return 1 - (before(until) - before(end)) / (until - end);
          });
        });
        close(median, nearestRank(shares, 50), `${afterMs} ms after the flip of ${record.raw}`);
        close(worst, Math.min(...shares), `${afterMs} ms after the flip of ${record.raw}`);
      }
    }
  });

  it('pauses by kind, and the least of them that count', () => {
    const noise = PERCENT.map((_, i) => middle(hiccups.map((one) => one[i]!)));
    for (const [i] of PERCENT.entries()) close(analysis.noiseNs[i], noise[i]!, 'noise floor');
    for (const row of rowsWith(() => true)) {
      const told = toldOf(row);
      const kinds = [...new Set(told.flatMap(({ raw }) => raw.pauses.map(([, , kind]) => kind)))].sort();
      expect(Object.keys(row.figures!.pausesByKind)).toEqual(kinds);
      for (const kind of kinds) {
        const lists = told.map(({ raw }) => raw.pauses.filter((pause) => pause[2] === kind).map(([, length]) => length)).filter(({ length }) => length > 0);
        const { count, values, p99Ns } = row.figures!.pausesByKind[kind]!;
        expect(count).toBe(lists.flat().length);
        for (const [i, percent] of PERCENT.entries()) {
          const value = middle(lists.map((list) => nearestRank(list, percent)));
          close(values[i]!.valueNs, value, `${row.series} ${kind} p${percent}`);
          expect(values[i]!.atFloor).toBe(value <= noise[i]!);
        }
        close(p99Ns.median, middle(lists.map((list) => nearestRank(list, 99))), `${row.series} ${kind}`);
      }
      for (const { raw, line } of told) {
        for (const kind of new Set(raw.pauses.map((pause) => pause[2]))) {
          const lengths = raw.pauses.filter((pause) => pause[2] === kind).map(([, length]) => length);
          close(line[`pause.${kind}.p99Ns`], nearestRank(lengths, 99), kind);
          close(line[`pause.${kind}.maxNs`], Math.max(...lengths), kind);
          expect(line[`pause.${kind}.count`]).toBe(String(lengths.length));
        }
      }
    }
  });

  it('latencies: simple, metered with 100 ms, metered in full', () => {
    const ways = {
      simple: (requests: Told['requests']) => requests.map(([start, end]) => end - start),
      metered: (requests: Told['requests']) => meteredOf(requests, 100e6),
      meteredFull: (requests: Told['requests']) => meteredOf(requests, Number.POSITIVE_INFINITY),
    };
    for (const [way, latenciesOf] of Object.entries(ways) as [keyof typeof ways, (requests: Told['requests']) => number[]][]) {
      for (const row of rowsWith(() => true)) {
        const lists = toldOf(row).map(({ requests }) => latenciesOf(requests));
        for (const [i, percent] of PERCENT.entries()) {
          const values = lists.map((list) => Math.max(0, nearestRank(list, percent)));
          close(row.figures!.latencies![way].values[i]!.valueNs, middle(values), `${row.series} ${way} p${percent}`);
          if (way === 'meteredFull') continue;
          const column = `${way === 'simple' ? 'latency' : way}.${percent === 100 ? 'max' : `p${percent}`}Ns`;
          for (const [at, { line }] of toldOf(row).entries()) close(line[column], values[at]!, `${row.series} ${column}`);
        }
      }
    }
  });

  it('latencies of a schedule with pauses of every length', () => {
    let state = 9;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let now = 0;
    // Two seconds; one request of a hundred meets a pause of up to 100 ms.
    const requests = Array.from({ length: 6000 }, () => {
      const start = (now += 20e3 * random());
      now += random() < 0.01 ? 100e6 * random() ** 3 : 10e3;
      return [start, now] as const;
    });
    const path = join(work, 'requests.f64');
    writeFileSync(path, Float64Array.from(requests.flat()));
    const finished: Finished = { ...all[0]!.raw, requests: { path, count: requests.length, loop: 'closed' } };
    const { simple, metered, meteredFull } = digestOf(finished, {}).latencies!;
    for (const [i, percent] of PERCENT.entries()) {
      close(simple.percentilesNs[i], nearestRank(requests.map(([start, end]) => end - start), percent), `simple p${percent}`);
      close(metered.percentilesNs[i], nearestRank(meteredOf(requests, 100e6), percent), `metered p${percent}`);
      close(meteredFull.percentilesNs[i], nearestRank(meteredOf(requests, Number.POSITIVE_INFINITY), percent), `metered in full p${percent}`);
    }
  });

  it('wall and CPU time, and what of them is memory management', () => {
    for (const { raw, line, record } of all) {
      const stopped = coverage(raw.interruptions, raw.wallNs).filter(([, , lists]) => lists === 2).reduce((sum, [from, until]) => sum + until - from, 0);
      close(line['wallNs'], raw.wallNs, 'wall');
      close(line['wallIdentifiedNs'], stopped, `identified wall time of ${record.raw}`);
      const { total, mutators = 0, collector = 0, faultService = 0 } = raw.cpuNs;
      const remains = [total - collector - faultService, mutators - faultService, 0].sort((a, b) => b - a)[0]!;
      close(line['cpuIdentifiedNs'], total - remains, `identified CPU time of ${record.raw}`);
      for (const part of ['total', 'mutators', 'collector', 'faultService', 'harness'] as const) {
        if (raw.cpuNs[part] !== undefined) close(line[`cpuNs.${part}`], raw.cpuNs[part]!, part);
      }
    }
    for (const row of rowsWith(() => true)) {
      close(row.figures!.wallNs.median, middle(toldOf(row).map(({ raw }) => raw.wallNs)), row.series);
      close(row.figures!.cpuNs.median, middle(toldOf(row).map(({ raw }) => raw.cpuNs.total)), row.series);
      expectInterval(row.figures!.wallNs, medianDistribution(toldOf(row).map(({ raw }) => raw.wallNs)), row.series);
    }
    close(analysis.harnessShare, middle(harnessShares), 'harness');
  });

  it('the distilled cost and lower-bound overheads with their intervals', () => {
    const perOperation = (row: AnalysedRow, column: string, less?: string): number[] =>
      toldOf(row).map(({ line }) => (Number(line[column]) - (less === undefined ? 0 : Number(line[less]))) / Number(line['operations']));
    const floors = rowsWith(isFloor);
    expect(floors.length).toBeGreaterThan(0);
    expect(rowsWith((row) => !isFloor(row))).toHaveLength(2);
    for (const row of rowsWith(() => true)) {
      for (const [time, total, identified] of [['wall', 'wallNs', 'wallIdentifiedNs'], ['cpu', 'cpuNs.total', 'cpuIdentifiedNs']] as const) {
        const remains = floors.map((floor) => perOperation(floor, total, identified));
        const distilled = Math.min(...remains.map(middle));
        const told = row.overhead![time]!;
        close(told.median, middle(perOperation(row, total)) / distilled, `LBO ${time} of ${row.series}`);
        expect(told.isUnderFloor).toBe(middle(perOperation(row, total, identified)) < distilled);
        expect(floors[remains.findIndex((list) => middle(list) === distilled)]!.series + ' floor').toBe(told.floor);
        expectInterval(told, ratioDistribution(perOperation(row, total), remains), `LBO ${time} of ${row.series}`);
      }
    }
  });

  it('heap sizes are the multiples of the minimum heap that they are said to be', () => {
    for (const row of rowsWith((each) => !isFloor(each))) {
      expect([row.heap, row.factor, row.heapBytes]).toEqual(['1.7×', 1.7, Math.round(1.7 * MINIMUM_BYTES)]);
      for (const { record, line } of toldOf(row)) {
        expect(Math.abs(record.configuration.heapBytes - 1.7 * MINIMUM_BYTES)).toBeLessThanOrEqual(0.5);
        expect([line['heapBytes'], line['heapFactor']]).toEqual([String(Math.round(1.7 * MINIMUM_BYTES)), '1.7']);
      }
    }
  });

  it('verdicts', () => {
    const [base, other] = rowsWith((row) => !isFloor(row)) as [AnalysedRow, AnalysedRow];
    expect(base.difference).toBeUndefined();
    for (const [time, column] of [['wall', 'wallNs'], ['cpu', 'cpuNs.total']] as const) {
      const samples = [base, other].map((row) => toldOf(row).map(({ line }) => Number(line[column]) / Number(line['operations'])));
      const told = other.difference![time];
      close(1 + told.relative, middle(samples[1]!) / middle(samples[0]!), `${time} against the baseline`);
      expectInterval({ low: 1 + told.low, high: 1 + told.high }, ratioDistribution(samples[1]!, [samples[0]!]), time);
      expect(told.verdict).toBe(told.low > 0 ? 'more' : told.high < 0 ? 'less' : 'none');
    }
  });
});
