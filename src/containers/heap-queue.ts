/**
 * Views of queues.
 */
import { SHAPE } from '../objects/object-view.ts';
import { ContainerView } from './container-view.ts';
import type { ValueKind, ContainerValue } from './kinds.ts';

/**
 * A queue between threads, first in, first out, without a lock: any number of threads may put in and take out. Each operation happens
 * at one moment between call and return. Made by `heap.createQueue`; for the thread that has the view.
 */
export class HeapQueue<K extends ValueKind = ValueKind> extends ContainerView implements Iterable<ContainerValue<K>> {
  /** What the elements are. */
  get kind(): K {
    return this.operations.queues.kindOf(this[SHAPE]) as K;
  }

  /** Not a safepoint. */
  get length(): number {
    return this.operations.queues.length(this.at('length'));
  }

  /** How many elements the queue is for; Infinity when for any number. */
  get capacity(): number {
    return this.operations.queues.capacity(this.at('capacity'));
  }

  /**
   * Appends, at once or not at all: false when the queue is full. A safepoint. Throws TypeError ERR_OPTION for a value of another kind,
   * and what `mutator.allocate` throws; nothing was appended then.
   */
  enqueue(value: ContainerValue<K>): boolean {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the queue');
    return this.operations.queues.enqueue(this.at('enqueue'), stored);
  }

  /**
   * Appends, and waits for room, parked, up to `timeoutMs` (default: for ever); false when that was not enough. It blocks the thread:
   * no event loop turns. A safepoint. Throws like {@link enqueue}.
   */
  enqueueWait(value: ContainerValue<K>, timeoutMs = Infinity): boolean {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the queue');
    return this.operations.queues.enqueueWait(this.at('enqueueWait'), stored, timeoutMs);
  }

  /** Takes the first element away, if there is one; else undefined, at once. A safepoint. */
  dequeue(): ContainerValue<K> | undefined {
    const at = this.atSafepoint('dequeue');
    return this.operations.queues.dequeueRead(at, ...this.reader<ContainerValue<K>>(this.kind));
  }

  /**
   * The same, but waits for an element, parked, up to `timeoutMs` (default: for ever); undefined when none came. It blocks the thread. A
   * safepoint.
   */
  dequeueWait(timeoutMs = Infinity): ContainerValue<K> | undefined {
    const at = this.atSafepoint('dequeueWait');
    return this.operations.queues.dequeueReadWait(at, timeoutMs, ...this.reader<ContainerValue<K>>(this.kind));
  }

  /** A copy of what is in the queue, first to last, as it is for `heap.containers.queues.values`. Takes nothing out. A safepoint. */
  toArray(): ContainerValue<K>[] {
    const { kind } = this;
    return this.operations.queues.values(this.atSafepoint('toArray')).map((value) => this.loaded(kind, value) as ContainerValue<K>);
  }

  /** The elements of {@link toArray}, of the moment when the iteration begins. A safepoint. */
  *[Symbol.iterator](): Iterator<ContainerValue<K>> {
    yield* this.toArray();
  }
}
