/**
 * Summary: what fits a screen. One line a row, medians; `±` is half of the 95 % interval as a share of the median. The report has
 * everything else.
 */
import Table from 'cli-table3';
import { type Difference, type Estimate, LEAST_FOR_VERDICT, LEAST_PAIRS_FOR_VERDICT } from '../statistics/bootstrap.ts';
import { MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import type { AnalysedRow, Analysis, OverFloor } from './analysis.ts';
import type { Comparison } from './comparisons.ts';
import { knobsText } from './plots.ts';
import { programOf } from '../floors.ts';
import type { Figures, Tail } from './rows.ts';
import { duration, mib, percent, signedPercent } from './text.ts';

/** Rows that are shown; a screen has about fifty lines. */
const MOST_ROWS = 36;
/** Arms that differ in nothing may differ so much: 1 %. */
const HARNESS_LIMIT = 0.01;
const AT_99 = PERCENTILES.indexOf(99);
const AT_5_MS = MMU_WINDOWS_MS.indexOf(5);
/** The columns of {@link cellsOf}. */
export const HEAD = [
  '',
  'heap',
  'n',
  'wall',
  'to base',
  'LBO wall',
  'CPU',
  'MMU 5 ms',
  'pause p99',
  'latency p99',
  'beside',
  'peak + tables',
];
const QUICK_NOTE = ' (quick: toy sizes, no results)';
const PLAIN = {
  chars: {
    ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
    ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

export function summaryText(analysis: Analysis): string {
  const { head, rows, invocations } = analysis;
  const { machine, options } = head;
  const table = new Table({ head: HEAD, ...PLAIN });
  let workload = '';
  for (const row of rows.slice(0, MOST_ROWS)) {
    if (knobsText(row) !== workload) table.push(whole([(workload = knobsText(row))]));
    table.push(whole(cellsOf(row)));
  }
  const more = rows.length - MOST_ROWS;
  return [
    `${nameOf(analysis)}${options.quick ? QUICK_NOTE : ''}: ${invocations} invocations of ${rows.length} rows, seed ${options.seed}`,
    '',
    table.toString().replaceAll(/ +$/gm, ''),
    ...(more > 0 ? [`… and ${more} more rows in report.html`] : []),
    '',
    ...notesOf(analysis),
    `${machine.commit}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, Node ${machine.node}`,
  ].join('\n');
}

/** The experiment, and what it is compared with. */
export function nameOf({ head: { options } }: Analysis): string {
  return options.against === undefined ? options.experiment : `${options.experiment} against ${options.against}`;
}

/** What the table of rows does not say. */
export function notesOf(analysis: Analysis): string[] {
  const { rows, disturbed, leftOut } = analysis;
  return [
    ...failureLines(rows),
    ...analysis.critical.map(
      ({ workload, series, mean, perLimit }) =>
        `critical operations a second, ${workload} ${series}: ${mean.toFixed(0)} (${perLimit.map((rate) => rate.toFixed(0)).join(', ')})`,
    ),
    ...rows.flatMap(afterCollectionLine),
    ...analysis.comparisons.flatMap(comparisonLines),
    harnessLine(analysis),
    ...(disturbed > 0
      ? [`${disturbed} invocations had more than 6 % of the CPUs taken by others: their times are not the collector's`]
      : []),
    ...leftOut.map((reason) => `left out: ${reason}`),
    ...overheadLines(rows),
    noiseLine(analysis),
    `* no difference: the 95 % interval holds 0.  ? no verdict below ${LEAST_FOR_VERDICT} invocations, ${LEAST_PAIRS_FOR_VERDICT} pairs.  ~ at or under the noise floor.`,
  ];
}

export function cellsOf(row: AnalysedRow): string[] {
  const { figures, heap, count, overhead, difference } = row;
  const head = [`  ${row.series}`, heap, String(count)];
  if (figures === undefined) return [...head, Object.keys(row.failures).join(', ')];
  const { wallNs, mmu, pausesByKind, latencies, hiccupNs, peakBytes, metadataBytes } = figures;
  return [
    ...head,
    withSpread(wallNs, duration),
    row.pair === undefined ? (difference === undefined ? 'base' : differenceText(difference.wall)) : 'in pairs',
    overheadText(overhead?.wall),
    overheadText(overhead?.cpu),
    percent(mmu[AT_5_MS]!),
    longestPauseText(pausesByKind),
    tailText(latencies?.simple),
    duration(hiccupNs[AT_99]!),
    metadataBytes === undefined ? mib(peakBytes.median) : `${mib(peakBytes.median)} + ${(metadataBytes / 2 ** 20).toFixed(1)}`,
  ];
}

function overheadText(over: OverFloor | undefined): string {
  return over === undefined ? '–' : `${over.median.toFixed(2)}${over.isUnderFloor ? '+' : ''}`;
}

/** Of the kinds of pauses the one that is longest at the 99th percentile: more short ones of another kind do not make it better. */
function longestPauseText(kinds: Figures['pausesByKind']): string {
  const [longest] = Object.entries(kinds).sort(([, a], [, b]) => b.values[AT_99]!.valueNs - a.values[AT_99]!.valueNs);
  return longest === undefined ? '–' : `${tailText(longest[1])} ${longest[0]}`;
}

/** Where the distilled costs come from, and where there is none. */
function overheadLines(rows: readonly AnalysedRow[]): string[] {
  const told = new Set<string>();
  for (const row of rows) {
    if (row.figures === undefined) continue;
    const program = programOf(row.configuration);
    const { wall, cpu } = row.overhead ?? {};
    if (cpu === undefined) told.add(`no LBO for ${program} in ${knobsText(row)}: there is no row of it without a collector`);
    else
      told.add(
        `LBO of ${program} in ${knobsText(row)} is over ${[...new Set([wall?.floor, cpu.floor])].filter(Boolean).join(' (wall), ')}`,
      );
    if (wall?.isUnderFloor || cpu?.isUnderFloor) told.add(`+ less remains of a row than of its floor: its overhead is larger`);
  }
  return [...told];
}

function noiseLine({ noiseNs }: Analysis): string {
  if (noiseNs.length === 0) return 'the noise floor was not measured';
  return `noise floor, nothing measured running: p50 ${duration(noiseNs[0]!)}, p99 ${duration(noiseNs[AT_99]!)}, max ${duration(noiseNs.at(-1)!)}`;
}

/** A table puts a line between rows that are too short. */
function whole(cells: readonly string[]): string[] {
  return HEAD.map((_, i) => cells[i] ?? '');
}

function withSpread({ median, low, high, count }: Estimate, text: (value: number) => string): string {
  return count < LEAST_FOR_VERDICT ? text(median) : `${text(median)} ±${percent((high - low) / 2 / median)}`;
}

function differenceText({ relative, verdict }: Difference): string {
  return `${signedPercent(relative)}${verdict === 'none' ? '*' : verdict === 'too few' ? '?' : ''}`;
}

function withinText(difference: Difference): string {
  return `${differenceText(difference)} (${signedPercent(difference.low).replace(' %', '')} to ${signedPercent(difference.high)})`;
}

export function tailText(tail: Tail | undefined, at = AT_99): string {
  const value = tail?.values[at];
  if (value === undefined) return '–';
  return `${duration(value.valueNs)}${value.atFloor ? '~' : ''}`;
}

function failureLines(rows: readonly AnalysedRow[]): string[] {
  const byCode = new Map<string, string[]>();
  for (const { failures, workload, series, heap } of rows) {
    for (const [code, count] of Object.entries(failures))
      byCode.set(code, [...(byCode.get(code) ?? []), `${workload} ${series} ${heap} (${count})`]);
  }
  return [...byCode].map(
    ([code, labels]) => `${code}: ${labels.slice(0, 4).join('; ')}${labels.length > 4 ? `; and ${labels.length - 4} more` : ''}`,
  );
}

function afterCollectionLine({ workload, series, heap, figures }: AnalysedRow): string[] {
  const after = figures?.afterCollection;
  if (after === undefined) return [];
  const { valueNs, atFloor } = after.latencies[PERCENTILES.indexOf(99.9)]!;
  const { median, low, high } = after.heapOverLive;
  return [
    `${workload} ${series} ${heap}: after one collection (${duration(after.lengthNs)}) heap ${median.toFixed(3)} × live ` +
      `(${low.toFixed(3)} to ${high.toFixed(3)}), p99.9 during it ${duration(valueNs)}${atFloor ? '~' : ''}`,
  ];
}

function harnessLine({ harnessShare }: Analysis): string {
  return harnessShare === undefined ? 'nothing was measured' : `the harness took ${(harnessShare * 100).toFixed(2)} % of a CPU`;
}

function comparisonLines({ row, arm, base, pairs, differences, isSame }: Comparison): string[] {
  const told = Object.entries(differences).map(
    ([name, difference]) => `  ${name} ${withinText(difference)}${verdictText(difference, isSame)}`,
  );
  return [`${isSame ? 'A/A' : `${arm} against ${base}`}, ${row}, ${pairs} pairs:`, ...told];
}

/** Of arms that differ in nothing: whether the harness finds no more than 1 %, or is too vague to tell. */
function verdictText({ relative, low, high, verdict }: Difference, isSame: boolean): string {
  if (!isSame) return verdict === 'less' ? ' better' : verdict === 'more' ? ' WORSE' : '';
  if ((verdict === 'less' || verdict === 'more') && Math.abs(relative) > HARNESS_LIMIT) return ', over the limit of 1 %';
  return Math.max(-low, high) > HARNESS_LIMIT ? ', too vague to tell 1 %' : '';
}
