/**
 * Parking lot: where threads sleep until an object in the heap changes.
 *
 * `Atomics.wait` keeps its waiters by address, and objects move, so no thread sleeps on a word of the heap. Instead there are 256 words in
 * the buffer that the heap's token carries; an object's identity hash chooses one. After Pizlo's parking lot of WebKit ("Locking in
 * WebKit", 2016), with two differences: several objects may share a word, and all threads that sleep on it are woken; and no sleep is
 * longer than a slice, so a thread that ends in the middle of a wake-up delays others by a slice but does not strand them.
 *
 *   who       operation, all seq_cst                          partner
 *   sleeper   1. loads the word
 *             2. announces itself in the object               the waker's load (its change came first) …
 *             3. checks whether it still has to wait          … or the waker's change: one of the two sees the other
 *             4. parks its thread, sleeps while the word has not changed
 *   waker     changes the object; if a sleeper is announced, clears the announcement, adds 1 to the word, wakes
 *
 * An announcement is a flag and not a count, because a thread that is terminated while it sleeps cannot take it back.
 */
import { argumentRangeError } from '../errors.ts';
import { clockMs } from '../clock.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import { SLICE_MS } from '../slices.ts';
import { slotOf } from '../heap/object.ts';

/** How long an event loop waits before it checks by itself: a thread that ends in the middle of a wake-up delays it by so much. */
const ASYNC_SLICE_MS = 100;

/** As they are when the library is loaded: programs may replace them (tests with fake timers). */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;
type WaitAsync = (words: Int32Array, index: number, value: number, ms: number) => { async: boolean; value: unknown };
const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };

/** @internal */
export interface Ticket {
  readonly index: number;
  readonly word: number;
}

/** @internal */
export class ParkingLot {
  readonly #mutator: Mutator;
  readonly #words: Int32Array;

  constructor(mutator: Mutator, words: Int32Array) {
    this.#mutator = mutator;
    this.#words = words;
  }

  /**
   * Calls `attempt` with the object, wherever it is, until the call returns something other than undefined, and returns that; after
   * `deadline` (on the clock of `clockMs`) it tries once more, and then returns undefined. Between two calls the thread sleeps, parked.
   * `announce` must leave a mark in the object that causes a call of {@link wake} when the object changes. A safepoint; neither function
   * may come to one.
   */
  await<T>(object: ReferenceHandle, deadline: number, announce: (ref: Ref) => void, attempt: (ref: Ref) => T | undefined): T | undefined {
    const mutator = this.#mutator;
    for (;;) {
      const ref = mutator.get(object);
      const index = this.#indexOf(ref);
      const word = Atomics.load(this.#words, index);
      announce(ref);
      const answer = attempt(ref);
      if (answer !== undefined) return answer;
      const leftMs = deadline - clockMs();
      if (leftMs <= 0) return undefined;
      mutator.parkAll(() => Atomics.wait(this.#words, index, word, Math.min(leftMs, SLICE_MS)));
    }
  }

  /** What {@link sleep} has to know: taken before the thread checks whether there is reason to wait. Not a safepoint. */
  ticket(ref: Ref): Ticket {
    const index = this.#indexOf(ref);
    return { index, word: Atomics.load(this.#words, index) };
  }

  /**
   * Resolves when a thread has woken others since the ticket was taken, after `ms`, or after a slice, whichever comes first; rejects with
   * the signal's reason when that aborts. Meanwhile the event loop turns, and the process lives on.
   */
  async sleep({ index, word }: Ticket, ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    // A fraction of a millisecond is over before a timer has begun: many turns for nothing.
    const lasting = Math.ceil(Math.min(ms, ASYNC_SLICE_MS));
    const { async, value } = waitAsync(this.#words, index, word, lasting);
    if (!async) return;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    // V8's own timer keeps no event loop alive: the wait ends by this one, however late the other is.
    const timer = startTimer(end, lasting);
    try {
      signal?.addEventListener('abort', end, { once: true });
      await Promise.race([value, ended]);
    } finally {
      stopTimer(timer);
      signal?.removeEventListener('abort', end);
    }
    signal?.throwIfAborted();
  }

  /** Wakes the threads that sleep because of the object. Not a safepoint. */
  wake(ref: Ref): void {
    const index = this.#indexOf(ref);
    Atomics.add(this.#words, index, 1);
    Atomics.notify(this.#words, index);
  }

  /** Wakes if the flag in that slot of the object announces a sleeper. The caller has stored its change by `Atomics`. */
  wakeAnnounced(ref: Ref, flagSlot: number): void {
    const { u32 } = this.#mutator;
    if (Atomics.load(u32, slotOf(ref, flagSlot)) === 0) return;
    Atomics.store(u32, slotOf(ref, flagSlot), 0);
    this.wake(ref);
  }

  #indexOf(ref: Ref): number {
    return this.#mutator.identityHash(ref) & (this.#words.length - 1);
  }
}

/** @internal Throws RangeError ERR_OPTION unless it is a valid time limit. */
export function checkTimeout(timeoutMs: number): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) throw argumentRangeError('timeoutMs', 'a number of at least 0', timeoutMs);
}

/** @internal When a wait that begins now ends; called only if a wait is needed, since reading a clock costs more than a lock. */
export const deadlineOf = (timeoutMs: number): number => clockMs() + timeoutMs;
