/**
 * Locks: mutual exclusion for what a program does with objects of the heap, by raw access. The owner is a mutator. A mutator that waits
 * for a lock is parked, so no collection waits for it.
 *
 * A lock outlives its owner's thread: when that thread ends, is terminated or detaches, the next thread takes the lock over, within 20 ms
 * if it was asleep. Then nothing is known about the data that the lock protects, except that every single store has happened or not: the
 * lock is `abandoned` until a thread that holds it declares the data repaired.
 *
 * Not fair: a newcomer may get the lock before threads that have waited. Not recursive.
 */
import { HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { LockWords } from './lock-words.ts';
import { checkTimeout, deadlineOf, type Ticket } from './parking-lot.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';

export const LOCK = { name: 'faultline.lock', fields: { word: 'u32', abandoned: 'u32' } } as const satisfies ShapeDefinition;

/** Operations on locks by raw reference; one for each mutator. */
export class HeapLocks {
  readonly #mutator: Mutator;
  readonly #words: LockWords;
  readonly #shape: Shape<typeof LOCK>;
  readonly #word: number;
  readonly #abandoned: number;

  /** @internal Use heap.containers.locks. */
  constructor(mutator: Mutator, shapes: ShapeTable, words: LockWords) {
    this.#mutator = mutator;
    this.#words = words;
    this.#shape = shapes.define(LOCK);
    this.#word = this.#shape.offsets.word;
    this.#abandoned = this.#shape.offsets.abandoned;
  }

  /** A new lock, free. A safepoint; throws what `mutator.allocate` throws. */
  allocate(): Ref {
    return this.#mutator.allocate(this.#shape);
  }

  /**
   * Takes the lock, waiting for it, parked, up to `timeoutMs` (0: not at all). Returns whether this mutator has it. Some 50 ns if it is
   * free. A safepoint. Throws ERR_LOCK_OWNED if this mutator has it already.
   */
  lock(lock: Ref, timeoutMs = Infinity): boolean {
    this.#expectLock(lock);
    // The safepoint comes before the lock is taken: a thread that is interrupted there does not hold it.
    return this.#take(this.#mutator.passedWith(lock, true), timeoutMs);
  }

  #take(lock: Ref, timeoutMs: number): boolean {
    checkTimeout(timeoutMs);
    if (this.#words.try(lock, this.#word)) return true;
    if (this.isOwned(lock)) {
      throw new HeapError('ERR_LOCK_OWNED', 'this mutator has the lock already; a lock of the heap cannot be taken twice.');
    }
    return this.#mutator.operation(() => this.acquireAt(this.#mutator.temporary(lock), deadlineOf(timeoutMs)));
  }

  /** Releases the lock and wakes a thread that waits for it. Not a safepoint. Throws ERR_LOCK_NOT_OWNED unless this mutator has it. */
  unlock(lock: Ref): void {
    this.expectOwned(lock);
    this.#words.release(lock, this.#word);
  }

  /** Whether this mutator has the lock. */
  isOwned(lock: Ref): boolean {
    this.#expectLock(lock);
    return this.#words.isOwner(lock, this.#word);
  }

  /** Whether the lock was taken over from a mutator that has ended, and the data have not been declared repaired since. */
  isAbandoned(lock: Ref): boolean {
    this.#expectLock(lock);
    return Atomics.load(this.#mutator.u32, slotOf(lock, this.#abandoned)) !== 0;
  }

  /** Declares that what the lock protects is consistent again. Throws ERR_LOCK_NOT_OWNED. */
  declareRepaired(lock: Ref): void {
    this.expectOwned(lock);
    Atomics.store(this.#mutator.u32, slotOf(lock, this.#abandoned), 0);
  }

  /** @internal Takes the lock if it is free. Not a safepoint. */
  try(lock: Ref): boolean {
    this.#expectLock(lock);
    return this.#words.try(lock, this.#word);
  }

  /**
   * @internal For a thread that waits without blocking, also for a lock that another task of its own has: takes the lock if it is free or
   * abandoned, and otherwise marks it as waited for. Not a safepoint.
   */
  attempt(lock: Ref): boolean {
    this.#expectLock(lock);
    return this.#words.attempt(lock, this.#word, this.#abandoned);
  }

  /** @internal For {@link attempt}: to be taken before. */
  ticket(lock: Ref): Ticket {
    return this.#words.ticket(lock);
  }

  /** @internal Wakes a thread that waits for the lock which this mutator has just released. */
  wake(lock: Ref): void {
    this.#words.wake(lock);
  }

  /** @internal What is needed to release a lock, for code that cannot call a function; see {@link HeapLock.run}. */
  get means(): { readonly u32: Uint32Array; readonly control: Uint32Array; readonly id: number; readonly word: number } {
    const { u32, id, allocationBuffer } = this.#mutator;
    return { u32, control: allocationBuffer.control, id, word: this.#word };
  }

  /** @internal */
  acquireAt(lock: ReferenceHandle, deadline: number): boolean {
    return this.#words.acquire(lock, this.#word, this.#abandoned, deadline);
  }

  /** @internal */
  expectOwned(lock: Ref): void {
    if (this.isOwned(lock)) return;
    throw new HeapError('ERR_LOCK_NOT_OWNED', 'this mutator does not have the lock; take it first.');
  }

  #expectLock(lock: Ref): void {
    this.#mutator.admit(lock, 'heap.containers.locks');
    if (shapeIdOf(this.#mutator.u32, lock) !== this.#shape.id) throw new HeapError('ERR_WRONG_SHAPE', 'a lock of the heap is needed.');
  }
}
