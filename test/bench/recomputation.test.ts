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
import {
  coverage,
  coveredBefore,
  medianDistribution,
  meteredOf,
  middle,
  nearestRank,
  quantile,
  ratioDistribution,
  type Request,
  tableOf,
  worstShare,
} from '../support/recomputation.ts';

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
  readonly requests: readonly Request[];
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
    const requests = Array.from(
      { length: bytes.length / 16 },
      (_, at) => [bytes.readDoubleLE(16 * at), bytes.readDoubleLE(16 * at + 8)] as const,
    );
    return [{ record, raw, requests: requests.sort(([a], [b]) => a - b), line: lines[i]! }];
  });
  hiccups = records.flatMap(({ result, configuration }) => (configuration.system === 'idle' && result.ok ? [[...result.hiccupNs]] : []));
}, LIMIT_MS);

const close = (value: number | string | undefined, right: number, what: string): void => {
  expect(Math.abs(Number(value) - right), `${what}: ${value}, not ${right}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(right)));
};

function expectInterval(told: { low: number; high: number }, distribution: [number, number][], what: string): void {
  const near = (value: number, from: number, until: number): void => {
    expect(value, what).toBeGreaterThanOrEqual(quantile(distribution, from) * (1 - 1e-9));
    expect(value, what).toBeLessThanOrEqual(quantile(distribution, until) * (1 + 1e-9));
  };
  near(told.low, 0.012, 0.042);
  near(told.high, 1 - 0.042, 1 - 0.012);
}

const rowsWith = (test: (row: AnalysedRow) => boolean): AnalysedRow[] =>
  analysis.rows.filter((row) => row.figures !== undefined && test(row));
const toldOf = (row: AnalysedRow): Told[] =>
  all.filter(
    ({ record: { point } }) =>
      point.configuration.system === row.configuration.system && point.configuration.barrier?.mode === row.configuration.barrier?.mode,
  );
const isFloor = ({ configuration: { barrier, system } }: AnalysedRow): boolean => barrier?.mode === 'none' || system.startsWith('malloc-');

describe('figures that are found once more from the raw answers', { timeout: LIMIT_MS }, () => {
  it('have something to be found from', () => {
    expect(all.length).toBeGreaterThanOrEqual(3 * COUNT);
    const collecting = all.filter(
      ({ record }) => record.configuration.barrier?.mode !== 'none' && record.configuration.system === 'faultline',
    );
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
      const ends = raw.pauses
        .filter(([, , kind]) => kind === 'flip')
        .map(([start, length]) => start + length)
        .filter((end) => end < raw.wallNs);
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
        const lists = told
          .map(({ raw }) => raw.pauses.filter((pause) => pause[2] === kind).map(([, length]) => length))
          .filter(({ length }) => length > 0);
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
      simple: (requests: readonly Request[]) => requests.map(([start, end]) => end - start),
      metered: (requests: readonly Request[]) => meteredOf(requests, 100e6),
      meteredFull: (requests: readonly Request[]) => meteredOf(requests, Number.POSITIVE_INFINITY),
    };
    for (const [way, latenciesOf] of Object.entries(ways) as [keyof typeof ways, (requests: readonly Request[]) => number[]][]) {
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
      close(
        simple.percentilesNs[i],
        nearestRank(
          requests.map(([start, end]) => end - start),
          percent,
        ),
        `simple p${percent}`,
      );
      close(metered.percentilesNs[i], nearestRank(meteredOf(requests, 100e6), percent), `metered p${percent}`);
      close(
        meteredFull.percentilesNs[i],
        nearestRank(meteredOf(requests, Number.POSITIVE_INFINITY), percent),
        `metered in full p${percent}`,
      );
    }
  });

  it('wall and CPU time, and what of them is memory management', () => {
    for (const { raw, line, record } of all) {
      const stopped = coverage(raw.interruptions, raw.wallNs)
        .filter(([, , lists]) => lists === 2)
        .reduce((sum, [from, until]) => sum + until - from, 0);
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
      for (const [time, total, identified] of [
        ['wall', 'wallNs', 'wallIdentifiedNs'],
        ['cpu', 'cpuNs.total', 'cpuIdentifiedNs'],
      ] as const) {
        const remains = floors.map((floor) => perOperation(floor, total, identified));
        const distilled = Math.min(...remains.map(middle));
        const told = row.overhead![time]!;
        close(told.median, middle(perOperation(row, total)) / distilled, `LBO ${time} of ${row.series}`);
        expect(told.isUnderFloor).toBe(middle(perOperation(row, total, identified)) < distilled);
        expect(`${floors[remains.findIndex((list) => middle(list) === distilled)]!.series} floor`).toBe(told.floor);
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
    for (const [time, column] of [
      ['wall', 'wallNs'],
      ['cpu', 'cpuNs.total'],
    ] as const) {
      const samples = [base, other].map((row) => toldOf(row).map(({ line }) => Number(line[column]) / Number(line['operations'])));
      const told = other.difference![time];
      close(1 + told.relative, middle(samples[1]!) / middle(samples[0]!), `${time} against the baseline`);
      expectInterval({ low: 1 + told.low, high: 1 + told.high }, ratioDistribution(samples[1]!, [samples[0]!]), time);
      expect(told.verdict).toBe(told.low > 0 ? 'more' : told.high < 0 ? 'less' : 'none');
    }
  });
});
