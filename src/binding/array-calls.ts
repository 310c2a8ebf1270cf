/**
 * Calls on shared containers. Each operation that changes a growable array is one call (native/heap/shared_array.h); the value comes and
 * goes in the control block. So is the change of a map with its count.
 */
import type { NativeMutator } from './native-objects.ts';

/** Answers of these calls; `pushToArray` answers the new length instead of `done`. */
export const ARRAY = { done: 0, outOfRange: -1, contended: -2, segmentNeeded: -3, changed: -4 } as const;

export interface ArrayCalls {
  pushToArray(mutator: NativeMutator, array: number): number;
  /** With a length above 0 only if it is that, and the last element the reference that was passed. */
  popFromArray(mutator: NativeMutator, array: number, expectedLength: number): number;
  setInArray(mutator: NativeMutator, array: number, index: number): number;
  getFromArray(mutator: NativeMutator, array: number, index: number): number;
  /** Stores the reference if the slot holds `expected`, and then adds to the count; whether it did. */
  exchangeAndCount(mutator: NativeMutator, slot: number, expected: number, ref: number, countSlot: number, by: number): boolean;
  installSegment(mutator: NativeMutator, array: number, n: number, segment: number): number;
}
