/**
 * `faultline run [INPUT]`: a real program's object graph in a heap that compacts while threads read and change it.
 *
 *   1  read     the snapshot becomes typed arrays: the model, which never changes
 *   2  load     every node becomes an object (run/object-layout.ts, run/load.ts)
 *   3  mutate   threads walk, check and change the graph, with collections running all the time (run/graph-mutator.ts, run/pace.ts)
 *   4  collect  mutators have stopped; a full collection
 *   5  check    everything from the roots, against the model (run/final-check.ts)
 *   6  report   JSON or a summary; ERR_RUN_MISMATCH if anything differed from the model
 *
 * Ctrl-C in step 3 ends that step; before it, the run ends with nothing to report.
 */
import { clockMs } from '../clock.ts';
import { Command } from 'commander';
import { HeapError } from '../errors.ts';
import { Heap } from '../heap/heap.ts';
import { print } from './output.ts';
import { checkEverything } from './run/final-check.ts';
import { corrupt } from './run/corruption.ts';
import { Interruption } from './run/interruption.ts';
import { load } from './run/load.ts';
import { COUNTER_CHECKS, COUNTER_MISMATCHES } from './run/messages.ts';
import { MutatorThreads } from './run/mutator-threads.ts';
import { defineShapes, type GraphSize, sizeOf } from './run/object-layout.ts';
import { capPayload } from './run/payload-cap.ts';
import { Pace } from './run/pace.ts';
import { Progress } from './run/progress.ts';
import { reportOf, type RunFindings, type RunReport } from './run/report.ts';
import { addRunOptions, commandOf, heapOptions, type RunOptions, runOptions } from './run/run-options.ts';
import { mib } from './sizes.ts';
import { mismatchText, summaryOf, totalChecks } from './run/summary.ts';
import { defaultSnapshot, type ObjectGraph, readSnapshot } from './snapshot/index.ts';

/** `--heap auto`: enough room for copies and garbage, but so little that fragmented memory has to be compacted. */
const AUTO_FACTOR = 2.2;
const AUTO_HEADROOM_BYTES = 16 * 2 ** 20;
const MAX_CAPACITY_BYTES = 16 * 2 ** 30;

export function runCommand(): Command {
  const command = new Command('run').description(
    'load a heap snapshot, work on it from several threads while the heap compacts, and check it',
  );
  return addRunOptions(command).action(async (input: string | undefined, text: Record<string, unknown>) => {
    await run(input, runOptions(text));
  });
}

async function run(input: string | undefined, options: RunOptions): Promise<void> {
  const interruption = new Interruption();
  try {
    const findings = await new Run(input, options, interruption).findings();
    const report = reportOf(findings);
    await print(options.json ? `${JSON.stringify(report)}\n` : `${summaryOf(report)}\n`);
    const { checks, mismatches } = totalChecks(report);
    if (mismatches > 0) throw mismatchError(report, commandOf(input, options), checks, mismatches);
  } finally {
    interruption.end();
  }
}

class Run {
  readonly #input: string | undefined;
  readonly #options: RunOptions;
  readonly #interruption: Interruption;
  readonly #progress = new Progress();

  constructor(input: string | undefined, options: RunOptions, interruption: Interruption) {
    this.#input = input;
    this.#options = options;
    this.#interruption = interruption;
  }

  async findings(): Promise<RunFindings> {
    try {
      const { value: graph, ms: readMs } = await timed(() => this.#read());
      const cap = capPayload(graph);
      const size = sizeOf(graph);
      const heap = Heap.create(heapOptions(this.#options, this.#capacityFor(size)));
      try {
        return { cap, ...(await this.#on(heap, graph, size, readMs)) };
      } finally {
        await heap.close();
      }
    } finally {
      this.#progress.clear();
    }
  }

  async #read(): Promise<ObjectGraph> {
    const { signal } = this.#interruption;
    const onTaking = (): void => talk('no INPUT: taking a heap snapshot of a sample program (kept for next time)');
    const path = this.#input ?? (await defaultSnapshot({ onTaking, signal }));
    const onProgress = (read: number, total: number): void =>
      this.#progress.show(() => `reading: ${total === 0 ? mib(read) : `${((100 * read) / total).toFixed(0)} %`}`);
    return readSnapshot(path, { onProgress, signal });
  }

  #capacityFor({ bytes }: GraphSize): number | string {
    if (this.#options.heap !== 'auto') return this.#options.heap;
    return Math.min(MAX_CAPACITY_BYTES, Math.ceil(bytes * AUTO_FACTOR) + AUTO_HEADROOM_BYTES);
  }

  async #on(heap: Heap, graph: ObjectGraph, size: GraphSize, readMs: number): Promise<Omit<RunFindings, 'cap'>> {
    const options = this.#options;
    const { p50Us: bareP50Us } = heap.measureBareFault();
    const shapes = defineShapes(heap, graph);
    const onProgress = (share: number): void => this.#progress.show(() => `loading: ${(100 * share).toFixed(0)} %`);
    const { ms: loadMs } = await timed(() => load(heap, graph, size, shapes, { signal: this.#interruption.signal, onProgress }));
    if (options.corrupt !== undefined) corrupt(heap, graph, options.corrupt);

    const { value: mutated, ms: runMs } = await this.#mutate(heap, graph, size);
    const statistics = heap.statistics();

    const { ms: fullCollectionMs } = await timed(() => heap.collect({ kind: 'full' }));
    const { value: check, ms: checkMs } = await timed(async () => checkEverything(heap, graph, shapes));
    const verifiedObjects = await heap.verify();
    return {
      ...{ graph, size, marker: heap.capabilities.marker, options, bareP50Us, statistics, ...mutated, check, verifiedObjects },
      statisticsAfter: heap.statistics(),
      interrupted: this.#interruption.happened,
      durations: { readMs, loadMs, runMs, fullCollectionMs, checkMs },
    };
  }

  async #mutate(heap: Heap, graph: ObjectGraph, size: GraphSize): Promise<Timed<Pick<RunFindings, 'threads' | 'peakLiveBytes'>>> {
    const { seconds, mutators, seed } = this.#options;
    const threads = new MutatorThreads(heap, graph, mutators, seed);
    threads.onFailure = () => this.#interruption.abort();
    await threads.ready();
    const begin = clockMs();
    const pace = new Pace(heap, threads, size.bytes, seconds, () => this.#interruption.abort());
    const shown = setInterval(() => this.#progress.show(() => this.#line(heap, threads, begin)), 250);
    await this.#interruption.sleep(seconds * 1000);
    clearInterval(shown);
    const ms = clockMs() - begin;
    try {
      return { value: { threads: await threads.stop(), peakLiveBytes: pace.peakLiveBytes }, ms };
    } finally {
      await pace.end();
    }
  }

  #line(heap: Heap, threads: MutatorThreads, begin: number): string {
    const { cycles, liveBytes } = heap.statistics();
    return (
      `${((clockMs() - begin) / 1000).toFixed(0)} of ${this.#options.seconds} s: ${cycles.compacting} compacting cycles, ` +
      `${mib(liveBytes)} live, ${(threads.total(COUNTER_CHECKS) / 1e6).toFixed(1)} million checks, ` +
      `${threads.total(COUNTER_MISMATCHES)} mismatches`
    );
  }
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const begin = clockMs();
  const value = await work();
  return { value, ms: clockMs() - begin };
}

/** Messages go to standard error, so that they do not mix with the report. */
function talk(text: string): void {
  process.stderr.write(`faultline: ${text}\n`);
}

function mismatchError(report: RunReport, command: string, checks: number, mismatches: number): HeapError {
  const lines = report.mismatches.map((mismatch) => `\n  ${mismatchText(mismatch)}`);
  return new HeapError(
    'ERR_RUN_MISMATCH',
    `${mismatches} of ${checks} checks did not agree with the graph. Please report it with the input; ` +
      `to repeat it: ${command}${lines.join('')}`,
    { figures: { checks, mismatches } },
  );
}
