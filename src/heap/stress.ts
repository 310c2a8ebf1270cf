/**
 * Stress: makes safepoints do what they may do at any time. In a heap with `stressEvery`, and in a checked heap, a mutator that comes to a
 * safepoint requests a collection there, and each collection moves as much as it can (gc/policy/region-choice.ts) and overwrites what it
 * frees (native/heap/poison.h). So a reference that was kept across a safepoint is wrong at once, and a checked mutator can detect it: its
 * number leads to no object.
 *
 *     stressEvery: n     every n-th safepoint of the mutator
 *     checked: true      the first thousand safepoints; after that, as many as take half of the time
 *
 * A safepoint in one heap is one in all heaps of the thread (native/heap/thread_state.h).
 */

import { clockMs } from '../clock.ts';

/** This many safepoints of a checked mutator always move everything, so that small programs behave the same each time. */
const MOVED_AT_FIRST = 1_000;

/** Those of all heaps in which this thread is a mutator: a safepoint is one for the whole thread. */
const ofThread = new Set<Stress>();

/** @internal */
export interface StressSetUp {
  /** The option `stressEvery`. */
  readonly every: number;
  readonly checked: boolean;
  /** Raw references are stale from here on. */
  readonly forget: () => void;
  /** Moves everything; returns when that is done, or has begun if mutators are to take faults. */
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
