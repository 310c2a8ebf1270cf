/**
 * Calls of a mutator's own thread: its states, its memory, its roots.
 */
import type { NativeHeap, NativeMutator } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** Results of `allocateSlow`, `allocateInPlace` and `awaitMemory` besides an object's word index or a refusal. */
export const ALLOCATION = { refilled: 0, collect: -1, noControl: -3 } as const;

/**
 * Calls that wait do so with the whole thread (native/heap/thread_state.h), and end if the thread or the script is being ended. However
 * they end, the mutators that ran before run again.
 */
export interface MutatorCalls {
  /**
   * The new mutator, parked, or the code of the error that prevents it. `onNudge` runs in the event loop and comes to a safepoint. A
   * mutator whose control block does not say that it was adopted is replaced by the thread's next.
   */
  attachMutator(
    heap: NativeHeap,
    control: Uint32Array,
    localCapacity: number,
    handleCapacity: number,
    onNudge: () => void,
  ): NativeMutator | 'ERR_MUTATOR_ATTACHED' | 'ERR_SIGNAL_BLOCKED' | 'ERR_HEAP_CLOSED';
  /** A second call does nothing. */
  detachMutator(mutator: NativeMutator): void;
  safepoint(mutator: NativeMutator): void;
  park(mutator: NativeMutator): void;
  unpark(mutator: NativeMutator): void;
  /** What `wait` returns, called while the mutator is parked. */
  parked<T>(mutator: NativeMutator, wait: () => T): T;
  /** The same, and every other mutator of the thread is parked too. */
  allParked<T>(mutator: NativeMutator, wait: () => T): T;
  /** Writes the header when the answer is an object, as {@link allocateInPlace} does. */
  allocateSlow(mutator: NativeMutator, words: number, shape: number, count: number): number | Refusal;
  /**
   * An object that never moves: in regions of its own if it is large, zeroed piece by piece, otherwise among other pinnable ones. A
   * safepoint. Undefined if it was cut short.
   */
  allocateInPlace(mutator: NativeMutator, words: number, shape: number, count: number): number | Refusal | undefined;
  /** Returns or throws what `body` does; afterwards, local handles, scopes and their views are as before, however it ended. */
  scope<T>(mutator: NativeMutator, body: () => T): T;
  /**
   * Requests a collection and waits for its end; with words, in the queue for memory, trying to allocate meanwhile: by `allocateInPlace`
   * if `stays`, otherwise by `allocateSlow`. `again`: in the place of the last wait. Undefined if the wait was cut short: what cuts it ends
   * the script, or is an exception. {@link ALLOCATION}.collect if a collection of that kind, requested and ended while this thread was
   * first in the queue, has left too little memory (or, without words, has ended); `noControl` if there is no control thread to wait for.
   */
  awaitMemory(
    mutator: NativeMutator,
    kind: number,
    reason: number,
    again: boolean,
    words: number,
    shape: number,
    count: number,
    stays: boolean,
  ): number | Refusal | undefined;
  /** The same without words, but only until mutators may build pages. */
  awaitFlip(mutator: NativeMutator, kind: number, reason: number): number | undefined;
  /** The write barrier's log is full. */
  flushLog(mutator: NativeMutator): void;
  recordStall(mutator: NativeMutator, microseconds: number): void;
  /** `used`: how many slots count, followed by a word for native code. */
  addRootRange(mutator: NativeMutator, slots: Uint32Array, used: Uint32Array): void;
  /** A second call does nothing. */
  removeRootRange(mutator: NativeMutator, used: Uint32Array): void;
  /** Whether there is an object at that word now; for checked heaps. Reads through the alias, so it is safe for any number. */
  isObject(mutator: NativeMutator, ref: number): boolean;
  utilization(mutator: NativeMutator, windowMs: number): number;
  /** Never 0, and never given out again in this heap. */
  mutatorId(mutator: NativeMutator): number;
  /** Whether the mutator of that id is still attached to the same heap. */
  isMutator(mutator: NativeMutator, id: number): boolean;
}
