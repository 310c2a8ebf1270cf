/**
 * Calls on growable arrays: each operation that changes one is one call (native/heap/shared_array.h). The value comes and goes in the
 * control block.
 */
import type { MutatorHandle } from './handles.ts';

/** Answers of these calls; `pushToArray` answers the new length instead of `done`. */
export const ARRAY = { done: 0, outOfRange: -1, contended: -2, segmentNeeded: -3, changed: -4 } as const;

export interface ArrayCalls {
  pushToArray(mutator: MutatorHandle, array: number): number;
  /** With a length above 0 only if it is that, and the last element the reference that was passed. */
  popFromArray(mutator: MutatorHandle, array: number, expectedLength: number): number;
  setInArray(mutator: MutatorHandle, array: number, index: number): number;
  getFromArray(mutator: MutatorHandle, array: number, index: number): number;
  installSegment(mutator: MutatorHandle, array: number, n: number, segment: number): number;
}
