/**
 * Calls of weak structures and finalizers; the mutator is this thread's, and runs.
 */
import type { NativeHeap, NativeMutator } from './native-objects.ts';

/** Results of the weak map's calls. */
export const WEAK_MAP = { done: 0, absent: -1, contended: -2, noIdentity: -3, notAnObject: -4 } as const;

export interface WeakCalls {
  /** Applies the load barrier to a slot (index into the u32 view); returns the object's current address. */
  loadReference(mutator: NativeMutator, slot: number): number;
  /** The object of a weak slot (index into the u32 view), or 0. */
  readWeak(mutator: NativeMutator, slot: number): number;
  /** 0 if the object's shape has no place for one, {@link WEAK_MAP}.notAnObject if there is no object. */
  identityHash(mutator: NativeMutator, ref: number): number;
  /** The value, or one of {@link WEAK_MAP}. */
  getFromWeakMap(mutator: NativeMutator, map: number, key: number): number;
  /** One of {@link WEAK_MAP}, or the number of pairs of a table that has to be installed first. */
  setInWeakMap(mutator: NativeMutator, map: number, key: number, value: number): number;
  deleteFromWeakMap(mutator: NativeMutator, map: number, key: number): number;
  installWeakTable(mutator: NativeMutator, map: number, table: number): number;
  /** Null if there is no object, false if addFinalizers has to come first. */
  addFinalizer(mutator: NativeMutator, ref: number, heldValue: number): boolean | null;
  addFinalizers(mutator: NativeMutator, waiting: number, kept: number): void;
  /**
   * The held value of a finalizer that is ready; the handle refers to its object from then on. A mutator that its program has parked runs
   * for that moment.
   */
  takeFinalizable(mutator: NativeMutator, handle: number): number | null;
  /** The held value alone, for a thread without a mutator; the object is dropped. */
  takeHeldValue(heap: NativeHeap): number | null;
}
