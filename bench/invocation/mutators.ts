/**
 * Mutators: the mutator threads of an invocation and its hiccup thread, seen from main.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { HeapToken } from 'faultline';
import type { Configuration, Iterations } from '../harness/contract.ts';
import type { Material, Parameters, Plan, Workload } from '../workloads/workload.ts';
import { rateOf } from '../workloads/workload.ts';
import {
  CONTROL,
  type Driver,
  type FromHiccup,
  type FromMutator,
  GAUGE,
  type HiccupData,
  type HiccupReport,
  type MutatorData,
  type MutatorReport,
  PHASE,
} from './messages.ts';

/** Between two looks whether all have arrived. Each costs CPU time beside the mutators. */
const LOOK_EVERY_MS = 10;
/** Into so many pieces the measured part is cut, where the workload has no iterations of its own. */
const PIECES = 10;
const WEYL = 0x9e3779b9;
/** Looks of one mutator whose times are kept: those of ten seconds. */
const LOOKS_KEPT_SECONDS = 10;

/** Why an invocation ended early: a code of an error or of a `Failed`. */
export class InvocationError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What is to be run. */
export interface Job {
  readonly configuration: Configuration;
  readonly workload: Workload;
  readonly parameters: Parameters;
  readonly material?: Material;
}

export interface MutatorsOptions extends Job {
  readonly driver: Driver;
  readonly token?: HeapToken;
  readonly limits?: ResourceLimits;
}

export class Mutators {
  readonly count: number;
  readonly plan: Plan;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL.count * 4));
  readonly #gauges: Float64Array;
  readonly #requests: Float64Array[] = [];
  readonly #looks: Float64Array[] = [];
  readonly #pieces: Float64Array[] = [];
  readonly #pieceSteps: number;
  readonly #workers: Worker[] = [];
  readonly #reports: Promise<MutatorReport>[] = [];
  readonly #hiccups: Promise<HiccupReport>;
  #hiccupsCome = false;
  #failure: InvocationError | undefined;

  constructor({ configuration, workload, parameters, material, driver, token, limits }: MutatorsOptions) {
    this.count = configuration.mutators;
    this.plan = workload.plan(parameters);
    this.#pieceSteps = this.plan.iteration ?? Math.max(1, Math.ceil(this.plan.operations / PIECES));
    const gauges = new SharedArrayBuffer(this.count * GAUGE.count * 8);
    this.#gauges = new Float64Array(gauges);
    const rate = rateOf(this.plan, parameters);
    for (let thread = 0; thread < this.count; thread++) {
      const requests = workload.hasRequests ? new SharedArrayBuffer(this.plan.operations * 16) : undefined;
      // Touched now, so that no mutator has to wait for the system's pages while it is measured.
      if (requests !== undefined) this.#requests.push(new Float64Array(requests).fill(0));
      const pieces = new SharedArrayBuffer((this.#piecesOf(this.plan.warmUp) + this.#piecesOf(this.plan.operations) + 2) * 8);
      this.#pieces.push(new Float64Array(pieces));
      const { looksPerSecond = 0 } = workload;
      const looks = looksPerSecond > 0 && token !== undefined ? new SharedArrayBuffer(looksPerSecond * LOOKS_KEPT_SECONDS * 16) : undefined;
      if (looks !== undefined) this.#looks.push(new Float64Array(looks).fill(0));
      const data: MutatorData = {
        driver,
        workload: workload.name,
        parameters,
        plan: this.plan,
        seed: (configuration.seed + Math.imul(thread, WEYL)) >>> 0,
        thread,
        intervalNs: rate === 0 ? 0 : 1e9 / rate,
        control: this.#control.buffer as SharedArrayBuffer,
        gauges,
        pieces,
        pieceSteps: this.#pieceSteps,
        census: configuration.census === true,
        ...(material === undefined ? {} : { material }),
        ...(token === undefined ? {} : { token }),
        ...(requests === undefined ? {} : { requests }),
        ...(looks === undefined ? {} : { looks: { intervalNs: 1e9 / looksPerSecond, times: looks } }),
      };
      this.#start(data, limits);
    }
    const worker = new Worker(new URL('./hiccup-thread.js', import.meta.url), {
      workerData: { control: this.#control.buffer as SharedArrayBuffer } satisfies HiccupData,
      execArgv: [],
    });
    this.#workers.push(worker);
    this.#hiccups = new Promise((resolve, reject) => {
      worker.on('message', (message: FromHiccup) => {
        if (message === 'ready') this.#hiccupsCome = true;
        else resolve(message);
      });
      worker.on('error', reject);
    });
    this.#hiccups.catch(({ message }: Error) => (this.#failure ??= new InvocationError('crash', message)));
  }

  /**
   * Resolves when every mutator has arrived so often, and the hiccup thread is there; `meanwhile` is called at each look. Throws
   * {@link InvocationError} when one fails.
   */
  async arrived(times: number, meanwhile: () => void = () => {}): Promise<void> {
    while (!this.#hiccupsCome || Atomics.load(this.#control, CONTROL.arrived) < times * this.count) {
      if (this.#failure !== undefined) throw this.#failure;
      await wait(LOOK_EVERY_MS);
      meanwhile();
    }
  }

  enter(phase: number): void {
    Atomics.store(this.#control, CONTROL.phase, phase);
    Atomics.notify(this.#control, CONTROL.phase);
  }

  /** When the first one began and the last one ended, in ns of CLOCK_MONOTONIC. */
  span(): { beginNs: number; endNs: number } {
    const of = (gauge: number): number[] => Array.from({ length: this.count }, (_, thread) => this.#gauge(thread, gauge));
    return { beginNs: Math.min(...of(GAUGE.beginNs)), endNs: Math.max(...of(GAUGE.endNs)) };
  }

  /** Sum of a gauge over all threads, a moment ago. */
  total(gauge: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.count; thread++) sum += this.#gauge(thread, gauge);
    return sum;
  }

  /** How long the pieces of the warm-up and of the measured part took, of each mutator. */
  get iterations(): Iterations {
    const lengths = (times: Float64Array): number[] => [...times.subarray(1)].map((time, i) => Math.round(time - times[i]!));
    const begin = this.#piecesOf(this.plan.warmUp) + 1;
    return {
      operations: this.#pieceSteps,
      warmUpNs: this.#pieces.map((times) => lengths(times.subarray(0, begin))),
      measuredNs: this.#pieces.map((times) => lengths(times.subarray(begin))),
    };
  }

  #piecesOf(steps: number): number {
    return Math.ceil(steps / this.#pieceSteps);
  }

  /** Starts and ends of each thread's operations. Empty for a workload without requests. */
  get requests(): readonly Float64Array[] {
    return this.#requests;
  }

  /**
   * To be called when all have ended: how long the looks took of which some part lies between two moments, from their intended starts.
   * Empty for a workload without looks.
   */
  looksWithin(fromNs: number, untilNs: number): number[] {
    const lengths: number[] = [];
    for (const times of this.#looks) {
      for (let i = 0; i < times.length && times[i + 1]! > 0; i += 2) {
        if (times[i]! < untilNs && times[i + 1]! > fromNs) lengths.push(times[i + 1]! - times[i]!);
      }
    }
    return lengths;
  }

  /** What they report after the last phase; throws {@link InvocationError} when one has failed. */
  async reports(): Promise<MutatorReport[]> {
    this.enter(PHASE.verify);
    return Promise.all(this.#reports);
  }

  hiccups(): Promise<HiccupReport> {
    return this.#hiccups;
  }

  /** Ends all threads as soon as they look. */
  async end(): Promise<void> {
    Atomics.store(this.#control, CONTROL.stop, 1);
    this.enter(PHASE.verify);
    await Promise.allSettled(this.#reports);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #gauge(thread: number, gauge: number): number {
    return this.#gauges[thread * GAUGE.count + gauge]!;
  }

  #start(data: MutatorData, limits: ResourceLimits | undefined): void {
    const worker = new Worker(new URL('./mutator-thread.js', import.meta.url), {
      name: `bench-mutator-${data.thread}`,
      workerData: data,
      execArgv: [],
      ...(limits === undefined ? {} : { resourceLimits: limits }),
    });
    this.#workers.push(worker);
    const report = new Promise<MutatorReport>((resolve, reject) => {
      worker.on('message', (message: FromMutator) => {
        if (message.type === 'done') resolve(message.report);
        else reject(new InvocationError(message.code, message.message));
      });
      worker.on('error', (error: Error & { code?: string }) => reject(new InvocationError(error.code ?? 'crash', error.message)));
      worker.on('exit', () => reject(new InvocationError('crash', `mutator thread ${data.thread} ended without a report`)));
    });
    report.catch((error: InvocationError) => (this.#failure ??= error));
    this.#reports.push(report);
  }
}
