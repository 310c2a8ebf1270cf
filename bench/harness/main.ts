/**
 * The harness as `faultline bench` calls it: runs what is asked for, then makes summary, histograms and report from all records of
 * the folder, those of earlier runs included. Interrupted (Ctrl-C) it does the same with what is there.
 */
import { join, resolve } from 'node:path';
import { HeapError } from 'faultline';
import { dryRunText } from './dry-run.ts';
import { MinimumHeapsFile } from './minimum-heaps-file.ts';
import type { BenchRequest } from './options.ts';
import { planOf } from './plan.ts';
import { onlyProgram, programOf } from './programs.ts';
import { say } from './progress.ts';
import { analysisOf } from './report/analysis.ts';
import { csvText } from './report/csv.ts';
import { histogramFiles } from './report/histogram-files.ts';
import { reportHtml } from './report/html.ts';
import { markdownText } from './report/markdown.ts';
import { summaryText } from './report/summary.ts';
import { minimumHeapsPath, ResultsFolder } from './results-folder.ts';
import { Session, type SessionOutcome } from './session.ts';

/**
 * Prints a summary, or JSON, on standard output. Throws ERR_OPTION, ERR_RUN_MISMATCH if live data of any invocation was wrong, and
 * ERR_RUN_INTERRUPTED after Ctrl-C.
 */
export async function bench(asked: BenchRequest): Promise<void> {
  const request = asked.out === undefined ? asked : { ...asked, out: resolve(asked.out) };
  if (request.dryRun) {
    const heaps = new MinimumHeapsFile(minimumHeapsPath(request, request.out ?? '.'));
    process.stdout.write(`${dryRunText(planOf(request), heaps)}\n`);
    return;
  }
  const folder = new ResultsFolder(request);
  const interruption = new AbortController();
  const interrupt = (): void =>
    interruption.abort(new HeapError('ERR_RUN_INTERRUPTED', `interrupted; what was measured is in ${folder.path}, and --resume goes on`));
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  let outcome: SessionOutcome | undefined;
  try {
    const program = request.program === undefined ? programOf : onlyProgram(request.program);
    outcome = await new Session(folder, program, interruption.signal).run();
  } finally {
    // An impatient second Ctrl-C must not cut off the report.
    tell(folder, outcome, request.json);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  const wrong = folder.records.read().filter(({ result }) => !result.ok && result.code === 'mismatch').length;
  if (wrong > 0)
    throw new HeapError(
      'ERR_RUN_MISMATCH',
      `in ${wrong} invocations live data was not what it must be; see ${join(folder.path, 'invocations.jsonl')}`,
    );
}

function tell(folder: ResultsFolder, outcome: SessionOutcome | undefined, json: boolean): void {
  const records = folder.records.read();
  const analysis = analysisOf(records, folder.head, outcome?.leftOut ?? ['interrupted']);
  for (const [name, text] of histogramFiles(records)) folder.write(join('histograms', name), text);
  const summary = summaryText(analysis);
  folder.write('summary.txt', `${summary}\n`);
  folder.write('invocations.csv', csvText(records));
  folder.write('report.html', reportHtml(analysis));
  folder.write('report.md', markdownText(analysis));
  process.stdout.write(json ? `${JSON.stringify(analysis)}\n` : `${summary}\n`);
  say(`results in ${folder.path}; open ${join(folder.path, 'report.html')}`);
}
