/**
 * Queue batches: several elements into a queue, or out of it, at one moment.
 *
 *   operation           takes effect at
 *   append              the compare-and-swap that links the first node; the others follow it already. If there is no room: the load of
 *                       the head
 *   take                the compare-and-swap of the head, to the last node that was taken. If there is no element: the load that found none
 *
 * How many was decided a moment before: room that other threads have made since, or elements that they have appended, may be left.
 */
import type { Mutator } from '../heap/mutator.ts';
import { slotOf } from '../heap/object.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { RawValue } from './kinds.ts';
import { deadlineOf, type ParkingLot } from './parking-lot.ts';
import { closed, type QueueLayout, type QueueNodes } from './queue-nodes.ts';

/** @internal One for each mutator. */
export class QueueBatches {
  readonly #mutator: Mutator;
  readonly #nodes: QueueNodes;
  readonly #lot: ParkingLot;

  constructor(mutator: Mutator, nodes: QueueNodes, lot: ParkingLot) {
    this.#mutator = mutator;
    this.#nodes = nodes;
    this.#lot = lot;
  }

  /**
   * Appends as many of `count` values as there is room for, and returns how many. `valueAt` gives each as a raw value of the queue's kind;
   * it may be a safepoint. If it throws, or `mutator.allocate` does, nothing was appended. A safepoint.
   */
  append(queue: Ref, count: number, valueAt: (index: number) => RawValue): number {
    const mutator = this.#mutator;
    const layout = this.#nodes.layoutAt(queue);
    const appended = mutator.operation(() => {
      const [held, first, last, made] = [mutator.temporary(queue), mutator.temporary(0), mutator.temporary(0), mutator.temporary(0)];
      for (let i = 0; i < count; i++) {
        mutator.set(made, mutator.allocate(layout.node));
        const value = valueAt(i);
        const node = mutator.get(made);
        layout.place.store(node, layout.value, value);
        if (i === 0) mutator.set(first, node);
        else mutator.setReference(slotOf(mutator.get(last), layout.next), node);
        mutator.set(last, node);
      }
      return count === 0 ? 0 : this.#link(layout, mutator.get(held), first, count);
    });
    mutator.passed();
    return appended;
  }

  /** Not a safepoint. */
  #link(layout: QueueLayout, queue: Ref, chain: ReferenceHandle, count: number): number {
    const mutator = this.#mutator;
    const { u32 } = mutator;
    const { at } = this.#nodes;
    const capacity = u32[slotOf(queue, at.capacity)]! || Infinity;
    const first = mutator.get(chain);
    for (;;) {
      const tail = Atomics.load(u32, slotOf(queue, at.tail));
      const head = Atomics.load(u32, slotOf(queue, at.head));
      const next = this.#nodes.linkOf(layout, tail);
      if (next === tail) throw closed();
      if (next !== 0) {
        mutator.compareExchangeReference(slotOf(queue, at.tail), tail, next);
        continue;
      }
      // The tail was the last node when the head was read, so this was the length.
      const room = Math.min(count, capacity - this.#nodes.between(layout, head, tail));
      if (room <= 0) return 0;
      let number = u32[slotOf(tail, layout.number)]!;
      let last = first;
      u32[slotOf(last, layout.number)] = ++number;
      for (let i = 1; i < room; i++) {
        last = this.#nodes.linkOf(layout, last);
        u32[slotOf(last, layout.number)] = ++number;
      }
      // Nobody else sees the chain yet: it is cut where there is no more room, and mended if another thread comes first.
      const rest = this.#nodes.linkOf(layout, last);
      if (rest !== 0) mutator.setReference(slotOf(last, layout.next), 0);
      if (mutator.compareExchangeReference(slotOf(tail, layout.next), 0, first)) {
        mutator.compareExchangeReference(slotOf(queue, at.tail), tail, last);
        this.#lot.wakeAnnounced(queue, at.consumersWait);
        return room;
      }
      if (rest !== 0) mutator.setReference(slotOf(last, layout.next), rest);
    }
  }

  /**
   * Removes and returns up to `most` elements. `read` converts each before they are taken out: if it throws, nothing has been taken; `undo`
   * takes a conversion back. Not a safepoint, nor may `read` be one.
   */
  take<T>(queue: Ref, most: number, read: (value: RawValue) => T, undo: (made: T) => void): T[] {
    const mutator = this.#mutator;
    const { u32 } = mutator;
    const { at } = this.#nodes;
    const layout = this.#nodes.layoutAt(queue);
    for (;;) {
      const head = Atomics.load(u32, slotOf(queue, at.head));
      const nodes = this.#first(layout, queue, head, most);
      if (nodes.length === 0) return [];
      const values = nodes.map((node) => layout.place.load(node, layout.value));
      // A node's value is not cleared before the head leads to the node or past it.
      if (Atomics.load(u32, slotOf(queue, at.head)) !== head) continue;
      const made: T[] = [];
      try {
        for (const value of values) made.push(read(value));
      } catch (error) {
        for (const each of made) undo(each);
        throw error;
      }
      const last = nodes.at(-1)!;
      if (mutator.compareExchangeReference(slotOf(queue, at.head), head, last)) {
        try {
          layout.place.clear(last, layout.value);
          this.#lot.wakeAnnounced(queue, at.producersWait);
        } catch {
          // As in `dequeue`: what was taken must be returned all the same.
        }
        return made;
      }
      for (const each of made) undo(each);
    }
  }

  /** The same, but waits until there is an element, parked, up to `timeoutMs`, or until the queue has ended. A safepoint. */
  takeWait<T>(queue: Ref, most: number, timeoutMs: number, read: (value: RawValue) => T, undo: (made: T) => void): T[] {
    const mutator = this.#mutator;
    const made = this.take(queue, most, read, undo);
    if (made.length > 0 || timeoutMs === 0) return made;
    const taken = mutator.operation(() =>
      this.#lot.await(
        mutator.temporary(queue),
        deadlineOf(timeoutMs),
        (ref) => Atomics.store(mutator.u32, slotOf(ref, this.#nodes.at.consumersWait), 1),
        (ref) => {
          const found = this.take(ref, most, read, undo);
          return found.length > 0 || this.#nodes.isEnded(ref) ? found : undefined;
        },
      ),
    );
    return taken ?? [];
  }

  /** The nodes of the first elements. */
  #first(layout: QueueLayout, queue: Ref, head: Ref, most: number): Ref[] {
    const mutator = this.#mutator;
    const tailSlot = slotOf(queue, this.#nodes.at.tail);
    const nodes: Ref[] = [];
    let tail = Atomics.load(mutator.u32, tailSlot);
    for (let node = head; nodes.length < most; ) {
      const next = this.#nodes.nextOf(layout, node);
      if (next === 0) break;
      // The tail must never fall behind the head. If another thread has moved it meanwhile, it is further on.
      if (node === tail) {
        mutator.compareExchangeReference(tailSlot, tail, next);
        tail = next;
      }
      nodes.push(next);
      node = next;
    }
    return nodes;
  }
}
