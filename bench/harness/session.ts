/**
 * Session: all invocations of a suite, from the minimum heaps to the last round.
 *
 *   1  expand    the suite into points (suites.ts)
 *   2  bisect    the minimum heap of each workload that has none yet (minimum-heap.ts), with the reference row
 *   3  run       round after round, each point once a round, shuffled (schedule.ts); one process at a time
 *   4  record    each result as soon as it is there (records.ts)
 *
 * A point whose system answers `unsupported` is not asked again; neither is one that has failed twice the same way and never
 * ended well. Both are results, and are told as such.
 */
import type { Configuration, InvocationResult } from './contract.ts';
import { digestOf } from './digest.ts';
import { invoke, type Invoked } from './invoke.ts';
import { MUTATORS, RATE, REFERENCE_ROW } from './matrix.ts';
import { findMinimumHeap, type MinimumHeap } from './minimum-heap.ts';
import type { MinimumHeapEntry } from './minimum-heaps-file.ts';
import { keyOf, labelOf, minimumHeapKey, type Point } from './point.ts';
import type { ProgramOf } from './programs.ts';
import { Progress, say } from './progress.ts';
import { randomFrom } from './random.ts';
import { type InvocationRecord, slotOf } from './records.ts';
import type { ResultsFolder } from './results-folder.ts';
import { scheduleOf } from './schedule.ts';
import { pointsOf } from './suites.ts';

const MIB = 2 ** 20;

/** What differs between `--quick` and a full run, apart from the points. */
interface Limits {
  readonly timeLimitMs: number;
  /** For all of the session. */
  readonly budgetMs: number;
  readonly confirmations: number;
  readonly minimumHeapLimitBytes: number;
  readonly tolerance: number;
}

const QUICK: Limits = { timeLimitMs: 20_000, budgetMs: 110_000, confirmations: 1, minimumHeapLimitBytes: 512 * MIB, tolerance: 0.1 };
const FULL: Limits = {
  timeLimitMs: 300_000,
  budgetMs: Number.POSITIVE_INFINITY,
  confirmations: 2,
  minimumHeapLimitBytes: 8192 * MIB,
  tolerance: 0.02,
};

/**
 * Near the minimum heap a collector may go on for ever: a search waits this many times as long as the fastest run took. A heap in which
 * a program takes longer is not one that it runs in.
 */
const PATIENCE = 5;
const LEAST_PATIENCE_MS = 5000;
const FAILURES_ENOUGH = 2;

export interface SessionOutcome {
  /** Invocations with a result, and all that were asked for. */
  readonly done: number;
  readonly asked: number;
  /** Why there are fewer results than asked for, as phrases; empty if nothing was left out. */
  readonly leftOut: readonly string[];
}

export class Session {
  readonly #folder: ResultsFolder;
  readonly #programOf: ProgramOf;
  readonly #signal: AbortSignal;
  readonly #limits: Limits;
  readonly #beganMs = performance.now();

  constructor(folder: ResultsFolder, programOf: ProgramOf, signal: AbortSignal) {
    this.#folder = folder;
    this.#programOf = programOf;
    this.#signal = signal;
    this.#limits = folder.head.options.quick ? QUICK : FULL;
  }

  /** Rejects with the signal's reason when interrupted; what was recorded stays. */
  async run(): Promise<SessionOutcome> {
    const { options } = this.#folder.head;
    const points = pointsOf(options.suite, {
      quick: options.quick,
      ...(options.heapFactors === undefined ? {} : { heapFactors: options.heapFactors }),
      ...(options.filter === undefined ? {} : { filter: new RegExp(options.filter) }),
    });
    try {
      const unknown = await this.#findMinimumHeaps(points);
      return await this.#runAll(points, unknown);
    } finally {
      this.#folder.dropScratch();
    }
  }

  /** Gives the keys of minimum heaps that could not be found. */
  async #findMinimumHeaps(points: readonly Point[]): Promise<Set<string>> {
    const unknown = new Set<string>();
    for (const { configuration, heap } of points) {
      const key = minimumHeapKey(configuration);
      if (!('factor' in heap) || this.#folder.minimumHeaps.get(key) !== undefined || unknown.has(key)) continue;
      say(`finding the minimum heap of ${configuration.workload}`);
      const { bytes, invocations, census } = await this.#bisect(configuration);
      if (bytes === undefined) {
        say(`no minimum heap of ${configuration.workload} up to ${this.#limits.minimumHeapLimitBytes / MIB} MiB: its points are left out`);
        unknown.add(key);
        continue;
      }
      say(`${configuration.workload} needs ${bytes / MIB} MiB (${invocations} invocations)`);
      this.#folder.minimumHeaps.set(key, { bytes, invocations, commit: this.#folder.head.machine.commit, ...census });
    }
    return unknown;
  }

  async #bisect({ workload, parameters }: Point['configuration']): Promise<Search> {
    const { timeLimitMs, confirmations, minimumHeapLimitBytes, tolerance } = this.#limits;
    let fastestMs = Number.POSITIVE_INFINITY;
    let census: Search['census'] = {};
    const completes = async (heapBytes: number): Promise<boolean> => {
      const limitMs = Math.min(timeLimitMs, Math.max(LEAST_PATIENCE_MS, PATIENCE * fastestMs));
      const closedLoop = Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== RATE));
      const { result, processMs } = await this.#invoke(
        {
          ...{ workload, parameters: closedLoop, heapBytes, system: 'faultline', driver: 'native', barrier: REFERENCE_ROW },
          ...{ mutators: MUTATORS, seed: this.#folder.head.options.seed, census: true },
        },
        limitMs,
      );
      if (result.ok) {
        fastestMs = Math.min(fastestMs, processMs);
        const { allocatedInAllBytes, nominal } = result;
        census = { processMs, ...(nominal ? { nominal } : {}), ...(allocatedInAllBytes ? { allocatedBytes: allocatedInAllBytes } : {}) };
      } else if (!['out-of-memory', 'timeout'].includes(result.code)) throw new SearchFailed(result.message);
      return result.ok;
    };
    try {
      return { ...(await findMinimumHeap(completes, { confirmations, limitBytes: minimumHeapLimitBytes, tolerance })), census };
    } catch (error) {
      if (!(error instanceof SearchFailed)) throw error;
      say(`${workload} ends badly in any heap: ${error.message}`);
      return { bytes: undefined, invocations: 0, census };
    }
  }

  async #runAll(points: readonly Point[], unknown: ReadonlySet<string>): Promise<SessionOutcome> {
    const { invocations, seed } = this.#folder.head.options;
    const schedule = scheduleOf(points, invocations, randomFrom(seed));
    const ledger = new Ledger(this.#folder.records.read());
    const progress = new Progress();
    progress.begin(schedule.length, ledger.count);
    let late = 0;
    let homeless = 0;
    for (const { point, round } of schedule) {
      if (ledger.isDone(point, round) || ledger.isGivenUp(point)) continue;
      if ('factor' in point.heap && unknown.has(minimumHeapKey(point.configuration))) homeless++;
      else if (performance.now() - this.#beganMs > this.#limits.budgetMs) late++;
      else {
        progress.show(ledger.count, labelOf(point));
        try {
          ledger.add(await this.#record(point, round, ledger.count));
        } catch (error) {
          progress.end();
          throw error;
        }
      }
    }
    progress.end();
    const givenUp = schedule.filter(({ point, round }) => !ledger.isDone(point, round) && ledger.isGivenUp(point)).length;
    const leftOut = [
      ...(late > 0 ? [`${late} left when the time for --quick was over; --resume goes on`] : []),
      ...(homeless > 0 ? [`${homeless} without a minimum heap`] : []),
      ...(givenUp > 0 ? [`${givenUp} not tried again after they were unsupported or failed ${FAILURES_ENOUGH} times`] : []),
    ];
    return { done: ledger.count, asked: schedule.length, leftOut };
  }

  async #record(point: Point, round: number, index: number): Promise<InvocationRecord> {
    const minimum = this.#folder.minimumHeaps.get(minimumHeapKey(point.configuration));
    const heapBytes = 'bytes' in point.heap ? point.heap.bytes : Math.round(point.heap.factor * minimum!.bytes);
    const configuration: Configuration = { ...point.configuration, heapBytes, seed: this.#folder.head.options.seed + round };
    const startedAt = new Date().toISOString();
    const { result, processMs, cpu } = await this.#invoke(configuration, this.#limits.timeLimitMs);
    const record: InvocationRecord = {
      ...{ point, round, configuration, startedAt, processMs, cpu },
      result: digested(result, minimum),
      ...(result.ok ? { raw: this.#folder.keepRaw(index, result) } : {}),
    };
    this.#folder.records.append(record);
    return record;
  }

  #invoke(configuration: Configuration, timeLimitMs: number): Promise<Invoked> {
    const scratch = this.#folder.freshScratch();
    return invoke(configuration, { programOf: this.#programOf, timeLimitMs, scratch, signal: this.#signal });
  }
}

/** An answer that cannot be made sense of is a crash of its invocation, not of the harness. */
function digested(result: InvocationResult, minimum: MinimumHeapEntry | undefined): InvocationRecord['result'] {
  if (!result.ok) return result;
  try {
    return digestOf(result, minimum);
  } catch (error) {
    return { ok: false, code: 'crash', message: `its result breaks the contract: ${(error as Error).message}` };
  }
}

/** With what the last run that completed told of the workload. */
interface Search extends MinimumHeap {
  readonly census: Pick<MinimumHeapEntry, 'allocatedBytes' | 'nominal' | 'processMs'>;
}

/** The workload fails for a reason that no heap size changes. */
class SearchFailed extends Error {}

/** What has been done, and what is not worth doing. */
class Ledger {
  count = 0;
  readonly #done = new Set<string>();
  readonly #failures = new Map<string, string[]>();
  readonly #succeeded = new Set<string>();

  constructor(records: readonly InvocationRecord[]) {
    for (const record of records) this.add(record);
  }

  add({ point, round, result }: InvocationRecord): void {
    const key = keyOf(point);
    if (result.ok) this.#succeeded.add(key);
    else this.#failures.set(key, [...(this.#failures.get(key) ?? []), result.code]);
    this.#done.add(slotOf(point, round));
    this.count++;
  }

  isDone(point: Point, round: number): boolean {
    return this.#done.has(slotOf(point, round));
  }

  isGivenUp(point: Point): boolean {
    const key = keyOf(point);
    const codes = this.#failures.get(key) ?? [];
    if (codes.includes('unsupported')) return true;
    return !this.#succeeded.has(key) && codes.length >= FAILURES_ENOUGH && new Set(codes).size === 1;
  }
}
