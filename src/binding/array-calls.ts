/**
 * Calls on shared containers. Each operation that changes a growable array is one call (native/heap/shared_array.h); values are passed in
 * the control block. A change of a map together with its count is one call too.
 */
import type { NativeMutator } from './native-objects.ts';

/** Results of these calls; `pushToArray` returns the new length instead of `done`. */
export const ARRAY = { done: 0, outOfRange: -1, contended: -2, segmentNeeded: -3, changed: -4 } as const;

export interface ArrayCalls {
  pushToArray(mutator: NativeMutator, array: number): number;
  /** With an expected length above 0, pops only if the array has that length and its last element is the reference that was passed. */
  popFromArray(mutator: NativeMutator, array: number, expectedLength: number): number;
  setInArray(mutator: NativeMutator, array: number, index: number): number;
  getFromArray(mutator: NativeMutator, array: number, index: number): number;
  /** Stores the reference if the slot holds `expected`, and then adds to the count; returns whether it did. */
  exchangeAndCount(
    mutator: NativeMutator,
    slot: number,
    expected: number,
    ref: number,
    countSlot: number,
    by: number,
    weight: number,
  ): boolean;
  installSegment(mutator: NativeMutator, array: number, n: number, segment: number): number;
}
