/**
 * Analysis: from all records to what is told about them. Nothing but records and the session's seed goes in, so the same folder always
 * gives the same analysis.
 */
import { DEFAULT_ROW, RATE, type SuiteName } from '../matrix.ts';
import { randomFrom } from '../random.ts';
import type { Digest } from '../digest.ts';
import type { InvocationRecord } from '../records.ts';
import type { SessionHead } from '../results-folder.ts';
import { type Difference, difference, type Estimate, medianWithInterval, pairedDifference } from '../statistics/bootstrap.ts';
import { type CriticalOperations, criticalOperations, type LoadPoint } from '../statistics/critical-operations.ts';
import { distilledCost, lowerBoundOverhead } from '../statistics/lower-bound-overhead.ts';
import type { Random } from '../random.ts';
import { type Row, rowsOf } from './rows.ts';

/** Overheads at least this large; `wall` is absent for an open loop, whose wall time the schedule decides. */
export interface Overhead {
  readonly wall?: Estimate;
  readonly cpu: Estimate;
}

/** A row with what it is by comparison. */
export interface AnalysedRow extends Row {
  readonly overhead?: Overhead;
  /** Against the baseline of the same workload and heap size; absent for the baseline itself. */
  readonly difference?: { readonly baseline: string; readonly wall: Difference; readonly cpu: Difference };
}

export interface Critical extends CriticalOperations {
  readonly workload: string;
  readonly series: string;
}

/** What the harness itself does to its results. */
export interface HarnessCost {
  /** CPU that the harness took while invocations ran, as a share of one CPU; the median. */
  readonly cpuShare: number;
  /** Arm b against arm a, which differ in nothing, round by round; absent unless they were run. */
  readonly pairs?: number;
  readonly wall?: Difference;
  readonly cpu?: Difference;
}

export interface Analysis {
  readonly head: SessionHead;
  readonly rows: readonly AnalysedRow[];
  readonly critical: readonly Critical[];
  readonly harness: HarnessCost | undefined;
  readonly invocations: number;
  readonly disturbed: number;
  /** Why there are fewer results than asked for. */
  readonly leftOut: readonly string[];
}

/** Wall and CPU time may differ so much between the two arms of an A/A comparison: 1 %. */
export const HARNESS_LIMIT = 0.01;

export function analysisOf(records: readonly InvocationRecord[], head: SessionHead, leftOut: readonly string[]): Analysis {
  const random = randomFrom(head.options.seed);
  const rows = rowsOf(records, random);
  const analysed = [...groups(rows, ({ workload, parameters }) => `${workload} ${JSON.stringify(parameters)}`).values()].flatMap((group) =>
    withComparisons(withOverheads(group, random), random),
  );
  return {
    head,
    rows: analysed,
    critical: criticalOf(rows),
    harness: harnessOf(records, random),
    invocations: records.length,
    disturbed: rows.reduce((sum, { disturbed }) => sum + disturbed, 0),
    leftOut,
  };
}

/** The rows of a suite. */
export function rowsIn({ rows }: Pick<Analysis, 'rows'>, suite: SuiteName): AnalysedRow[] {
  return rows.filter(({ suites }) => suites.includes(suite));
}

/** What mutators are compiled from: an overhead is that of a collector only between rows that run the same program. */
function programOf({ configuration: { system, driver } }: Row): string {
  if (system === 'bdwgc' || system.startsWith('malloc-')) return 'C++ over malloc';
  return `${system.replace(/-.*/, '')} ${driver}`;
}

function withOverheads(rows: readonly Row[], random: Random): AnalysedRow[] {
  const distilled = new Map(
    [
      ...groups(
        rows.filter(({ figures }) => figures !== undefined),
        programOf,
      ),
    ].map(([program, group]) => {
      const remains = group.map(({ figures }) => figures!.samples);
      return [
        program,
        {
          wall: distilledCost(remains.map(({ wallRemains }) => ({ total: wallRemains, identified: 0 }))),
          cpu: distilledCost(remains.map(({ cpuRemains }) => ({ total: cpuRemains, identified: 0 }))),
        },
      ];
    }),
  );
  return rows.map((row) => {
    const { figures } = row;
    if (figures === undefined) return row;
    const least = distilled.get(programOf(row))!;
    const over = (samples: readonly number[], cost: number): Estimate =>
      medianWithInterval(
        samples.map((total) => lowerBoundOverhead({ total, identified: 0 }, cost)),
        random,
      );
    const isOpen = figures.latencies?.loop === 'open';
    return {
      ...row,
      overhead: { cpu: over(figures.samples.cpu, least.cpu), ...(isOpen ? {} : { wall: over(figures.samples.wall, least.wall) }) },
    };
  });
}

function withComparisons(rows: readonly AnalysedRow[], random: Random): AnalysedRow[] {
  const compared = new Map<string, AnalysedRow>();
  for (const group of groups(rows, ({ heap }) => heap).values()) {
    const baseline = baselineOf(group);
    for (const row of group) compared.set(row.key, baseline === undefined ? row : against(row, baseline, random));
  }
  return rows.map(({ key }) => compared.get(key)!);
}

function against(row: AnalysedRow, baseline: AnalysedRow, random: Random): AnalysedRow {
  if (row === baseline || row.figures === undefined) return row;
  const { wall, cpu } = baseline.figures!.samples;
  return {
    ...row,
    difference: {
      baseline: baseline.series,
      wall: difference(wall, row.figures.samples.wall, random),
      cpu: difference(cpu, row.figures.samples.cpu, random),
    },
  };
}

/** The heap as it comes, with mutators in C++; else the first row that has figures. */
function baselineOf(rows: readonly AnalysedRow[]): AnalysedRow | undefined {
  const sound = rows.filter(({ figures }) => figures !== undefined);
  const asItComes = sound.find(
    ({ configuration: { driver, barrier }, arm }) =>
      driver === 'native' && JSON.stringify(barrier) === JSON.stringify(DEFAULT_ROW) && arm !== 'b',
  );
  return asItComes ?? sound[0];
}

function criticalOf(rows: readonly Row[]): Critical[] {
  const open = rows.filter(({ figures }) => figures?.latencies?.loop === 'open');
  const bySeries = groups(open, ({ workload, configuration, heap, series }) =>
    JSON.stringify([workload, series.replace(/ \d+\/s/, ''), heap, configuration.mutators]),
  );
  return [...bySeries].flatMap(([key, group]) => {
    if (group.length < 2) return [];
    const points = group.map(({ parameters, figures }): LoadPoint => ({
      operationsPerSecond: Number(parameters[RATE]),
      p99Ns: figures!.latencies!.simple.p99Ns.median,
    }));
    const [workload, series, heap] = JSON.parse(key) as [string, string, string];
    return [{ workload, series: `${series} ${heap}`, ...criticalOperations(points) }];
  });
}

function harnessOf(records: readonly InvocationRecord[], random: Random): HarnessCost | undefined {
  if (records.length === 0) return undefined;
  const cpuShare = medianWithInterval(
    records.map(({ cpu }) => cpu.harness),
    random,
    { resamples: 1 },
  ).median;
  const pairs = [...groups(records, ({ round }) => String(round)).values()].flatMap((together): [Digest, Digest][] => {
    const arm = (name: 'a' | 'b'): InvocationRecord['result'] | undefined => together.find(({ point }) => point.arm === name)?.result;
    const [a, b] = [arm('a'), arm('b')];
    return a?.ok && b?.ok ? [[a, b]] : [];
  });
  if (pairs.length === 0) return { cpuShare };
  const between = (time: 'wall' | 'cpu'): Difference =>
    pairedDifference(
      pairs.map(([a, b]) => [a[time].total, b[time].total] as const),
      random,
    );
  return { cpuShare, pairs: pairs.length, wall: between('wall'), cpu: between('cpu') };
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  return found;
}
