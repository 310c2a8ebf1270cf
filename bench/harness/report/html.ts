/**
 * The report: one HTML file that needs no network. Tables are written here, so that everything can be read without a script; plots are
 * drawn by report/page.js with d3 and Observable Plot, whose browser builds are put into the file with the data.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../project.ts';
import type { Analysis } from './analysis.ts';
import { escaped, section, table } from './markup.ts';
import { type Plot, plotsOf, type SectionName, SECTIONS } from './plots.ts';
import { nameOf } from './summary.ts';
import { comparisonTable, criticalTable, machineTable, nominalTable, pauseTable, rowTable } from './tables.ts';

const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];

export function reportHtml(analysis: Analysis): string {
  const plots = plotsOf(analysis);
  const { quick } = analysis.head.options;
  const title = `Faultline benchmarks: ${nameOf(analysis)}${quick ? ', quick' : ''}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${source('bench/harness/report/page.css')}</style>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(origin(analysis))}</p>
${warnings(analysis)
  .map((text) => `<p class="warning">${escaped(text)}</p>`)
  .join('\n')}
<nav aria-label="Sections">${navigation(plots)}</nav>
</header>
<main>
${rowTable(analysis.rows)}
${SECTION_NAMES.map((name) => plotSection(name, plots)).join('\n')}
${[comparisonTable(analysis), pauseTable(analysis), criticalTable(analysis), nominalTable(analysis), machineTable(analysis)].join('\n')}
</main>
<script type="application/json" id="plots">${JSON.stringify(plots).replaceAll('<', '\\u003c')}</script>
<script>${library('node_modules/d3/dist/d3.min.js')}</script>
<script>${library('node_modules/@observablehq/plot/dist/plot.umd.min.js')}</script>
<script>${source('bench/harness/report/page.js')}</script>
</html>
`;
}

function origin({ invocations, rows, head: { machine, options, startedAt } }: Analysis): string {
  const begun = startedAt.slice(0, 16).replace('T', ' ');
  return (
    `${invocations} invocations of ${rows.length} rows, begun ${begun} UTC, seed ${options.seed}. ` +
    `Commit ${machine.commit}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, Node ${machine.node}.`
  );
}

function warnings({ head, disturbed, leftOut }: Analysis): string[] {
  const toys = 'Made with --quick: toy sizes and few invocations. This shows that the harness works, and nothing about the collector.';
  return [
    ...(head.options.quick ? [toys] : []),
    ...(disturbed > 0 ? [`${disturbed} invocations had more than 6 % of the CPUs taken by others.`] : []),
    ...leftOut.map((reason) => `Left out: ${reason}.`),
  ];
}

function navigation(plots: readonly Plot[]): string {
  const filled = SECTION_NAMES.filter((name) => plots.some((plot) => plot.section === name));
  const links = [['rows', 'All rows'], ...filled.map((name) => [name, SECTIONS[name][0]]), ['machine', 'Machine']];
  const anchors = links.map(([id, text]) => `<a href="#${id}">${escaped(text!)}</a>`).join('');
  const workloads = plots.map(({ workload }) => workload);
  const heaps = plots.flatMap(({ heap }) => heap ?? []);
  return `${anchors}<span class="choices">${choice('workload', 'Workload', workloads)}${choice('heap', 'Heap', heaps)}</span>`;
}

/** Chooses among the figures; the script behind it is in page.js. */
function choice(id: string, title: string, names: readonly string[]): string {
  const different = [...new Set(names)];
  if (different.length < 2) return '';
  const options = different.map((name) => `<option>${escaped(name)}</option>`).join('');
  return `<label>${title} <select id="${id}"><option value="">all</option>${options}</select></label>`;
}

function plotSection(name: SectionName, plots: readonly Plot[]): string {
  const figures = plots.flatMap((plot, index) => (plot.section === name ? [figure(plot, index)] : []));
  const [title, description] = SECTIONS[name];
  return figures.length === 0 ? '' : section(name, title, description, `<div class="figures">${figures.join('\n')}</div>`);
}

function figure(plot: Plot, index: number): string {
  const heap = plot.heap === undefined ? '' : ` data-heap="${escaped(plot.heap)}"`;
  return `<figure data-plot="${index}" data-workload="${escaped(plot.workload)}"${heap}>
<figcaption>${escaped(plot.title)}</figcaption>
<div class="plot"></div>
<details><summary>Data</summary>${plotTable(plot)}</details>
</figure>`;
}

function plotTable(plot: Plot): string {
  if (plot.kind === 'heat') {
    const head = ['from, ms since the flip', 'under, us', 'faults a flip'];
    return table(
      head,
      plot.cells.map(([fromMs, underUs, count]) => [fromMs, underUs, count.toFixed(3)]),
    );
  }
  const xText = (x: number): string => (plot.x.scale === 'percentile' ? `${(100 * (1 - 1 / x)).toFixed(3)} %` : figureText(x));
  const rows = plot.lines.flatMap(({ name, points }) =>
    points.map(([x, y, low, high]) => {
      const interval = low === undefined || high === undefined ? '' : `${figureText(low)} to ${figureText(high)}`;
      return [name, xText(x), figureText(y), interval];
    }),
  );
  return table(['row', plot.x.label, plot.y.label, '95 %'], rows);
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
