/**
 * Calls of a mutator's own thread: its states, its memory, its roots.
 */
import type { HeapHandle, MutatorHandle } from './handles.ts';
import type { Refusal } from './refusal.ts';

/** Answers of `allocateSlow`, `allocateLarge` and `awaitMemory` besides an object's word index or a refusal. */
export const ALLOCATION = { refilled: 0, collect: -1, noControl: -3 } as const;

/**
 * Calls that wait do so for the whole thread (native/heap/thread_state.h), and end when the thread or the script is being ended. However
 * they end, the mutators that ran before run again.
 */
export interface MutatorCalls {
  /**
   * The new mutator, parked, or the code of what stands in the way. `onNudge` runs in the event loop and comes to a safepoint. One whose
   * control block does not say that it was adopted gives way to the thread's next.
   */
  attachMutator(
    heap: HeapHandle,
    control: Uint32Array,
    localCapacity: number,
    handleCapacity: number,
    onNudge: () => void,
  ): MutatorHandle | 'ERR_MUTATOR_ATTACHED' | 'ERR_SIGNAL_BLOCKED' | 'ERR_HEAP_CLOSED';
  /** Again does nothing. */
  detachMutator(mutator: MutatorHandle): void;
  safepoint(mutator: MutatorHandle): void;
  park(mutator: MutatorHandle): void;
  unpark(mutator: MutatorHandle): void;
  /** What `wait` returns, called while the mutator is parked. */
  parked<T>(mutator: MutatorHandle, wait: () => T): T;
  /** The same, and every other mutator of the thread is parked too. */
  allParked<T>(mutator: MutatorHandle, wait: () => T): T;
  /** Writes the header when the answer is an object, as {@link allocateLarge} does. */
  allocateSlow(mutator: MutatorHandle, words: number, shape: number, count: number): number | Refusal;
  /** Regions of its own, zeroed piece by piece; a safepoint. Undefined when it was cut short. */
  allocateLarge(mutator: MutatorHandle, words: number, shape: number, count: number): number | Refusal | undefined;
  /** What `body` answers or throws; local handles, scopes and their views are as before then, whatever ended it. */
  scope<T>(mutator: MutatorHandle, body: () => T): T;
  /**
   * Asks for a collection and waits for its end; with words, in the queue for memory, which is tried for meanwhile: by `allocateLarge` if
   * `large`, else by `allocateSlow`. `again`: in the place of the last wait. Undefined when the wait was cut short: what cuts it ends the
   * script, or is an exception. {@link ALLOCATION}.collect when a collection of that kind, asked for and ended while this thread was the
   * first in the queue, has left too little (or, without words, has ended); `noControl` when there is no control thread to wait for.
   */
  awaitMemory(
    mutator: MutatorHandle,
    kind: number,
    reason: number,
    again: boolean,
    words: number,
    shape: number,
    count: number,
    large: boolean,
  ): number | Refusal | undefined;
  /** The same without words, but only until mutators may build pages. */
  awaitFlip(mutator: MutatorHandle, kind: number, reason: number): number | undefined;
  /** The write barrier's log is full. */
  flushLog(mutator: MutatorHandle): void;
  recordStall(mutator: MutatorHandle, microseconds: number): void;
  /** `used`: how many slots count, and behind it a word of native code's. */
  addRootRange(mutator: MutatorHandle, slots: Uint32Array, used: Uint32Array): void;
  /** Again does nothing. */
  removeRootRange(mutator: MutatorHandle, used: Uint32Array): void;
  /** Whether there is an object at that word now; for checked heaps. Looks through the alias: safe for any number. */
  isObject(mutator: MutatorHandle, ref: number): boolean;
  utilization(mutator: MutatorHandle, windowMs: number): number;
  /** Never 0, and never given out again in this heap. */
  mutatorId(mutator: MutatorHandle): number;
  /** Whether the mutator of that id is attached to the same heap still. */
  isMutator(mutator: MutatorHandle, id: number): boolean;
}
