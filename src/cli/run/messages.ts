/** Messages: what the main thread and the mutator threads of a run send each other, and the words they share. */
import type { HeapErrorCode } from '../../errors.ts';
import type { HeapToken } from '../../heap/token.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import type { Mismatch } from './checker.ts';

export const UTILIZATION_WINDOWS_MS = [1, 5, 10, 50, 100] as const;

/** Shared words, written by the main thread: not 0 if threads are to stop, or if copies are to become fewer. */
export const CONTROL_STOP = 0;
export const CONTROL_PRESSURE = 1;
export const CONTROLS = 2;

/** Shared figures of each thread, which that thread writes and the progress line shows. */
export const COUNTER_OPERATIONS = 0;
export const COUNTER_CHECKS = 1;
export const COUNTER_MISMATCHES = 2;
export const COUNTER_EXHAUSTED = 3;
export const COUNTERS = 4;

export interface MutatorThreadData {
  readonly token: HeapToken;
  readonly graph: ObjectGraph;
  readonly thread: number;
  readonly seed: number;
  readonly control: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

/** What a thread has done, by kind. */
export interface Operations {
  steps: number;
  copies: number;
  swings: number;
  keeps: number;
  drops: number;
  handles: number;
  litter: number;
  largeArrays: number;
  exhausted: number;
}

/** What a thread has done and found. */
export interface ThreadReport {
  readonly operations: Operations;
  readonly checks: number;
  readonly mismatches: number;
  readonly described: readonly Mismatch[];
  /** In the order of UTILIZATION_WINDOWS_MS. */
  readonly utilization: readonly number[];
}

export type FromMutatorThread =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly report: ThreadReport }
  | {
      readonly type: 'failed';
      readonly code: HeapErrorCode;
      readonly message: string;
      readonly errno: number | undefined;
      readonly syscall: string | undefined;
      readonly figures: Readonly<Record<string, number>>;
    };
