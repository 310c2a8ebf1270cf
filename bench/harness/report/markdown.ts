/** The summary of all rows as Markdown, for documents that keep results. */
import { PERCENTILES } from '../statistics/percentiles.ts';
import type { AnalysedRow, Analysis } from './analysis.ts';
import { knobsText } from './plots.ts';
import { cellsOf, HEAD, nameOf, notesOf, tailText } from './summary.ts';

const PAUSE_HEAD = ['', 'heap', 'pause', 'n', 'p50', 'p99', 'max'];

/** One table for each workload, one of pauses by kind, and the notes of the summary. */
export function markdownText(analysis: Analysis): string {
  const { head, rows, invocations } = analysis;
  const { machine, options } = head;
  const workloads = [...new Set(rows.map(knobsText))];
  return [
    `${nameOf(analysis)}: ${invocations} invocations of ${rows.length} rows, seed ${options.seed}, commit ${machine.commit}, ` +
      `Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, Node ${machine.node}`,
    ...workloads.map((workload) => tableText([workload, ...HEAD.slice(1)], rows.filter((row) => knobsText(row) === workload).map(cellsOf))),
    ...pauseTables(rows),
    notesOf(analysis)
      .map((note) => `- ${note.replace(/^\*/, '\\*')}`)
      .join('\n'),
    '',
  ].join('\n\n');
}

function pauseTables(rows: readonly AnalysedRow[]): string[] {
  const cells = rows.flatMap((row) =>
    Object.entries(row.figures?.pausesByKind ?? {}).map(([kind, tail]) => [
      ...[`${knobsText(row)} ${row.series}`, row.heap, kind, String(tail.count)],
      ...([50, 99, 100] as const).map((at) => tailText(tail, PERCENTILES.indexOf(at))),
    ]),
  );
  return cells.length === 0 ? [] : [tableText(PAUSE_HEAD, cells)];
}

function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${head.map((_, i) => (cells[i] ?? '').trim()).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
