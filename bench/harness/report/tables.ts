/** The tables of the report: all rows, critical operations, nominal statistics, machine. */
import { MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import type { FlooredValue } from '../statistics/hiccup-floor.ts';
import { LIMITS_MS } from '../statistics/critical-operations.ts';
import type { AnalysedRow, Analysis, OverFloor } from './analysis.ts';
import { type Cell, section, table } from './markup.ts';
import { knobsText } from './plots.ts';
import type { Figures, Tail } from './rows.ts';
import { duration, mib, percent, signedPercent } from './text.ts';

const MESSAGE_CHARS = 200;

/** Columns of a row that has figures. */
const COLUMNS: readonly (readonly [head: string, cell: (figures: Figures, row: AnalysedRow) => Cell])[] = [
  ['wall', ({ wallNs: { median, low, high } }) => `${duration(median)} (${duration(low)} to ${duration(high)})`],
  ['against the baseline', (_, { difference, pair }) => (pair === undefined ? differenceText(difference) : 'in pairs')],
  ['CPU', ({ cpuNs }) => duration(cpuNs.median)],
  ['LBO wall', (_, { overhead }) => overheadText(overhead?.wall)],
  ['LBO CPU', (_, { overhead }) => overheadText(overhead?.cpu)],
  ['MMU 1 ms', (figures) => utilization(figures, 1)],
  ['MMU 5 ms', (figures) => utilization(figures, 5)],
  ['MMU 50 ms', (figures) => utilization(figures, 50)],
  ['latency p99', ({ latencies }) => tailText(latencies?.simple, 99)],
  ['latency p99.9', ({ latencies }) => tailText(latencies?.simple, 99.9)],
  ['metered p99', ({ latencies }) => tailText(latencies?.metered, 99)],
  ['peak memory', ({ peakBytes, memorySource }) => `${mib(peakBytes.median)} (${memorySource})`],
  ['heap over live data after a collection', ({ afterCollection }) => afterCollection?.heapOverLive.median.toFixed(3) ?? ''],
  ['latency p99.9 during it', ({ afterCollection }) => flooredText(afterCollection?.latencies[PERCENTILES.indexOf(99.9)])],
  ['tables and buffers', ({ metadataBytes }) => (metadataBytes === undefined ? '' : mib(metadataBytes))],
  ['oversleeping beside it, p99', ({ hiccupNs }) => duration(hiccupNs[PERCENTILES.indexOf(99)]!)],
  ['collections', ({ collections }) => collections],
  ['first writes while marking', ({ writtenPages }) => writtenPages?.toFixed(0) ?? ''],
];

export function rowTable(rows: readonly AnalysedRow[]): string {
  const description =
    'Medians over invocations with 95 % bootstrap intervals. “No difference” where the interval of the difference holds 0. LBO: over ' +
    'the row in brackets, which collects nothing. ~ marks values at or under the noise floor, which is in brackets. Peak memory counts ' +
    'what the collector needs for moving; tables come on top. Oversleeping beside a row is a symptom of it, no floor.';
  const head = ['workload', 'row', 'heap', 'n', ...COLUMNS.map(([name]) => name)];
  return section('rows', 'All rows', description, table(head, rows.map(rowCells)));
}

function rowCells(row: AnalysedRow): Cell[] {
  const { figures, failures, count, disturbed, failureMessage = '' } = row;
  const failed = Object.entries(failures).map(([code, times]) => `, ${times} ${code}`);
  const disturbances = disturbed > 0 ? ` (${disturbed} disturbed)` : '';
  const heap = row.factor === undefined ? row.heap : `${row.heap} = ${mib(row.heapBytes)}`;
  const head = [knobsText(row), row.series, heap, `${count}${disturbances}${failed.join('')}`];
  if (figures === undefined) return [...head, failureMessage.slice(0, MESSAGE_CHARS)];
  return [...head, ...COLUMNS.map(([, cell]) => cell(figures, row))];
}

function differenceText(difference: AnalysedRow['difference']): string {
  if (difference === undefined) return 'baseline';
  const { relative, verdict } = difference.wall;
  if (verdict === 'too few') return `${signedPercent(relative)}, too few invocations for a verdict`;
  return verdict === 'none' ? `no difference (${signedPercent(relative)})` : signedPercent(relative);
}

function overheadText(over: OverFloor | undefined): string {
  if (over === undefined) return '';
  const interval = `${over.low.toFixed(2)} to ${over.high.toFixed(2)}`;
  return `${over.median.toFixed(3)}${over.isUnderFloor ? '+' : ''} (${interval}; over ${over.floor})`;
}

function utilization({ mmu }: Figures, windowMs: (typeof MMU_WINDOWS_MS)[number]): string {
  return percent(mmu[MMU_WINDOWS_MS.indexOf(windowMs)]!);
}

function tailText(tail: Tail | undefined, at: (typeof PERCENTILES)[number]): string {
  return flooredText(tail?.values[PERCENTILES.indexOf(at)]);
}

function flooredText(value: FlooredValue | undefined): string {
  return value === undefined ? '' : `${duration(value.valueNs)}${value.atFloor ? ' ~' : ''} (${duration(value.floorNs)})`;
}

export function pauseTable({ rows }: Pick<Analysis, 'rows'>): string {
  const cells = rows.flatMap((row): Cell[][] =>
    Object.entries(row.figures?.pausesByKind ?? {}).map(([kind, tail]) => [
      ...[knobsText(row), row.series, row.heap, kind, String(tail.count)],
      ...([50, 90, 99, 100] as const).map((at) => tailText(tail, at)),
    ]),
  );
  if (cells.length === 0) return '';
  const description =
    'Pauses of all invocations by what stopped the threads, from the request on: of Faultline, whose flip is the pause that moves ' +
    'objects; of OpenJDK the totals of its safepoints, of which ZRelocateStart is the like of it. The noise floor is in brackets.';
  const head = ['workload', 'row', 'heap', 'kind', 'n', 'p50', 'p90', 'p99', 'max'];
  return section('pause-kinds', 'Pauses by kind', description, table(head, cells));
}

export function criticalTable({ critical }: Analysis): string {
  if (critical.length === 0) return '';
  const description = 'The highest rate whose 99th percentile holds each limit, and their geometric mean; a second.';
  const head = ['workload', 'row', 'mean', ...LIMITS_MS.map((limitMs) => `${limitMs} ms`)];
  const rows = critical.map(({ workload, series, mean, perLimit }) => [workload, series, mean.toFixed(0), ...perLimit]);
  return section('critical', 'Critical operations', description, table(head, rows));
}

export function nominalTable({ rows }: Analysis): string {
  const head = ['workload', 'row', 'heap', 'mean', 'p10', 'p50', 'p90', 'references', 'allocation', 'turnover'];
  const cells = rows.flatMap((row): Cell[][] => {
    const nominal = row.figures?.nominal;
    if (nominal === undefined) return [];
    const { objectBytesMean, objectBytesP10, objectBytesP50, objectBytesP90, turnover } = nominal;
    const sizes = [objectBytesMean.toFixed(1), objectBytesP10, objectBytesP50, objectBytesP90];
    const rate = `${mib(nominal.allocationBytesPerSecond)}/s`;
    const shares = [percent(nominal.pointerDensity), rate, turnover.toFixed(1)];
    return [[knobsText(row), row.series, row.heap, ...sizes, ...shares]];
  });
  if (cells.length === 0) return '';
  const description =
    'What the workloads do to a heap, from a census in a run of its own. Sizes of objects in bytes, with their headers; turnover is ' +
    'what was allocated, in minimum heaps.';
  return section('nominal', 'Nominal statistics', description, table(head, cells));
}

export function machineTable({ rows, harnessShare, head }: Analysis): string {
  const { settings, environment, ...machine } = head.machine;
  const facts = Object.entries({ ...machine, ...settings, ...environment }).map(([name, value]) => [name, value]);
  const runtimes = new Map(rows.flatMap(({ series, figures }) => (figures === undefined ? [] : [[series, aboutText(figures)] as const])));
  return section(
    'machine',
    'Machine',
    harnessText(harnessShare),
    table(['setting', 'value'], facts) + table(['row', 'runtime'], [...runtimes]),
  );
}

function aboutText({ about }: Figures): string {
  return Object.entries(about)
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');
}

/** Arms against the first one, in pairs. */
export function comparisonTable({ comparisons }: Analysis): string {
  if (comparisons.length === 0) return '';
  const description =
    'Medians of the ratios of pairs, which ran one after the other with one seed, with the 95 % intervals of the sign test. All rows: the ' +
    'geometric mean of their ratios in each round. Where the interval holds 0 there is no difference.';
  const cells = comparisons.flatMap(({ row, arm, base, pairs, differences }) =>
    Object.entries(differences).map(([name, { relative, low, high, verdict }]) => [
      ...[row, `${arm} against ${base}`, pairs, name, signedPercent(relative), `${signedPercent(low)} to ${signedPercent(high)}`],
      verdict === 'none' ? 'no difference' : verdict,
    ]),
  );
  return section('comparisons', 'In pairs', description, table(['row', 'arms', 'pairs', 'figure', 'difference', '95 %', 'verdict'], cells));
}

function harnessText(harnessShare: number | undefined): string {
  return harnessShare === undefined ? '' : `The harness took ${(harnessShare * 100).toFixed(2)} % of a CPU while invocations ran.`;
}
