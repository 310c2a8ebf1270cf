/**
 * The report: one HTML file that needs no network. Tables are written here, so that everything can be read without a script; plots are
 * drawn by report/page.js with d3 and Observable Plot, whose browser builds are put into the file with the data.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../project.ts';
import { MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import type { AnalysedRow, Analysis } from './analysis.ts';
import { knobsText, type Plot, plotsOf, type SectionName, SECTIONS } from './plots.ts';
import type { Tail } from './rows.ts';
import { duration, mib, percent, signedPercent } from './text.ts';

const AT_99 = PERCENTILES.indexOf(99);
const AT_MAX = PERCENTILES.indexOf(100);
const TABLE_ROWS = 400;

type Cell = string | number;

export function reportHtml(analysis: Analysis): string {
  const plots = plotsOf(analysis);
  const { machine, options, startedAt } = analysis.head;
  const title = `Faultline benchmarks: ${options.suite}${options.quick ? ', quick' : ''}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${source('bench/harness/report/page.css')}</style>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(`${analysis.invocations} invocations of ${analysis.rows.length} rows, begun ${startedAt.slice(0, 16).replace('T', ' ')} UTC, seed ${options.seed}.
Commit ${machine.commit}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, Node ${machine.node}.`)}</p>
${options.quick ? '<p class="warning">Made with --quick: toy sizes and few invocations. This shows that the harness works, and nothing about the collector.</p>' : ''}
${analysis.disturbed > 0 ? `<p class="warning">${analysis.disturbed} invocations had more than 6 % of the CPUs taken by others.</p>` : ''}
${analysis.leftOut.map((reason) => `<p class="warning">Left out: ${escaped(reason)}.</p>`).join('\n')}
<nav aria-label="Sections">${navigation(plots)}</nav>
</header>
<main>
${section('rows', 'All rows', 'Medians over invocations with 95 % bootstrap intervals. “No difference” where the interval of the difference holds 0; ~ marks values at or under the hiccup floor, which is in brackets.', table(ROW_HEAD, analysis.rows.map(rowCells)))}
${(Object.keys(SECTIONS) as SectionName[]).map((name) => plotSection(name, plots)).join('\n')}
${extras(analysis)}
</main>
<script type="application/json" id="plots">${JSON.stringify(plots).replaceAll('<', '\\u003c')}</script>
<script>${library('node_modules/d3/dist/d3.min.js')}</script>
<script>${library('node_modules/@observablehq/plot/dist/plot.umd.min.js')}</script>
<script>${source('bench/harness/report/page.js')}</script>
</html>
`;
}

function navigation(plots: readonly Plot[]): string {
  const named = (Object.keys(SECTIONS) as SectionName[]).filter((name) => plots.some((plot) => plot.section === name));
  const links: [string, string][] = [['rows', 'All rows'], ...named.map((name): [string, string] => [name, SECTIONS[name][0]]), ['machine', 'Machine']];
  const choices = choice('workload', 'Workload', plots.map(({ workload }) => workload)) + choice('heap', 'Heap', plots.flatMap(({ heap }) => heap ?? []));
  return `${links.map(([id, text]) => `<a href="#${id}">${escaped(text)}</a>`).join('')}<span class="choices">${choices}</span>`;
}

/** Chooses among the figures; the script behind it is in page.js. */
function choice(id: string, title: string, names: readonly string[]): string {
  const different = [...new Set(names)];
  if (different.length < 2) return '';
  return `<label>${title} <select id="${id}"><option value="">all</option>${different.map((name) => `<option>${escaped(name)}</option>`).join('')}</select></label>`;
}

function plotSection(name: SectionName, plots: readonly Plot[]): string {
  const figures = plots.flatMap((plot, index) => (plot.section === name ? [figure(plot, index)] : []));
  const [title, description] = SECTIONS[name];
  return figures.length === 0 ? '' : section(name, title, description, `<div class="figures">${figures.join('\n')}</div>`);
}

function figure(plot: Plot, index: number): string {
  return `<figure data-plot="${index}" data-workload="${escaped(plot.workload)}"${plot.heap === undefined ? '' : ` data-heap="${escaped(plot.heap)}"`}>
<figcaption>${escaped(plot.title)}</figcaption>
<div class="plot"></div>
<details><summary>Data</summary>${plotTable(plot)}</details>
</figure>`;
}

function plotTable(plot: Plot): string {
  if (plot.kind === 'heat') {
    return table(['from, ms since the flip', 'under, us', 'faults a flip'], plot.cells.map(([fromMs, underUs, count]) => [fromMs, underUs, count.toFixed(3)]));
  }
  const xText = (x: number): string => (plot.x.scale === 'percentile' ? `${(100 * (1 - 1 / x)).toFixed(3)} %` : figureText(x));
  const rows = plot.lines.flatMap(({ name, points }) =>
    points.map(([x, y, low, high]) => [name, xText(x), figureText(y), low === undefined || high === undefined ? '' : `${figureText(low)} to ${figureText(high)}`]));
  return table(['row', plot.x.label, plot.y.label, '95 %'], rows);
}

const ROW_HEAD = [
  'workload', 'row', 'heap', 'n', 'wall', 'against the baseline', 'CPU', 'LBO wall', 'LBO CPU', 'MMU 1 ms', 'MMU 5 ms', 'MMU 50 ms', 'pause p99', 'pause max',
  'latency p99', 'metered p99', 'peak memory', 'collections',
];

function rowCells(row: AnalysedRow): Cell[] {
  const { figures, overhead, difference } = row;
  const head = [knobsText(row), row.series, row.heap, row.disturbed > 0 ? `${row.count} (${row.disturbed} disturbed)` : row.count];
  if (figures === undefined) return [...head, `${Object.keys(row.failures).join(', ')}: ${row.failureMessage ?? ''}`.slice(0, 200)];
  const failed = Object.entries(row.failures).map(([code, count]) => `, ${count} ${code}`).join('');
  const mmu = (window: (typeof MMU_WINDOWS_MS)[number]): string => percent(figures.mmu[MMU_WINDOWS_MS.indexOf(window)]!);
  const tail = (of: Tail | undefined, at: number): string => {
    const value = of?.values[at];
    return value === undefined ? '' : `${duration(value.valueNs)}${value.atFloor ? ' ~' : ''} (${duration(value.floorNs)})`;
  };
  return [
    ...head.slice(0, 3), `${head[3]}${failed}`,
    `${duration(figures.wallNs.median)} (${duration(figures.wallNs.low)} to ${duration(figures.wallNs.high)})`,
    difference === undefined ? 'baseline' : difference.wall.verdict === 'none' ? `no difference (${signedPercent(difference.wall.relative)})` : signedPercent(difference.wall.relative),
    duration(figures.cpuNs.median), overhead?.wall?.median.toFixed(3) ?? '', overhead?.cpu.median.toFixed(3) ?? '',
    mmu(1), mmu(5), mmu(50), tail(figures.pauses, AT_99), tail(figures.pauses, AT_MAX), tail(figures.latencies?.simple, AT_99), tail(figures.latencies?.metered, AT_99),
    `${mib(figures.peakBytes.median)} (${figures.memorySource})`, figures.collections,
  ];
}

function extras({ rows, critical, harness, head }: Analysis): string {
  const nominal = rows.filter(({ figures }) => figures?.nominal !== undefined).map((row) => {
    const { objectBytesMean, objectBytesP10, objectBytesP50, objectBytesP90, pointerDensity, allocationBytesPerSecond, turnover, survival } = row.figures!.nominal!;
    return [knobsText(row), row.series, row.heap, objectBytesMean.toFixed(1), objectBytesP10, objectBytesP50, objectBytesP90, percent(pointerDensity),
      `${mib(allocationBytesPerSecond)}/s`, turnover?.toFixed(1) ?? '', percent(survival)];
  });
  const settings = Object.entries({ ...head.machine, ...head.machine.settings }).filter(([, value]) => typeof value !== 'object').map(([name, value]) => [name, String(value)]);
  const runtimes = new Map(rows.flatMap(({ series, figures }) => (figures === undefined ? [] : [[series, Object.entries(figures.about).map(([name, value]) => `${name}: ${value}`).join('; ')]])));
  const arms = harness?.wall === undefined ? '' : ` Arm b against arm a, which differ in nothing: wall ${signedPercent(harness.wall.relative)} (${signedPercent(harness.wall.low)} to ${signedPercent(harness.wall.high)}).`;
  return [
    critical.length === 0 ? '' : section('critical', 'Critical operations', 'The highest rate whose 99th percentile holds each limit, and their geometric mean; a second.',
      table(['workload', 'row', 'mean', '0.1 ms', '0.25 ms', '0.5 ms', '1 ms', '10 ms'], critical.map(({ workload, series, mean, perLimit }) => [workload, series, mean.toFixed(0), ...perLimit]))),
    nominal.length === 0 ? '' : section('nominal', 'Nominal statistics', 'What the workloads do to a heap, after DaCapo’s nominal statistics. Sizes of objects in bytes.',
      table(['workload', 'row', 'heap', 'mean', 'p10', 'p50', 'p90', 'references', 'allocation', 'turnover', 'survival'], nominal)),
    section('machine', 'Machine', `${harness === undefined ? '' : `The harness took ${(harness.cpuShare * 100).toFixed(2)} % of a CPU while invocations ran.${arms}`}`,
      table(['setting', 'value'], settings) + table(['row', 'runtime'], [...runtimes].map(([name, text]) => [name!, text!]))),
  ].join('\n');
}

function section(id: string, title: string, description: string, content: string): string {
  return `<section id="${id}"><h2>${escaped(title)}</h2><p>${escaped(description)}</p>${content}</section>`;
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const more = rows.length - TABLE_ROWS;
  const body = rows.slice(0, TABLE_ROWS).map((cells) => `<tr>${cells.map((cell, i) =>
    `<td${cells.length < head.length && i === cells.length - 1 ? ` colspan="${head.length - i}"` : ''}>${escaped(String(cell))}</td>`).join('')}</tr>`);
  return `<div class="table" tabindex="0"><table><thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody></table></div>${more > 0 ? `<p>${more} more in invocations.jsonl.</p>` : ''}`;
}

function figureText(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function source(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** A script of another's must not end ours early. */
function library(path: string): string {
  return source(path).replaceAll('</script', '<\\/script');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
