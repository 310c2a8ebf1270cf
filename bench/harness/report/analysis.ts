/**
 * Analysis: from all records to what is told about them. Nothing but records and the session's seed goes in, so the same folder always
 * gives the same analysis.
 */
import { median } from 'simple-statistics';
import { DEFAULT_ROW, RATE } from '../matrix.ts';
import { randomFrom } from '../random.ts';
import type { InvocationRecord } from '../records.ts';
import type { SessionHead } from '../results-folder.ts';
import { type Difference, difference, type Estimate, ratioToLeast } from '../statistics/bootstrap.ts';
import { type CriticalOperations, criticalOperations, type LoadPoint } from '../statistics/critical-operations.ts';
import { isFloor, programOf } from '../floors.ts';
import { groups } from './groups.ts';
import { type Comparison, comparisonsOf } from './comparisons.ts';
import type { Random } from '../random.ts';
import { noiseFloorOf, type Row, rowsOf } from './rows.ts';

/** Overheads at least this large; `wall` is absent for an open loop, whose wall time the schedule decides. */
export interface Overhead {
  readonly wall?: OverFloor;
  readonly cpu: OverFloor;
}

export interface OverFloor extends Estimate {
  /** The row that the distilled cost comes from. */
  readonly floor: string;
  /** Less remains of this row than of its floor, which then is none: the true overhead is larger. */
  readonly isUnderFloor: boolean;
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

export interface Analysis {
  readonly head: SessionHead;
  readonly rows: readonly AnalysedRow[];
  readonly critical: readonly Critical[];
  /** The noise floor at `PERCENTILES`; empty where it was not measured. */
  readonly noiseNs: readonly number[];
  /** Arms against the first one, in pairs. */
  readonly comparisons: readonly Comparison[];
  /** CPU that the harness took while invocations ran, as a share of one CPU; the median. Absent where nothing ran. */
  readonly harnessShare?: number;
  readonly invocations: number;
  readonly disturbed: number;
  /** Why there are fewer results than asked for. */
  readonly leftOut: readonly string[];
}

export function analysisOf(records: readonly InvocationRecord[], head: SessionHead, leftOut: readonly string[]): Analysis {
  const random = randomFrom(head.options.seed);
  const rows = rowsOf(records, random);
  const noiseNs = noiseFloorOf(records);
  const asked = ({ workload, parameters, configuration: { mutators } }: Row): string => JSON.stringify([workload, parameters, mutators]);
  const analysed = [...groups(rows, asked).values()].flatMap((group) => withComparisons(withOverheads(group, random), random));
  return {
    head,
    rows: analysed,
    critical: criticalOf(rows),
    noiseNs,
    comparisons: comparisonsOf(records),
    ...(records.length === 0 ? {} : { harnessShare: median(records.map(({ cpu }) => cpu.harness)) }),
    invocations: records.length,
    disturbed: rows.reduce((sum, { disturbed }) => sum + disturbed, 0),
    leftOut,
  };
}

function withOverheads(rows: readonly Row[], random: Random): AnalysedRow[] {
  const floors = groups(
    rows.filter(({ figures, configuration }) => figures !== undefined && isFloor(configuration)),
    ({ configuration }) => programOf(configuration),
  );
  return rows.map((row) => {
    const { figures, configuration } = row;
    const own = floors.get(programOf(configuration));
    if (figures === undefined || own === undefined) return row;
    const over = (time: 'wall' | 'cpu'): OverFloor => {
      const remains = `${time}Remains` as const;
      const least = own.toSorted((a, b) => median([...a.figures!.samples[remains]]) - median([...b.figures!.samples[remains]]))[0]!;
      const estimate = ratioToLeast(
        figures.samples[time],
        own.map((floor) => floor.figures!.samples[remains]),
        random,
      );
      const isUnderFloor = median([...figures.samples[remains]]) < median([...least.figures!.samples[remains]]);
      return { ...estimate, floor: `${least.series} ${least.heap}`, isUnderFloor };
    };
    const isOpen = figures.latencies?.loop === 'open';
    return { ...row, overhead: { cpu: over('cpu'), ...(isOpen ? {} : { wall: over('wall') }) } };
  });
}

function withComparisons(rows: readonly AnalysedRow[], random: Random): AnalysedRow[] {
  const compared = new Map<string, AnalysedRow>(rows.filter(({ pair }) => pair !== undefined).map((row) => [row.key, row]));
  // What is compared in pairs is compared there.
  const alone = rows.filter(({ pair }) => pair === undefined);
  for (const group of groups(alone, ({ heap }) => heap).values()) {
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
    ({ configuration: { driver, barrier } }) => driver === 'native' && JSON.stringify(barrier) === JSON.stringify(DEFAULT_ROW),
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
    const points = group.map(
      ({ parameters, figures }): LoadPoint => ({
        operationsPerSecond: Number(parameters[RATE]),
        p99Ns: figures!.latencies!.simple.p99Ns.median,
      }),
    );
    const [workload, series, heap] = JSON.parse(key) as [string, string, string];
    return [{ workload, series: `${series} ${heap}`, ...criticalOperations(points) }];
  });
}
