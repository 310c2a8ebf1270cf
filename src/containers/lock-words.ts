/**
 * Lock words: mutual exclusion by a u32 in an object, for the heap's locks. The word names its owner, so that a thread
 * which ends with the lock held does not stop the others: a waiting thread checks whether that mutator is still attached, and takes over.
 *
 *   word                  means
 *   0                     free
 *   id                    held by the mutator of that id
 *   id | 2^31             the same, and threads may be asleep because of it
 *
 *   transition            who                               how                     partner
 *   0 → id                a thread that wants it            CAS                     the release's exchange
 *   id → id | 2^31        a waiting thread                  CAS                     the release's exchange, which sees it and wakes
 *   any → 0               the owner                         exchange, then wake     CAS of the next owner
 *   id → own id | 2^31    a waiting thread, if id is gone   CAS; one succeeds       what a mutator wrote is visible once it is not listed
 *   0 → own id | 2^31     a thread that has slept, because  CAS                     the release's exchange
 *                         others may still sleep
 *
 * A mutator's id is never given out again. An id is gone when the mutator's thread has ended, was terminated, or has detached; a thread
 * that computes for ever with the lock held is none of these, and others wait for it.
 */
import type { Mutator } from '../heap/mutator.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { ParkingLot, Ticket } from './parking-lot.ts';
import { slotOf } from '../heap/object.ts';

/** @internal */
export const WAITED = 0x8000_0000;
/** A lock that is held briefly is free again after this many spins, unless its owner lost its CPU. */
const SPINS = 50;

/** @internal One mutator's operations on lock words. */
export class LockWords {
  readonly #mutator: Mutator;
  readonly #lot: ParkingLot;

  constructor(mutator: Mutator, lot: ParkingLot) {
    this.#mutator = mutator;
    this.#lot = lot;
  }

  /** Takes the lock if it is free. Two atomic operations with the release; not a safepoint. */
  try(ref: Ref, slot: number): boolean {
    return Atomics.compareExchange(this.#mutator.u32, slotOf(ref, slot), 0, this.#mutator.id) === 0;
  }

  /**
   * Waits for the lock of the object, parked, until `deadline`; false when that has passed. The slot `abandoned` is set to 1 when the lock
   * is taken over from a mutator that has ended. A safepoint.
   */
  acquire(object: ReferenceHandle, slot: number, abandoned: number, deadline: number): boolean {
    for (let spin = 0; spin < SPINS; spin++) if (this.try(this.#mutator.get(object), slot)) return true;
    const acquired = this.#lot.await(
      object,
      deadline,
      (ref) => this.#announce(ref, slot),
      (ref) => this.#attempt(ref, slot, abandoned),
    );
    return acquired ?? false;
  }

  isOwner(ref: Ref, slot: number): boolean {
    return (Atomics.load(this.#mutator.u32, slotOf(ref, slot)) & ~WAITED) === this.#mutator.id;
  }

  /** The caller is the owner. Not a safepoint. */
  release(ref: Ref, slot: number): void {
    if ((Atomics.exchange(this.#mutator.u32, slotOf(ref, slot), 0) & WAITED) !== 0) this.wake(ref);
  }

  /** If the owner is interrupted before this, the threads that are not woken check by themselves after a slice. */
  wake(ref: Ref): void {
    this.#lot.wake(ref);
  }

  /** For {@link attempt}: to be taken before. */
  ticket(ref: Ref): Ticket {
    return this.#lot.ticket(ref);
  }

  /**
   * Takes the lock if it is free or its owner has ended, and returns whether it did; if not, the lock is marked as waited for. One of the
   * steps of {@link acquire}, for a thread that waits in an event loop. Not a safepoint.
   */
  attempt(ref: Ref, slot: number, abandoned: number): boolean {
    return this.#attempt(ref, slot, abandoned) === true;
  }

  #announce(ref: Ref, slot: number): void {
    const { u32 } = this.#mutator;
    const word = Atomics.load(u32, slotOf(ref, slot));
    if (word !== 0 && (word & WAITED) === 0) Atomics.compareExchange(u32, slotOf(ref, slot), word, (word | WAITED) >>> 0);
  }

  #attempt(ref: Ref, slot: number, abandoned: number): true | undefined {
    const { u32, id } = this.#mutator;
    const at = slotOf(ref, slot);
    const abandonedAt = slotOf(ref, abandoned);
    const own = (id | WAITED) >>> 0;
    for (;;) {
      const word = Atomics.load(u32, at);
      if (word === 0) {
        if (Atomics.compareExchange(u32, at, 0, own) === 0) return true;
      } else if ((word & WAITED) === 0) {
        // Since the announcement another thread has become the owner, and would wake nobody.
        this.#announce(ref, slot);
      } else if (this.#mutator.isAttached(word & ~WAITED)) {
        return undefined;
      } else if (Atomics.compareExchange(u32, at, word, own) === word) {
        // A plain store and no call, so that the thread cannot be interrupted in between; the next owner sees it through the release.
        u32[abandonedAt] = 1;
        return true;
      }
    }
  }
}
