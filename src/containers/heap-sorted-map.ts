/**
 * Views of sorted maps.
 */
import { argumentTypeError, optionsOf } from '../errors.ts';
import { expectBody } from '../objects/namesakes.ts';
import { SHAPE } from '../objects/object-view.ts';
import { ContainerView } from './container-view.ts';
import type { ContainerValue, Content, KeyValue, KindOf, PlainContent } from './kinds.ts';
import type { Bounds, SortedKey, SortedKeyKind } from './sorted-maps.ts';

/** Which part of a sorted map: keys from `from` on and below `to`; all of them, if neither is given. */
export interface SortedRange<K extends SortedKeyKind = SortedKeyKind> {
  /** The first key, if it is there. */
  readonly from?: KeyValue<K>;
  /** The key before which the range ends. */
  readonly to?: KeyValue<K>;
  /** From the last to the first. Default: false. */
  readonly reverse?: boolean;
}

/** Entries of a step of an iteration. */
const STEP = 16;
const ALL: Bounds = { from: undefined, to: undefined, reverse: false };

/**
 * A map whose entries are in the order of their keys, texts by their code units and numbers by their value, and which several threads share
 * without a lock. Each operation takes effect at one moment between call and return; iteration is many operations. Made by
 * `heap.createSortedMap`; for the thread that has the view. Its type is as that of a map.
 */
export class HeapSortedMap<K extends SortedKeyKind = SortedKeyKind, V extends Content = Content>
  extends ContainerView
  implements Iterable<[KeyValue<K>, ContainerValue<V>]>
{
  /** The kind of the keys. */
  get keyKind(): K {
    return this.operations.sortedMaps.kindsOf(this[SHAPE]).key as K;
  }

  /** The kind of the values. */
  get valueKind(): KindOf<V> {
    return this.operations.sortedMaps.kindsOf(this[SHAPE]).value as KindOf<V>;
  }

  /** The number of entries. Not a safepoint. */
  get size(): number {
    return this.operations.sortedMaps.size(this.refFor('size'));
  }

  /** The value; undefined when there is no entry. Not a safepoint. Throws TypeError ERR_OPTION for a key of another kind. */
  get(key: KeyValue<K>): ContainerValue<V> | undefined {
    const at = this.refFor('get');
    const value = this.operations.sortedMaps.get(at, this.#key(key));
    return value === undefined ? undefined : (this.loaded(this.valueKind, value) as ContainerValue<V>);
  }

  /** Whether there is an entry. Not a safepoint. Throws like {@link get}. */
  has(key: KeyValue<K>): boolean {
    return this.operations.sortedMaps.has(this.refFor('has'), this.#key(key));
  }

  /** Makes or replaces an entry. A safepoint. Throws like {@link get}, and what `mutator.allocate` throws; then nothing has changed. */
  set(key: KeyValue<K>, value: ContainerValue<V>): this {
    this.operations.poll();
    const stored = this.stored(this.valueKind, value, 'value of the map');
    this.operations.sortedMaps.set(this.refFor('set'), this.#key(key), stored);
    return this;
  }

  /** Makes an entry if there is none, and returns whether it did. A safepoint. Throws like {@link set}. */
  setIfAbsent(key: KeyValue<K>, value: ContainerValue<V>): boolean {
    this.operations.poll();
    const stored = this.stored(this.valueKind, value, 'value of the map');
    return this.operations.sortedMaps.setIfAbsent(this.refFor('setIfAbsent'), this.#key(key), stored);
  }

  /**
   * Makes `value` the value of `key` if that has the value `expected`, and returns whether it had; undefined stands for no entry, as
   * `compareAndSet` of a HeapMap has it. A safepoint. Throws like {@link set}.
   */
  compareAndSet(key: KeyValue<K>, expected: ContainerValue<V> | undefined, value: ContainerValue<V> | undefined): boolean {
    this.operations.poll();
    const kind = this.valueKind;
    const stored = value === undefined ? undefined : this.stored(kind, value, 'value of the map');
    // A text is compared as it is. A reference is read after what may be a safepoint.
    const given = kind === 'string' && typeof expected === 'string' ? expected : undefined;
    const wanted = given ?? (expected === undefined ? undefined : this.stored(kind, expected, 'expected value of the map'));
    return this.operations.sortedMaps.compareAndSet(this.refFor('compareAndSet'), this.#key(key), wanted, stored);
  }

  /**
   * Makes what `change` returns for the present value the value of `key`, in one moment, as `update` of a HeapMap does. A safepoint. Throws
   * like {@link set}, and what `change` throws; then nothing has changed.
   */
  update(key: KeyValue<K>, change: (value: ContainerValue<V> | undefined) => ContainerValue<V> | undefined): ContainerValue<V> | undefined {
    if (typeof change !== 'function') throw argumentTypeError('change of a value', 'a function', change);
    for (;;) {
      const before = this.get(key);
      const after = change(before);
      if (this.compareAndSet(key, before, after)) return after;
    }
  }

  /** Removes the entry, and returns whether there was one. A safepoint. Throws like {@link set}. */
  delete(key: KeyValue<K>): boolean {
    return this.operations.sortedMaps.delete(this.atSafepoint('delete'), this.#key(key));
  }

  /** Removes all entries. A safepoint. */
  clear(): void {
    this.operations.sortedMaps.clear(this.atSafepoint('clear'));
  }

  /** The entry with the lowest key; undefined when there is none. Not a safepoint. */
  first(): [KeyValue<K>, ContainerValue<V>] | undefined {
    return this.#entries('first', ALL, undefined, 1)[0];
  }

  /** The entry with the highest key; undefined when there is none. Not a safepoint. */
  last(): [KeyValue<K>, ContainerValue<V>] | undefined {
    return this.#entries('last', { ...ALL, reverse: true }, undefined, 1)[0];
  }

  /** The entries of a range, in order and all of one moment. Not a safepoint, so a long one holds up a pause. Throws like {@link get}. */
  toArray(range: SortedRange<K> = {}): [KeyValue<K>, ContainerValue<V>][] {
    return this.#entries('toArray', this.#bounds(range), undefined, Infinity);
  }

  /**
   * The entries of a range, in order, a few at a time. One that is in the map from beginning to end is visited exactly once; one that is
   * made or removed meanwhile may or may not be visited. A safepoint at each step. Throws like {@link get}.
   */
  *entries(range: SortedRange<K> = {}): Generator<[KeyValue<K>, ContainerValue<V>]> {
    const bounds = this.#bounds(range);
    for (let after: SortedKey | undefined; ; ) {
      this.operations.poll();
      const entries = this.#entries('iteration', bounds, after, STEP);
      yield* entries;
      if (entries.length < STEP) return;
      after = entries.at(-1)![0] as SortedKey;
    }
  }

  /** All entries, with the promises of {@link entries}. A safepoint at each step. */
  [Symbol.iterator](): Iterator<[KeyValue<K>, ContainerValue<V>]> {
    return this.entries();
  }

  /** The keys of a range, with the promises of {@link entries}. A safepoint at each step. */
  *keys(range: SortedRange<K> = {}): Generator<KeyValue<K>> {
    for (const [key] of this.entries(range)) yield key;
  }

  /** The values of a range, with the promises of {@link entries}. A safepoint at each step. */
  *values(range: SortedRange<K> = {}): Generator<ContainerValue<V>> {
    for (const [, value] of this.entries(range)) yield value;
  }

  /** Calls `body` with each value and key, with the promises of {@link entries}. A safepoint at each step. */
  forEach(body: (value: ContainerValue<V>, key: KeyValue<K>, map: this) => void): void {
    expectBody(body);
    for (const [key, value] of this) body(value, key, this);
  }

  /** A copy as a Map, in order and of one moment; of references, what their own `toObject` gives. Not a safepoint. */
  override toObject(): Map<PlainContent<K>, PlainContent<V>> {
    return super.toObject() as Map<PlainContent<K>, PlainContent<V>>;
  }

  #entries(place: string, bounds: Bounds, after: SortedKey | undefined, most: number): [KeyValue<K>, ContainerValue<V>][] {
    const { sortedMaps } = this.operations;
    const found = sortedMaps.range(this.refFor(place), bounds, after, most);
    const { key: keyKind, value: valueKind } = sortedMaps.kindsOf(this[SHAPE]);
    return found.map(([key, value]) => [this.loaded(keyKind, key) as KeyValue<K>, this.loaded(valueKind, value) as ContainerValue<V>]);
  }

  #bounds(range: SortedRange<K>): Bounds {
    const { from, to, reverse = false } = optionsOf('range', range);
    if (from !== undefined) this.#key(from);
    if (to !== undefined) this.#key(to);
    if (typeof reverse !== 'boolean') throw argumentTypeError('reverse', 'true or false', reverse);
    return { from: from as SortedKey | undefined, to: to as SortedKey | undefined, reverse };
  }

  #key(key: KeyValue<K>): SortedKey {
    const wanted = this.keyKind === 'string' ? 'string' : 'number';
    if (typeof key !== wanted) throw argumentTypeError('key of the map', `a ${wanted}`, key);
    return key as SortedKey;
  }
}
