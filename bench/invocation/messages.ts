/**
 * Messages: what the main thread of an invocation, its mutator threads and its hiccup thread share.
 */
import type { HeapToken } from 'faultline';
import type { Material, Parameters, Plan } from '../workloads/workload.ts';

/**
 * Words of the control array; known to native/bench/run.h.
 *
 *     phase     written by main: PHASE
 *     arrived   counted by mutators: once when they are ready for the measured part, once when they have done it
 *     stop      written by main: mutators end at once
 */
export const CONTROL = { phase: 0, arrived: 1, stop: 2, count: 3 } as const;

/**
 * `prepare` until all are ready, `measure` until all have done their operations, `settle` while main looks at what has come of it (and
 * mutators go on reading, in workloads with looks), then `verify`. Known to native/bench/run.h.
 */
export const PHASE = { prepare: 0, measure: 1, settle: 2, verify: 3 } as const;

/** What a mutator writes while it works; known to native/bench/run.h. Times are ns of CLOCK_MONOTONIC. */
export const GAUGE = { operations: 0, liveBytes: 1, heapBytes: 2, beginNs: 3, endNs: 4, cpuNs: 5, count: 6 } as const;

/** How a mutator works on memory. */
export type Driver = 'javascript' | 'barriered-javascript' | 'native' | 'plain';

export interface MutatorData {
  readonly driver: Driver;
  /** Of the heap; plain objects have none. */
  readonly token?: HeapToken;
  readonly workload: string;
  readonly parameters: Parameters;
  readonly material?: Material;
  readonly plan: Plan;
  readonly seed: number;
  readonly thread: number;
  /** Between the intended starts of two operations; 0: closed loop. */
  readonly intervalNs: number;
  readonly control: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  /** Moments at which pieces of {@link pieceSteps} begin, and the end of the last: of the warm-up, then of the measured part. */
  readonly pieces: SharedArrayBuffer;
  readonly pieceSteps: number;
  readonly census: boolean;
  /** Between the starts of two looks, and their starts and ends as far as there is room; absent where the mutator waits parked. */
  readonly looks?: { readonly intervalNs: number; readonly times: SharedArrayBuffer };
  /** Start and end of each measured operation, for workloads with requests. */
  readonly requests?: SharedArrayBuffer;
}

/** What allocation came to in the measured part: a census, which is taken in invocations of its own (native mutators only). */
export interface Allocated {
  /** Objects by size in words, the last entry for all larger ones. */
  readonly sizes: Float64Array;
  readonly allocatedWords: number;
  readonly referenceSlots: number;
}

export interface MutatorReport {
  readonly checks: number;
  readonly mismatches: number;
  readonly checksum: number;
  readonly allocated?: Allocated;
  /** Triples of start, length and kind (index of {@link INTERRUPTIONS}), in ns of CLOCK_MONOTONIC. */
  readonly interruptions: Float64Array;
  /** V8's collections, for plain objects: what a gc entry of perf_hooks says. */
  readonly collections?: readonly (readonly [startNs: number, lengthNs: number, kind: string])[];
}

/** In the order of `Interruption` in native/heap/timeline.h. */
export const INTERRUPTIONS = ['pause', 'fault', 'stall', 'slow-path'] as const;

export type FromMutator =
  | { readonly type: 'done'; readonly report: MutatorReport }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

export interface HiccupData {
  readonly control: SharedArrayBuffer;
}

/** Overshoots in ns at {@link HICCUP_PERCENTILES} and the maximum, and the thread's own CPU time while it measured. */
export interface HiccupReport {
  readonly overshootNs: readonly number[];
  readonly cpuNs: number;
}

export type FromHiccup = 'ready' | HiccupReport;

export const HICCUP_PERCENTILES = [50, 90, 99, 99.9, 99.99] as const;
