/**
 * Safepoint: where a mutator stops, parks and waits. The mutator's poll itself is one load; everything after that is here.
 *
 * A wait is one native call, during which the whole thread is parked, so that it holds up no collection of any heap. The end of the thread
 * or of the script cuts it short, with the mutator running again.
 */
import { ALLOCATION, type Binding, type NativeMutator, type Refusal } from '../binding.ts';
import { type CollectionKind, type CollectionReason, kindNumber, reasonNumber } from '../gc/requests.ts';

/** @internal What a wait needs of the heap. */
export interface CollectionHost {
  readonly native: Binding;
  /** Called repeatedly by a waiting thread while there is no control thread: makes sure that there will be one. */
  keepControlWaiting(): void;
  /** Whether anything is ever collected. */
  readonly collects: boolean;
  figures(): { liveBytes: number; freeBytes: number; capacityBytes: number };
}

/** @internal The memory that a wait is for. `again`: the same request has waited before. */
export interface MemoryNeed {
  readonly words: number;
  readonly shape: number;
  readonly count: number;
  readonly stays: boolean;
  readonly again: boolean;
}

/** Time between two checks whether there is a control thread. */
const REST_MS = 10;
/** Only for sleeping with a time limit; it is never notified. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** @internal Blocks the thread, which should be parked, for that time. */
export function sleep(milliseconds: number): void {
  Atomics.wait(NEVER, 0, 0, milliseconds);
}

const NONE: MemoryNeed = { words: 0, shape: 0, count: 0, stays: false, again: false };

/** @internal The safepoints of one mutator. */
export class Safepoint {
  readonly #host: CollectionHost;
  readonly #native: Binding;
  readonly #mutator: NativeMutator;

  constructor(host: CollectionHost, mutator: NativeMutator) {
    this.#host = host;
    this.#native = host.native;
    this.#mutator = mutator;
  }

  /** Stops while there is a pause of any of the thread's heaps. */
  stop(): void {
    this.#native.safepoint(this.#mutator);
  }

  park(): void {
    this.#native.park(this.#mutator);
  }

  /** Waits for a pause to end first. */
  unpark(): void {
    this.#native.unpark(this.#mutator);
  }

  /** Parks the mutator while `wait` runs; afterwards it is as it was before, however `wait` ends. */
  parked<T>(wait: () => T): T {
    return this.#native.parked(this.#mutator, wait);
  }

  /** The same for all mutators of the thread. */
  allParked<T>(wait: () => T): T {
    return this.#native.allParked(this.#mutator, wait);
  }

  /** Requests a collection and waits for its end. */
  awaitCollection(kind: CollectionKind, reason: CollectionReason): void {
    this.awaitMemory(kind, reason, NONE);
  }

  /** Requests a collection and waits until its pages have to be built, or for its end. */
  awaitFlip(kind: CollectionKind, reason: CollectionReason): void {
    const [kindOf, reasonOf] = [kindNumber(kind), reasonNumber(reason)];
    while (this.#native.awaitFlip(this.#mutator, kindOf, reasonOf) === ALLOCATION.noControl) this.#keepControl();
  }

  /** Requests a collection and waits in the queue for memory; returns the answer of native/node/allocation_binding.cc. */
  awaitMemory(kind: CollectionKind, reason: CollectionReason, need: MemoryNeed): number | Refusal | undefined {
    const { words, shape, count, stays } = need;
    const [kindOf, reasonOf] = [kindNumber(kind), reasonNumber(reason)];
    for (let again = need.again; ; again = true) {
      const answer = this.#native.awaitMemory(this.#mutator, kindOf, reasonOf, again, words, shape, count, stays);
      if (answer !== ALLOCATION.noControl) return answer;
      this.#keepControl();
    }
  }

  #keepControl(): void {
    this.#host.keepControlWaiting();
    this.allParked(() => sleep(REST_MS));
  }
}
