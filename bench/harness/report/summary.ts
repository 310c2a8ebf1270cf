/**
 * Summary: what fits a screen. One line a row, medians; `±` is half of the 95 % interval as a share of the median. The report has
 * everything else.
 */
import Table from 'cli-table3';
import type { Difference, Estimate } from '../statistics/bootstrap.ts';
import { MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import { type AnalysedRow, type Analysis, HARNESS_LIMIT } from './analysis.ts';
import { knobsText } from './plots.ts';
import type { Tail } from './rows.ts';
import { duration, mib, percent, signedPercent } from './text.ts';

/** Rows that are shown; a screen has about fifty lines. */
const MOST_ROWS = 36;
const AT_99 = PERCENTILES.indexOf(99);
const AT_5_MS = MMU_WINDOWS_MS.indexOf(5);
/** The columns of {@link cellsOf}. */
export const HEAD = ['', 'heap', 'n', 'wall', 'to base', 'LBO wall', 'CPU', 'MMU 5 ms', 'pause p99', 'latency p99', 'floor p99', 'peak'];
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
    `${options.suite}${options.quick ? QUICK_NOTE : ''}: ${invocations} invocations of ${rows.length} rows, seed ${options.seed}`,
    '',
    table.toString().replaceAll(/ +$/gm, ''),
    ...(more > 0 ? [`… and ${more} more rows in report.html`] : []),
    '',
    ...notesOf(analysis),
    `${machine.commit}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, Node ${machine.node}`,
  ].join('\n');
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
    harnessLine(analysis),
    ...(disturbed > 0
      ? [`${disturbed} invocations had more than 6 % of the CPUs taken by others: their times are not the collector's`]
      : []),
    ...leftOut.map((reason) => `left out: ${reason}`),
    `* no difference: the 95 % interval holds 0.  ~ at or under the hiccup floor: the platform's, no claim.`,
  ];
}

export function cellsOf(row: AnalysedRow): string[] {
  const { figures, heap, count, overhead, difference } = row;
  const head = [`  ${row.series}`, heap, String(count)];
  if (figures === undefined) return [...head, Object.keys(row.failures).join(', ')];
  const { wallNs, mmu, pauses, latencies, hiccupNs, peakBytes } = figures;
  return [
    ...head,
    withSpread(wallNs, duration),
    difference === undefined ? 'base' : differenceText(difference.wall),
    overhead?.wall?.median.toFixed(2) ?? '–',
    overhead?.cpu.median.toFixed(2) ?? '–',
    percent(mmu[AT_5_MS]!),
    tailText(pauses),
    tailText(latencies?.simple),
    duration(hiccupNs[AT_99]!),
    mib(peakBytes.median),
  ];
}

/** A table puts a line between rows that are too short. */
function whole(cells: readonly string[]): string[] {
  return HEAD.map((_, i) => cells[i] ?? '');
}

function withSpread({ median, low, high }: Estimate, text: (value: number) => string): string {
  return `${text(median)} ±${percent((high - low) / 2 / median)}`;
}

function differenceText({ relative, verdict }: Difference): string {
  return `${signedPercent(relative)}${verdict === 'none' ? '*' : ''}`;
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

function harnessLine({ harness }: Analysis): string {
  if (harness === undefined) return 'nothing was measured';
  const own = `the harness took ${(harness.cpuShare * 100).toFixed(2)} % of a CPU`;
  if (harness.wall === undefined || harness.cpu === undefined) return own;
  const text = `${own}; A/A, ${harness.pairs} pairs: wall ${withinText(harness.wall)}, CPU ${withinText(harness.cpu)}`;
  const both = [harness.wall, harness.cpu];
  if (both.some(({ relative, verdict }) => verdict !== 'none' && Math.abs(relative) > HARNESS_LIMIT))
    return `${text}, over the limit of 1 %`;
  const isVague = both.some(({ low, high }) => Math.max(-low, high) > HARNESS_LIMIT);
  return isVague ? `${text}, too vague to tell 1 %` : text;
}
