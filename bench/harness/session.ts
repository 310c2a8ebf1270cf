/**
 * Session: all invocations of an experiment, from the minimum heaps to the last round.
 *
 *   1  build     the commits that are compared with this tree (builds.ts)
 *   2  bisect    the minimum heap of each workload that has none yet (minimum-heap.ts), with the reference row
 *   3  count     what each workload allocates in all, where a floor needs it, in a run of its own
 *   4  run       round after round, each point once a round, shuffled (schedule.ts); one process at a time
 *   5  record    each result as soon as it is there (records.ts)
 *
 * A point whose system answers `unsupported` is not asked again; neither is one that has failed twice the same way and never
 * ended well. Both are results, and are told as such.
 */
import { totalmem } from 'node:os';
import { argumentError } from './argument-error.ts';
import { commitOf, fingerprintOf, prepareBuilds } from './builds.ts';
import type { Configuration, Failed, InvocationResult } from './contract.ts';
import { digestOf, type Known } from './digest.ts';
import { invoke, type Invoked } from './invoke.ts';
import { settingOf } from './machine.ts';
import { IDLE, RATE, REFERENCE_ROW } from './matrix.ts';
import { findMinimumHeap } from './minimum-heap.ts';
import { censusKey, keyOf, labelOf, minimumHeapKey, type Point } from './point.ts';
import type { ProgramOf } from './programs.ts';
import { Progress, say } from './progress.ts';
import { randomFrom } from './random.ts';
import { type InvocationRecord, slotOf } from './records.ts';
import type { ResultsFolder } from './results-folder.ts';
import { scheduleOf } from './schedule.ts';

const MIB = 2 ** 20;

/** What differs between `--quick` and a full run, apart from the points. */
interface Limits {
  readonly timeLimitMs: number;
  /** For all of the session. */
  readonly budgetMs: number;
  readonly confirmations: number;
  readonly minimumHeapLimitBytes: number;
  readonly tolerance: number;
  readonly idleSeconds: number;
}

const QUICK: Limits = {
  ...{ timeLimitMs: 20_000, budgetMs: 110_000, confirmations: 1, minimumHeapLimitBytes: 512 * MIB, tolerance: 0.1, idleSeconds: 0.5 },
};
const FULL: Limits = {
  ...{ timeLimitMs: 300_000, budgetMs: Number.POSITIVE_INFINITY, confirmations: 2, minimumHeapLimitBytes: 8192 * MIB },
  ...{ tolerance: 0.02, idleSeconds: 2 },
};

/**
 * Near the minimum heap a collector may never finish: a search waits this many times as long as the fastest run took, and counts a heap
 * in which the program takes longer as too small.
 */
const SEARCH_LIMIT_FACTOR = 5;
const LEAST_SEARCH_LIMIT_MS = 5000;
const FAILURES_ENOUGH = 2;
/** Of the minimum heap, for a census: it need not be fast. */
const CENSUS_FACTOR = 3;

/** A floor holds what was counted with another seed, and begun buffers of each mutator. */
const FLOOR_SLACK = 1.05;
const FLOOR_SLACK_BYTES = 4 * MIB;
/** Objects of Java are larger: headers of 12 bytes or more, two objects for one of ours in some workloads. */
const JAVA_FACTOR = 2.5;
/** Of the machine's memory: a floor is touched as a whole. */
const MOST_OF_MEMORY = 0.6;

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
  readonly #fingerprints = new Map<string | undefined, string>();

  constructor(folder: ResultsFolder, programOf: ProgramOf, signal: AbortSignal) {
    this.#folder = folder;
    this.#programOf = programOf;
    this.#signal = signal;
    this.#limits = folder.head.options.quick ? QUICK : FULL;
  }

  /** Rejects with the signal's reason when interrupted; what was recorded stays. */
  async run(): Promise<SessionOutcome> {
    const { points } = this.#folder.head;
    try {
      prepareBuilds(points.map(({ configuration }) => configuration.build));
      this.#refuseOtherBuilds();
      const unknown = await this.#findMinimumHeaps(points);
      await this.#takeCensuses(points.filter((point) => !unknown.has(minimumHeapKey(point.configuration))));
      return await this.#runAll([...points, this.#idle(points)], unknown);
    } finally {
      this.#folder.dropScratch();
    }
  }

  /** The noise of the machine, beside as many threads as the experiment has mutators at most. */
  #idle(points: readonly Point[]): Point {
    const mutators = Math.max(...points.map(({ configuration }) => configuration.mutators));
    const parameters = { seconds: this.#limits.idleSeconds };
    return { suites: [], configuration: { workload: IDLE, parameters, system: IDLE, driver: 'native', mutators }, heap: { bytes: 0 } };
  }

  /** A branch moves, and a folder may be built anew: what is there was measured with what is there now, or nothing is added to it. */
  #refuseOtherBuilds(): void {
    for (const { configuration, on } of this.#folder.records.read()) {
      const { build } = configuration;
      if (build === undefined || on.build === this.#fingerprint(build)) continue;
      throw argumentError(`build ${build}`, `what these results were measured with (${on.commit}, ${on.build})`, this.#fingerprint(build));
    }
  }

  /** Gives the keys of minimum heaps that could not be found. */
  async #findMinimumHeaps(points: readonly Point[]): Promise<Set<string>> {
    const unknown = new Set<string>();
    for (const { configuration, heap } of points) {
      const key = minimumHeapKey(configuration);
      if ('bytes' in heap || this.#folder.minimumHeaps.get(key) !== undefined || unknown.has(key)) continue;
      say(`finding the minimum heap of ${configuration.workload}`);
      const { bytes, invocations } = await this.#bisect(configuration);
      if (bytes === undefined) {
        say(`no minimum heap of ${configuration.workload} up to ${this.#limits.minimumHeapLimitBytes / MIB} MiB: its points are left out`);
        unknown.add(key);
        continue;
      }
      say(`${configuration.workload} needs ${(bytes / MIB).toFixed(2)} MiB (${invocations} invocations)`);
      this.#folder.minimumHeaps.set(key, { bytes, invocations, commit: this.#folder.head.machine.commit });
    }
    return unknown;
  }

  async #bisect(asked: Point['configuration']): Promise<{ bytes: number | undefined; invocations: number }> {
    const { timeLimitMs, confirmations, minimumHeapLimitBytes, tolerance } = this.#limits;
    let fastestMs = Number.POSITIVE_INFINITY;
    const completes = async (heapBytes: number): Promise<boolean> => {
      const limitMs = Math.min(timeLimitMs, Math.max(LEAST_SEARCH_LIMIT_MS, SEARCH_LIMIT_FACTOR * fastestMs));
      const { result, processMs } = await this.#invoke(this.#reference(asked, heapBytes), limitMs);
      say(`${asked.workload} ${result.ok ? 'completes' : 'does not complete'} in ${(heapBytes / MIB).toFixed(2)} MiB`);
      if (result.ok) fastestMs = Math.min(fastestMs, processMs);
      else if (!['out-of-memory', 'timeout'].includes(result.code)) throw new SearchFailed(result.message);
      return result.ok;
    };
    try {
      return await findMinimumHeap(completes, { confirmations, limitBytes: minimumHeapLimitBytes, tolerance });
    } catch (error) {
      if (!(error instanceof SearchFailed)) throw error;
      say(`${asked.workload} ends badly in any heap: ${error.message}`);
      return { bytes: undefined, invocations: 0 };
    }
  }

  /** What each workload allocates, and what its objects are like. Needs the minimum heaps. */
  async #takeCensuses(points: readonly Point[]): Promise<void> {
    for (const { configuration } of points) {
      const key = censusKey(configuration);
      const minimum = this.#folder.minimumHeaps.get(minimumHeapKey(configuration));
      if (minimum === undefined || this.#folder.minimumHeaps.census(key) !== undefined) continue;
      const counted = { ...this.#reference(configuration, Math.round(CENSUS_FACTOR * minimum.bytes)), census: true };
      const { result, processMs } = await this.#invoke(counted, this.#limits.timeLimitMs);
      const { commit } = this.#folder.head.machine;
      if (!result.ok || result.allocatedInAllBytes === undefined) {
        say(`no census of ${configuration.workload}: ${result.ok ? 'it does not tell what it allocates' : result.message}`);
        continue;
      }
      const nominal = result.nominal === undefined ? {} : { nominal: result.nominal };
      this.#folder.minimumHeaps.setCensus(key, { commit, allocatedBytes: result.allocatedInAllBytes, processMs, ...nominal });
    }
  }

  /** The workload in a closed loop, on the row that nothing else depends on. */
  #reference({ workload, parameters, mutators }: Point['configuration'], heapBytes: number): Configuration {
    const closedLoop = Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== RATE));
    const { seed } = this.#folder.head.options;
    return { workload, parameters: closedLoop, heapBytes, system: 'faultline', driver: 'native', barrier: REFERENCE_ROW, mutators, seed };
  }

  async #runAll(points: readonly Point[], unknown: ReadonlySet<string>): Promise<SessionOutcome> {
    const { invocations, seed } = this.#folder.head.options;
    const schedule = scheduleOf(points, invocations, randomFrom(seed));
    const ledger = new Ledger(this.#folder.records.read());
    const progress = new Progress();
    progress.begin(schedule.length, ledger.count);
    let overBudget = 0;
    let withoutSize = 0;
    for (const { point, round } of schedule) {
      if (ledger.isDone(point, round) || ledger.isGivenUp(point)) continue;
      if (!('bytes' in point.heap) && unknown.has(minimumHeapKey(point.configuration))) withoutSize++;
      else if (performance.now() - this.#beganMs > this.#limits.budgetMs) overBudget++;
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
      ...(overBudget > 0 ? [`${overBudget} left when the time for --quick was over; --resume goes on`] : []),
      ...(withoutSize > 0 ? [`${withoutSize} without a minimum heap`] : []),
      ...(givenUp > 0 ? [`${givenUp} not tried again after they were unsupported or failed ${FAILURES_ENOUGH} times`] : []),
    ];
    return { done: ledger.count, asked: schedule.length, leftOut };
  }

  async #record(point: Point, round: number, index: number): Promise<InvocationRecord> {
    const { machine, options } = this.#folder.head;
    const { configuration: asked } = point;
    const startedAt = new Date().toISOString();
    const heapBytes = this.#heapBytes(point);
    const configuration: Configuration = { ...asked, heapBytes: typeof heapBytes === 'number' ? heapBytes : 0, seed: options.seed + round };
    const { result, processMs, cpu } =
      typeof heapBytes === 'number'
        ? await this.#invoke(configuration, this.#limits.timeLimitMs)
        : { result: heapBytes, processMs: 0, cpu: { foreign: 0, harness: 0 } };
    const record: InvocationRecord = {
      ...{ point, round, configuration, startedAt, processMs, cpu },
      on: {
        ...settingOf(machine),
        commit: asked.build === undefined ? machine.commit : commitOf(asked.build),
        build: this.#fingerprint(asked.build),
      },
      result: digested(result, this.#knownOf(asked)),
      ...(result.ok && asked.system !== IDLE ? this.#folder.keepRaw(index, result) : {}),
    };
    this.#folder.records.append(record);
    return record;
  }

  /** Or why there is none. */
  #heapBytes({ configuration, heap }: Point): number | Failed {
    if ('bytes' in heap) return heap.bytes;
    if ('factor' in heap) return Math.round(heap.factor * this.#folder.minimumHeaps.get(minimumHeapKey(configuration))!.bytes);
    const census = this.#folder.minimumHeaps.census(censusKey(configuration));
    if (census === undefined) return { ok: false, code: 'unsupported', message: 'nobody knows how much a floor has to hold' };
    const isJava = configuration.system.startsWith('openjdk-');
    const slack = FLOOR_SLACK_BYTES * (1 + configuration.mutators);
    const bytes = Math.ceil(((isJava ? JAVA_FACTOR : 1) * FLOOR_SLACK * census.allocatedBytes + slack) / MIB) * MIB;
    if (bytes <= MOST_OF_MEMORY * totalmem()) return bytes;
    return {
      ok: false,
      code: 'unsupported',
      message: `a floor would have to hold ${bytes / MIB} MiB: too much for the memory of this machine`,
    };
  }

  #knownOf(configuration: Point['configuration']): Known {
    const minimumHeapBytes = this.#folder.minimumHeaps.get(minimumHeapKey(configuration))?.bytes;
    const nominal = this.#folder.minimumHeaps.census(censusKey(configuration))?.nominal;
    return { ...(minimumHeapBytes === undefined ? {} : { minimumHeapBytes }), ...(nominal === undefined ? {} : { nominal }) };
  }

  #fingerprint(build: string | undefined): string {
    const known = this.#fingerprints.get(build) ?? fingerprintOf(build);
    this.#fingerprints.set(build, known);
    return known;
  }

  #invoke(configuration: Configuration, timeLimitMs: number): Promise<Invoked> {
    const scratch = this.#folder.freshScratch();
    return invoke(configuration, { programOf: this.#programOf, timeLimitMs, scratch, signal: this.#signal });
  }
}

/** An answer that cannot be made sense of is a crash of its invocation, not of the harness. */
function digested(result: InvocationResult, known: Known): InvocationRecord['result'] {
  if (!result.ok) return result;
  try {
    return digestOf(result, known);
  } catch (error) {
    return { ok: false, code: 'crash', message: `its result breaks the contract: ${(error as Error).message}` };
  }
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
