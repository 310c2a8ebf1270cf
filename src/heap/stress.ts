/**
 * Stress: makes safepoints what they may be at any time. In a heap with `stressEvery`, and in a checked heap, a mutator that comes to a
 * safepoint asks for a collection there, and each collection moves whatever it can (gc/policy/region-choice.ts) and leaves nothing readable
 * behind (native/heap/poison.h). A reference that was kept across a safepoint is then wrong at once, and a checked mutator can tell: its
 * number leads to no object.
 *
 *     stressEvery: n     every n-th safepoint of the mutator
 *     checked: true      the first thousand safepoints; from then on as many as take half of the time
 *
 * A safepoint in one heap is one in all heaps of the thread (native/heap/thread_state.h).
 */

import { clockMs } from '../clock.ts';

/** So many safepoints of a checked mutator move everything whatever that takes: small programs behave the same each time. */
const MOVED_AT_FIRST = 1_000;

/** Of all heaps that this thread is a mutator of: a safepoint is one of the whole thread. */
const ofThread = new Set<Stress>();

/** @internal */
export interface StressSetUp {
  /** The option `stressEvery`. */
  readonly every: number;
  readonly checked: boolean;
  /** Raw references are old from here on. */
  readonly forget: () => void;
  /** Moves everything; comes back when that is done, or under way if mutators are to take faults. */
  readonly move: () => void;
}

/** @internal When a mutator's safepoints collect. */
export class Stress {
  readonly #setUp: StressSetUp;
  #count = 0;
  #endMs = 0;
  #tookMs = 0;

  constructor(setUp: StressSetUp) {
    this.#setUp = setUp;
    ofThread.add(this);
  }

  /** The mutator is at a safepoint. */
  reached(): void {
    this.#passHere();
    this.reachedElsewhere();
  }

  /** The same, and its own heap has just been collected. */
  reachedElsewhere(): void {
    for (const other of ofThread) if (other !== this) other.#passHere();
  }

  /** The mutator is detached. */
  end(): void {
    ofThread.delete(this);
  }

  #passHere(): void {
    this.#setUp.forget();
    this.#count++;
    if (!this.#isDue()) return;
    const beginMs = clockMs();
    this.#setUp.move();
    this.#endMs = clockMs();
    this.#tookMs = this.#endMs - beginMs;
  }

  #isDue(): boolean {
    const { every, checked } = this.#setUp;
    if (every > 0 && this.#count % every === 0) return true;
    return checked && (this.#count <= MOVED_AT_FIRST || clockMs() - this.#endMs >= this.#tookMs);
  }
}
