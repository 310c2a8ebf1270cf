/**
 * Views of queues.
 */
import { SHAPE } from '../objects/object-view.ts';
import { ContainerView } from './container-view.ts';
import type { ValueKind, ContainerValue, PlainContent } from './kinds.ts';

/**
 * A queue between threads, first in, first out, without a lock: any number of threads may append and take. Each operation takes effect at
 * one moment between call and return. Made by `heap.createQueue`; for the thread that has the view.
 */
export class HeapQueue<K extends ValueKind = ValueKind> extends ContainerView implements Iterable<ContainerValue<K>> {
  /** The kind of the elements. */
  get kind(): K {
    return this.operations.queues.kindOf(this[SHAPE]) as K;
  }

  /** The number of elements. Not a safepoint. */
  get length(): number {
    return this.operations.queues.length(this.refFor('length'));
  }

  /** How many elements the queue can hold; Infinity if there is no limit. */
  get capacity(): number {
    return this.operations.queues.capacity(this.refFor('capacity'));
  }

  /**
   * Appends, without waiting: false when the queue is full. A safepoint. Throws TypeError ERR_OPTION for a value of another kind, and what
   * `mutator.allocate` throws; then nothing was appended.
   */
  enqueue(value: ContainerValue<K>): boolean {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the queue');
    return this.operations.queues.enqueue(this.refFor('enqueue'), stored);
  }

  /**
   * Appends, waiting for room, parked, up to `timeoutMs` (default: for ever); false if there was no room in that time. It blocks the thread
   * and its event loop. A safepoint. Throws like {@link enqueue}.
   */
  enqueueWait(value: ContainerValue<K>, timeoutMs = Infinity): boolean {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the queue');
    return this.operations.queues.enqueueWait(this.refFor('enqueueWait'), stored, timeoutMs);
  }

  /** Removes and returns the first element, without waiting; undefined when there is none. A safepoint. */
  dequeue(): ContainerValue<K> | undefined {
    const at = this.atSafepoint('dequeue');
    return this.operations.queues.dequeueRead(at, ...this.reader<ContainerValue<K>>(this.kind));
  }

  /**
   * The same, but waits for an element, parked, up to `timeoutMs` (default: for ever); undefined if none came. It blocks the thread. A
   * safepoint.
   */
  dequeueWait(timeoutMs = Infinity): ContainerValue<K> | undefined {
    const at = this.atSafepoint('dequeueWait');
    return this.operations.queues.dequeueReadWait(at, timeoutMs, ...this.reader<ContainerValue<K>>(this.kind));
  }

  /** A copy of the elements, first to last, like `heap.containers.queues.values`. Takes nothing out. A safepoint. */
  toArray(): ContainerValue<K>[] {
    const { kind } = this;
    return this.operations.queues.values(this.atSafepoint('toArray')).map((value) => this.loaded(kind, value) as ContainerValue<K>);
  }

  /** The same as plain values; of references, what their own `toObject` gives. Not a safepoint. */
  override toObject(): PlainContent<K>[] {
    return super.toObject() as PlainContent<K>[];
  }

  /** The elements of {@link toArray} when the iteration begins. A safepoint. */
  *[Symbol.iterator](): Iterator<ContainerValue<K>> {
    yield* this.toArray();
  }
}
