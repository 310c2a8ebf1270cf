/**
 * Views of queues.
 */
import { SHAPE } from '../objects/object-view.ts';
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import { waitAsync, type WaitOptions } from './async-waits.ts';
import { ContainerView } from './container-view.ts';
import type { ContainerValue, Content, KindOf, PlainContent, RawValue } from './kinds.ts';
import { checkTimeout } from './parking-lot.ts';

/**
 * A queue between threads, first in, first out, without a lock: any number of threads may append and take. Each operation takes effect at
 * one moment between call and return. Made by `heap.createQueue`; for the thread that has the view. The type has the kind of the elements,
 * or the view of what they refer to.
 */
export class HeapQueue<K extends Content = Content> extends ContainerView implements Iterable<ContainerValue<K>> {
  /** The kind of the elements. */
  get kind(): KindOf<K> {
    return this.operations.queues.kindOf(this[SHAPE]) as KindOf<K>;
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

  /**
   * Closes the queue, for all threads: nothing more can be appended (ERR_QUEUE_CLOSED), what is in it can be taken out, and nobody waits
   * any longer. Closing twice does nothing. A safepoint; throws what `mutator.allocate` throws.
   */
  close(): void {
    this.operations.queues.close(this.atSafepoint('close'));
  }

  /** Whether the queue is closed; elements may still be in it. Not a safepoint. */
  get closed(): boolean {
    return this.operations.queues.isClosed(this.refFor('closed'));
  }

  /**
   * {@link dequeueWait} for a thread with an event loop, which goes on turning: resolves to the first element, or to undefined when none
   * came in time, or when the queue is closed and empty. If the signal aborts, rejects with its reason, and nothing was taken. A
   * safepoint.
   */
  async dequeueAsync(options: WaitOptions = {}): Promise<ContainerValue<K> | undefined> {
    return this.#wait('element', options, () => {
      const value = this.dequeue();
      if (value !== undefined) return { value };
      return this.#isEnded() ? { value: undefined } : undefined;
    });
  }

  /**
   * {@link enqueueWait} for a thread with an event loop, which goes on turning: resolves to whether there was room in time. If the signal
   * aborts, rejects with its reason, and nothing was appended. A safepoint. Rejects with what {@link enqueue} throws.
   */
  async enqueueAsync(value: ContainerValue<K>, options: WaitOptions = {}): Promise<boolean> {
    return (await this.#wait('room', options, () => (this.enqueue(value) ? { value: true } : undefined))) ?? false;
  }

  /**
   * Appends as many of the values as there is room for, in their order and at one moment, and returns how many; room that another thread
   * makes at that moment may be left. A safepoint. Throws like {@link enqueue}; then none was appended.
   */
  enqueueMany(values: Iterable<ContainerValue<K>>): number {
    if (typeof values !== 'object' || values === null) throw argumentTypeError('values', 'an array', values);
    const given = Array.from(values);
    const { kind } = this;
    const at = this.atSafepoint('enqueueMany');
    return this.operations.batches.append(at, given.length, (index) => this.stored(kind, given[index], 'element of the queue'));
  }

  /**
   * Removes and returns the first elements, up to `most`, at one moment and without waiting; none if there are none. Elements that another
   * thread appends at that moment may be left. A safepoint.
   */
  dequeueMany(most: number): ContainerValue<K>[] {
    const reading = this.#readMany(most);
    return this.operations.batches.take(this.atSafepoint('dequeueMany'), ...reading);
  }

  /**
   * The same, but waits until there is one, parked, up to `timeoutMs` (default: for ever); none if none came. It blocks the thread. A
   * safepoint.
   */
  dequeueManyWait(most: number, timeoutMs = Infinity): ContainerValue<K>[] {
    checkTimeout(timeoutMs);
    const [, ...reader] = this.#readMany(most);
    return this.operations.batches.takeWait(this.atSafepoint('dequeueManyWait'), most, timeoutMs, ...reader);
  }

  /** {@link dequeueManyWait} for a thread with an event loop; waits as {@link dequeueAsync} does. A safepoint. */
  async dequeueManyAsync(most: number, options: WaitOptions = {}): Promise<ContainerValue<K>[]> {
    const taken = await this.#wait('element', options, () => {
      const value = this.dequeueMany(most);
      return value.length > 0 || this.#isEnded() ? { value } : undefined;
    });
    return taken ?? [];
  }

  #isEnded(): boolean {
    return this.operations.queues.isEnded(this.refFor('a wait for the queue'));
  }

  /** The elements as they come, each taken out, until the queue is closed and empty. Ends nothing for other threads. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ContainerValue<K>> {
    for (;;) {
      const value = await this.dequeueAsync();
      if (value === undefined) return;
      yield value;
    }
  }

  async #wait<T>(wants: 'element' | 'room', options: WaitOptions, attempt: () => { value: T } | undefined): Promise<T | undefined> {
    const { queues, lot } = this.operations;
    return waitAsync(lot, options, { attempt, announce: () => queues.announce(this.refFor('a wait for the queue'), wants) });
  }

  #readMany(most: number): [most: number, ...reader: [(value: RawValue) => ContainerValue<K>, (made: ContainerValue<K>) => void]] {
    if (!(typeof most === 'number' && most >= 1)) throw argumentRangeError('most elements', 'a number of at least 1', most);
    return [most, ...this.reader<ContainerValue<K>>(this.kind)];
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
