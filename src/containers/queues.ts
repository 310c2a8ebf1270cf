/**
 * Queues: first in, first out, between threads, by raw access. Michael & Scott's queue ("Simple, fast, and practical non-blocking and
 * blocking concurrent queue algorithms", PODC 1996): no lock, each change is a compare-and-swap, and if a thread ends in the middle, the
 * others finish its operation. The algorithm's ABA problem does not occur here: no memory is reused between two safepoints of a thread.
 *
 *     queue ──head──▶ dummy ──▶ first ──▶ … ──▶ last ◀──tail── queue        tail may be behind, but never behind the head
 *
 * Nodes are numbered consecutively, so head and last give the length, and a queue with a capacity needs no counter.
 *
 *   operation           takes effect at
 *   enqueue             the compare-and-swap that links the node; of a full queue: the load of the head
 *   dequeue             the compare-and-swap of the head; of an empty queue: the load that found no node after the dummy
 *   close               the compare-and-swap that links the last node; of a closed queue: the load that found it
 *   length              the load that found no node after the last one, if the head is the same before and after
 *
 * A queue is closed by a last node that leads to itself, so that none can be linked behind it: closing has its moment among those of the
 * elements, and no element comes after it. That node has the number of the one before it, and holds nothing.
 *
 * Threads that wait for an element or for room sleep in the parking lot (parking-lot.ts). Several elements at once: queue-batches.ts.
 */
import { argumentRangeError } from '../errors.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import { holdValue } from './arrays.ts';
import { VALUE_KINDS, type ValueKind, expectKind, type RawValue } from './kinds.ts';
import { checkTimeout, deadlineOf, type ParkingLot, type Ticket } from './parking-lot.ts';
import { closed, type QueueNodes } from './queue-nodes.ts';
import { slotOf } from '../heap/object.ts';

const MAX_CAPACITY = 2 ** 31;

const asItIs = (value: RawValue): RawValue => value;
const nothing = (): void => {};
/** What a wait has come to. */
const ENDED = Symbol('ended');

/** Operations on queues by raw reference; one for each mutator. */
export class HeapQueues {
  readonly #mutator: Mutator;
  readonly #nodes: QueueNodes;
  readonly #lot: ParkingLot;
  /** Slots of the queue's fields. */
  readonly #at: QueueNodes['at'];

  /** @internal Use heap.containers.queues. */
  constructor(mutator: Mutator, nodes: QueueNodes, lot: ParkingLot) {
    this.#mutator = mutator;
    this.#nodes = nodes;
    this.#lot = lot;
    this.#at = nodes.at;
  }

  /**
   * A new, empty queue, for `capacity` elements (1 to 2^31), or for any number (Infinity). A safepoint; throws what `mutator.allocate`
   * throws.
   */
  allocate(kind: ValueKind, capacity = Infinity): Ref {
    expectKind(kind, VALUE_KINDS, 'kind of a queue');
    if (capacity !== Infinity && (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY)) {
      throw argumentRangeError('capacity of a queue', `an integer from 1 to ${MAX_CAPACITY}, or Infinity`, capacity);
    }
    const mutator = this.#mutator;
    const layout = this.#nodes.for(kind);
    return mutator.operation(() => {
      const dummy = mutator.temporary(mutator.allocate(layout.node));
      const queue = mutator.allocate(layout.queue);
      mutator.u32[slotOf(queue, this.#at.head)] = mutator.u32[slotOf(queue, this.#at.tail)] = mutator.get(dummy);
      mutator.u32[slotOf(queue, this.#at.capacity)] = capacity === Infinity ? 0 : capacity;
      return queue;
    });
  }

  /**
   * Appends; false when the queue is full. Some 300 ns. A safepoint. If it throws what `mutator.allocate` throws, nothing was appended.
   */
  enqueue(queue: Ref, value: RawValue): boolean {
    const { place } = this.#nodes.layoutAt(queue);
    place.check(value, 'element of the queue');
    const full = this.#isFull(queue);
    if (full && this.isClosed(queue)) throw closed();
    const appended = !full && this.#enqueue(queue, value, 0);
    this.#mutator.passed();
    return appended;
  }

  /** The same, but waits for room, parked, up to `timeoutMs`; false if there was no room in that time. A safepoint. */
  enqueueWait(queue: Ref, value: RawValue, timeoutMs = Infinity): boolean {
    const { place } = this.#nodes.layoutAt(queue);
    place.check(value, 'element of the queue');
    checkTimeout(timeoutMs);
    const appended = this.#enqueue(queue, value, timeoutMs);
    this.#mutator.passed();
    return appended;
  }

  /** Removes and returns the first element; undefined when there is none. Some 100 ns. Not a safepoint. */
  dequeue(queue: Ref): RawValue | undefined {
    return this.#take(queue, asItIs, nothing);
  }

  /** @internal The same, but `read` converts the value first: if it throws, nothing has been taken. `read` is no safepoint. */
  dequeueRead<T>(queue: Ref, read: (value: RawValue) => T, undo: (made: T) => void): T | undefined {
    return this.#take(queue, read, undo);
  }

  #take<T>(queue: Ref, read: (value: RawValue) => T, undo: (made: T) => void): T | undefined {
    const { u32 } = this.#mutator;
    const layout = this.#nodes.layoutAt(queue);
    for (;;) {
      const head = Atomics.load(u32, slotOf(queue, this.#at.head));
      const tail = Atomics.load(u32, slotOf(queue, this.#at.tail));
      const first = this.#nodes.nextOf(layout, head);
      if (first === 0) return undefined;
      // The tail must never fall behind the head.
      if (head === tail) this.#mutator.compareExchangeReference(slotOf(queue, this.#at.tail), tail, first);
      const value = layout.place.load(first, layout.value);
      // A node's value is not cleared before the head leads to the node.
      if (Atomics.load(u32, slotOf(queue, this.#at.head)) !== head) continue;
      const made = read(value);
      if (this.#mutator.compareExchangeReference(slotOf(queue, this.#at.head), head, first)) {
        try {
          layout.place.clear(first, layout.value);
          this.#lot.wakeAnnounced(queue, this.#at.producersWait);
        } catch {
          // The stack is full. The element must be returned all the same; its slot keeps the object alive for now, and waiters check again
          // by themselves.
        }
        return made;
      }
      undo(made);
    }
  }

  /** The same, but waits for an element, parked, up to `timeoutMs`; undefined if none came. A safepoint. */
  dequeueWait(queue: Ref, timeoutMs = Infinity): RawValue | undefined {
    this.#nodes.layoutAt(queue);
    checkTimeout(timeoutMs);
    // The safepoint comes first: a thread that is interrupted there has taken nothing.
    return this.dequeueReadWait(this.#mutator.passedWith(queue, true), timeoutMs, asItIs, nothing);
  }

  /** @internal {@link dequeueRead}, but waits. */
  dequeueReadWait<T>(queue: Ref, timeoutMs: number, read: (value: RawValue) => T, undo: (made: T) => void): T | undefined {
    checkTimeout(timeoutMs);
    const mutator = this.#mutator;
    const made = this.#take(queue, read, undo);
    if (made !== undefined || timeoutMs === 0) return made;
    const answer = mutator.operation(() =>
      this.#lot.await<T | typeof ENDED>(
        mutator.temporary(queue),
        deadlineOf(timeoutMs),
        (at) => Atomics.store(mutator.u32, slotOf(at, this.#at.consumersWait), 1),
        (at) => this.#take(at, read, undo) ?? (this.#nodes.isEnded(at) ? ENDED : undefined),
      ),
    );
    return answer === ENDED ? undefined : answer;
  }

  /**
   * Closes the queue: nothing more can be appended, what is in it can be taken out, and nobody waits any longer. Closing twice does
   * nothing. A safepoint; throws what `mutator.allocate` throws, and the queue is open then.
   */
  close(queue: Ref): void {
    const mutator = this.#mutator;
    const { node } = this.#nodes.layoutAt(queue);
    mutator.operation(() => {
      const held = mutator.temporary(queue);
      const last = mutator.temporary(mutator.allocate(node));
      this.#linkLast(mutator.get(held), mutator.get(last));
    });
    mutator.passed();
  }

  #linkLast(queue: Ref, last: Ref): void {
    const mutator = this.#mutator;
    const { u32 } = mutator;
    const layout = this.#nodes.layoutAt(queue);
    mutator.setReference(slotOf(last, layout.next), last);
    for (;;) {
      const tail = Atomics.load(u32, slotOf(queue, this.#at.tail));
      const next = this.#nodes.linkOf(layout, tail);
      if (next === tail) return;
      if (next !== 0) {
        mutator.compareExchangeReference(slotOf(queue, this.#at.tail), tail, next);
        continue;
      }
      u32[slotOf(last, layout.number)] = u32[slotOf(tail, layout.number)]!;
      if (!mutator.compareExchangeReference(slotOf(tail, layout.next), 0, last)) continue;
      mutator.compareExchangeReference(slotOf(queue, this.#at.tail), tail, last);
      this.#lot.wakeAnnounced(queue, this.#at.consumersWait);
      this.#lot.wakeAnnounced(queue, this.#at.producersWait);
      return;
    }
  }

  /** Whether the queue is closed; elements may still be in it. Not a safepoint; a few loads. */
  isClosed(queue: Ref): boolean {
    const layout = this.#nodes.layoutAt(queue);
    let last = Atomics.load(this.#mutator.u32, slotOf(queue, this.#at.tail));
    for (;;) {
      const next = this.#nodes.linkOf(layout, last);
      if (next === 0 || next === last) return next !== 0;
      last = next;
    }
  }

  /** @internal Whether the queue is closed and empty, which it stays. */
  isEnded(queue: Ref): boolean {
    return this.#nodes.isEnded(queue);
  }

  /**
   * @internal For a thread that waits without blocking: announces that it wants an element, or room; to be called before it looks once
   * more.
   */
  announce(queue: Ref, wants: 'element' | 'room'): Ticket {
    const ticket = this.#lot.ticket(queue);
    const flag = wants === 'element' ? this.#at.consumersWait : this.#at.producersWait;
    Atomics.store(this.#mutator.u32, slotOf(queue, flag), 1);
    return ticket;
  }

  /** The number of elements. Not a safepoint; a few loads. */
  length(queue: Ref): number {
    const { u32 } = this.#mutator;
    const layout = this.#nodes.layoutAt(queue);
    for (;;) {
      const head = Atomics.load(u32, slotOf(queue, this.#at.head));
      let last = Atomics.load(u32, slotOf(queue, this.#at.tail));
      for (let next = this.#nodes.nextOf(layout, last); next !== 0; next = this.#nodes.nextOf(layout, last)) last = next;
      if (Atomics.load(u32, slotOf(queue, this.#at.head)) === head) return this.#nodes.between(layout, head, last);
    }
  }

  /** How many elements the queue can hold; Infinity if there is no limit. */
  capacity(queue: Ref): number {
    this.#nodes.layoutAt(queue);
    return this.#mutator.u32[slotOf(queue, this.#at.capacity)]! || Infinity;
  }

  /**
   * The elements, first to last: all that are in the queue during the whole call, and none that was taken before it. A few ns for each,
   * without a safepoint.
   */
  values(queue: Ref): RawValue[] {
    const { u32 } = this.#mutator;
    const layout = this.#nodes.layoutAt(queue);
    const values: RawValue[] = [];
    const head = Atomics.load(u32, slotOf(queue, this.#at.head));
    for (let node = this.#nodes.nextOf(layout, head); node !== 0; node = this.#nodes.nextOf(layout, node)) {
      values.push(layout.place.load(node, layout.value));
    }
    // Drop the elements that were taken meanwhile: they may have been read after they were cleared.
    const taken = this.#nodes.between(layout, head, Atomics.load(u32, slotOf(queue, this.#at.head)));
    return values.slice(taken);
  }

  /** @internal The kind of the elements of a queue of that shape. */
  kindOf(shape: Shape): ValueKind {
    return this.#nodes.of(shape).place.kind;
  }

  #enqueue(queue: Ref, value: RawValue, timeoutMs: number): boolean {
    const mutator = this.#mutator;
    const { node, place, value: offset } = this.#nodes.layoutAt(queue);
    return mutator.operation(() => {
      const held = mutator.temporary(queue);
      const current = holdValue(mutator, place, value);
      const made = mutator.temporary(mutator.allocate(node));
      place.store(mutator.get(made), offset, current());
      if (this.#link(mutator.get(held), made)) return true;
      if (timeoutMs === 0) return false;
      const linked = this.#lot.await(
        held,
        deadlineOf(timeoutMs),
        (at) => Atomics.store(mutator.u32, slotOf(at, this.#at.producersWait), 1),
        (at) => (this.#link(at, made) ? true : undefined),
      );
      return linked ?? false;
    });
  }

  /** Appends the node; false when the queue is full. Not a safepoint. */
  #link(queue: Ref, made: ReferenceHandle): boolean {
    const mutator = this.#mutator;
    const { u32 } = mutator;
    const layout = this.#nodes.layoutAt(queue);
    const capacity = u32[slotOf(queue, this.#at.capacity)]!;
    for (;;) {
      const tail = Atomics.load(u32, slotOf(queue, this.#at.tail));
      const head = Atomics.load(u32, slotOf(queue, this.#at.head));
      const next = this.#nodes.linkOf(layout, tail);
      if (next === tail) throw closed();
      if (next !== 0) {
        mutator.compareExchangeReference(slotOf(queue, this.#at.tail), tail, next);
        continue;
      }
      // The tail was the last node when the head was read, so this was the length.
      if (capacity !== 0 && this.#nodes.between(layout, head, tail) >= capacity) return false;
      const node = mutator.get(made);
      u32[slotOf(node, layout.number)] = u32[slotOf(tail, layout.number)]! + 1;
      if (!mutator.compareExchangeReference(slotOf(tail, layout.next), 0, node)) continue;
      mutator.compareExchangeReference(slotOf(queue, this.#at.tail), tail, node);
      this.#lot.wakeAnnounced(queue, this.#at.consumersWait);
      return true;
    }
  }

  #isFull(queue: Ref): boolean {
    const capacity = this.#mutator.u32[slotOf(queue, this.#at.capacity)]!;
    return capacity !== 0 && this.length(queue) >= capacity;
  }
}
