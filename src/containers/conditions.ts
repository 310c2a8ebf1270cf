/**
 * Conditions: releasing a lock, waiting until another thread announces a change, and taking the lock again; by raw access.
 *
 * A condition is a number that grows with each notification. A waiting thread has read it with the lock held, so it never misses a
 * notification by a thread that has the lock. A notification always goes to all waiters: one that went to a single thread would be lost if
 * that thread is being terminated. So wait in a loop that tests the condition:
 *
 *     while (!ready()) conditions.wait(condition, lock);
 */
import { HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import type { HeapLocks } from './locks.ts';
import { checkTimeout, deadlineOf, type ParkingLot, type Ticket } from './parking-lot.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';

export const CONDITION = { name: 'faultline.condition', fields: { sequence: 'u32', waiting: 'u32' } } as const satisfies ShapeDefinition;

/** Operations on conditions by raw reference; one for each mutator. */
export class HeapConditions {
  readonly #mutator: Mutator;
  readonly #locks: HeapLocks;
  readonly #lot: ParkingLot;
  readonly #shape: Shape<typeof CONDITION>;
  readonly #sequence: number;
  readonly #waiting: number;

  /** @internal Use heap.containers.conditions. */
  constructor(mutator: Mutator, shapes: ShapeTable, locks: HeapLocks, lot: ParkingLot) {
    this.#mutator = mutator;
    this.#locks = locks;
    this.#lot = lot;
    this.#shape = shapes.define(CONDITION);
    this.#sequence = this.#shape.offsets.sequence;
    this.#waiting = this.#shape.offsets.waiting;
  }

  /** A new condition. A safepoint; throws what `mutator.allocate` throws. */
  allocate(): Ref {
    return this.#mutator.allocate(this.#shape);
  }

  /**
   * Releases the lock, waits for a notification, parked, up to `timeoutMs`, and takes the lock again, however long that takes. Returns
   * whether there was a notification. A safepoint. Throws ERR_LOCK_NOT_OWNED.
   */
  wait(condition: Ref, lock: Ref, timeoutMs = Infinity): boolean {
    this.#expectCondition(condition);
    checkTimeout(timeoutMs);
    this.#locks.expectOwned(lock);
    const deadline = deadlineOf(timeoutMs);
    const mutator = this.#mutator;
    const { u32 } = mutator;
    const notified = mutator.operation(() => {
      const [held, heldLock] = [mutator.temporary(condition), mutator.temporary(lock)];
      const sequence = Atomics.load(u32, slotOf(condition, this.#sequence));
      this.#locks.unlock(lock);
      try {
        const notified = this.#lot.await(
          held,
          deadline,
          (at) => Atomics.store(u32, slotOf(at, this.#waiting), 1),
          (at) => (Atomics.load(u32, slotOf(at, this.#sequence)) === sequence ? undefined : true),
        );
        return notified ?? false;
      } finally {
        this.#locks.acquireAt(heldLock, Infinity);
      }
    });
    mutator.passed();
    return notified;
  }

  /** Wakes all waiting threads; they continue one after the other, as they get the lock. Not a safepoint. Some 20 ns if no thread waits. */
  notifyAll(condition: Ref): void {
    this.#expectCondition(condition);
    Atomics.add(this.#mutator.u32, slotOf(condition, this.#sequence), 1);
    this.#lot.wakeAnnounced(condition, this.#waiting);
  }

  /** @internal A number that grows with each notification. */
  sequence(condition: Ref): number {
    this.#expectCondition(condition);
    return Atomics.load(this.#mutator.u32, slotOf(condition, this.#sequence));
  }

  /** @internal For a thread that waits without blocking: announces that it waits, before it looks once more. */
  announce(condition: Ref): Ticket {
    const ticket = this.#lot.ticket(condition);
    Atomics.store(this.#mutator.u32, slotOf(condition, this.#waiting), 1);
    return ticket;
  }

  #expectCondition(condition: Ref): void {
    this.#mutator.admit(condition, 'heap.containers.conditions');
    if (shapeIdOf(this.#mutator.u32, condition) !== this.#shape.id)
      throw new HeapError('ERR_WRONG_SHAPE', 'a condition of the heap is needed.');
  }
}
