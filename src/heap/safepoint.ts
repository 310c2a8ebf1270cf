/**
 * Safepoint: where a mutator stops, steps aside and waits. The mutator's own poll is one load; everything behind it is here.
 *
 * A wait is one native call, in which the whole thread is parked, so that it holds up no collection of any heap; and which the end of the
 * thread or of the script cuts short, with the mutator running again.
 */
import { ALLOCATION, type Binding, type NativeMutator, type Refusal } from '../binding.ts';
import { type CollectionKind, type CollectionReason, kindNumber, reasonNumber } from '../gc/requests.ts';

/** @internal What a wait needs of the heap. */
export interface CollectionHost {
  readonly native: Binding;
  /** Called again and again by a waiting thread while there is no control thread: sees to it that there will be one. */
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
  readonly large: boolean;
  readonly again: boolean;
}

/** Between two looks whether there is a control thread by now. */
const REST_MS = 10;
/** Slept on with a time limit only; no thread ever notifies it. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** @internal Blocks the thread, which is to be parked, for so long. */
export function sleep(milliseconds: number): void {
  Atomics.wait(NEVER, 0, 0, milliseconds);
}

const NONE: MemoryNeed = { words: 0, shape: 0, count: 0, large: false, again: false };

/** @internal That of one mutator. */
export class Safepoint {
  readonly #host: CollectionHost;
  readonly #native: Binding;
  readonly #mutator: NativeMutator;

  constructor(host: CollectionHost, mutator: NativeMutator) {
    this.#host = host;
    this.#native = host.native;
    this.#mutator = mutator;
  }

  /** Stops while a pause lasts, of whichever of the thread's heaps. */
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

  /** The mutator is parked while `wait` runs, and as it was before afterwards, however that ends. */
  parked<T>(wait: () => T): T {
    return this.#native.parked(this.#mutator, wait);
  }

  /** The same for all mutators of the thread. */
  allParked<T>(wait: () => T): T {
    return this.#native.allParked(this.#mutator, wait);
  }

  /** Asks for a collection and waits for its end. */
  awaitCollection(kind: CollectionKind, reason: CollectionReason): void {
    this.awaitMemory(kind, reason, NONE);
  }

  /** Asks for a collection and waits until its pages have to be built, or for its end. */
  awaitFlip(kind: CollectionKind, reason: CollectionReason): void {
    const [kindOf, reasonOf] = [kindNumber(kind), reasonNumber(reason)];
    while (this.#native.awaitFlip(this.#mutator, kindOf, reasonOf) === ALLOCATION.noControl) this.#keepControl();
  }

  /** Asks for a collection and waits in the queue for memory; what native/node/allocation_binding.cc answers. */
  awaitMemory(kind: CollectionKind, reason: CollectionReason, need: MemoryNeed): number | Refusal | undefined {
    const { words, shape, count, large } = need;
    const [kindOf, reasonOf] = [kindNumber(kind), reasonNumber(reason)];
    for (let again = need.again; ; again = true) {
      const answer = this.#native.awaitMemory(this.#mutator, kindOf, reasonOf, again, words, shape, count, large);
      if (answer !== ALLOCATION.noControl) return answer;
      this.#keepControl();
    }
  }

  #keepControl(): void {
    this.#host.keepControlWaiting();
    this.allParked(() => sleep(REST_MS));
  }
}
