/**
 * Views of caches.
 */
import { argumentTypeError } from '../errors.ts';
import { OWNER, SHAPE, SLOT } from '../objects/object-view.ts';
import { type CacheEntryOptions, type CacheLimits, type EntryTerms, entryTermsOf } from './cache-options.ts';
import type { CacheStatistics } from './caches.ts';
import { KeyedView } from './keyed-view.ts';
import type { ContainerValue, Content, KeyContent, KeyValue, KindOf, RawValue } from './kinds.ts';
import type { RawKey } from './map-keys.ts';
import type { MapPosition } from './map-trie.ts';

/**
 * A map with a limit that several threads share, without a lock: when it is full, it drops what has not been used for longest, of a sample
 * of 16 entries (of all, if there are no more than 32). Each operation takes effect at one moment, and so does each dropping. Made by
 * `heap.createCache`; for the thread that has the view. Its type is as that of a map.
 */
export class HeapCache<K extends KeyContent = KeyContent, V extends Content = Content> extends KeyedView<K, V> {
  /** What is being fetched by this view. */
  readonly #fetches = new Map<unknown, Promise<ContainerValue<V>>>();

  /** The kind of the keys. */
  override get keyKind(): KindOf<K> {
    return this.operations.caches.kindsOf(this[SHAPE]).key as KindOf<K>;
  }

  /** The kind of the values. */
  override get valueKind(): KindOf<V> {
    return this.operations.caches.kindsOf(this[SHAPE]).value as KindOf<V>;
  }

  /** @internal */
  protected override step(position: MapPosition, entries: [number, RawValue][]): boolean {
    return this.operations.caches.step(this.atSafepoint('iteration'), position, entries);
  }

  /** The number of entries, as `size` of a map; those whose time is over count until they are dropped. Not a safepoint. */
  get size(): number {
    return this.operations.caches.size(this.refFor('size'));
  }

  /** What the entries stand for, in bytes: keys, values, and what the cache needs for them. As exact as {@link size}. Not a safepoint. */
  get bytes(): number {
    return this.operations.caches.bytes(this.refFor('bytes'));
  }

  /** What the cache holds at most. Not a safepoint. */
  get limits(): CacheLimits {
    return this.operations.caches.limits(this.refFor('limits'));
  }

  /**
   * The value, which then is the one that was used last; undefined when there is none, or its time is over. A hit or a miss in
   * {@link statistics}. A safepoint. Throws TypeError ERR_OPTION for a key of another kind, ERR_NO_IDENTITY for an object whose shape has
   * elements and no `identityHash`.
   */
  get(key: KeyValue<K>): ContainerValue<V> | undefined {
    this.atSafepoint('get');
    return this.#valueOf(this.operations.caches.get(this[SLOT], this.#keyOf(key)));
  }

  /** The same, but the value does not count as used, nor the call as a hit or a miss. Not a safepoint. */
  peek(key: KeyValue<K>): ContainerValue<V> | undefined {
    this.refFor('peek');
    return this.#valueOf(this.operations.caches.peek(this[SLOT], this.#keyOf(key)));
  }

  /** Whether there is an entry; does not count as a use. Not a safepoint. Throws like {@link get}. */
  has(key: KeyValue<K>): boolean {
    this.refFor('has');
    return this.operations.caches.peek(this[SLOT], this.#keyOf(key)) !== undefined;
  }

  /**
   * Makes or replaces an entry, and drops others while the cache is over a limit. An entry that is larger than the whole cache is not
   * kept, nor is the one that it was to replace. A safepoint. Throws like {@link get}, RangeError ERR_OPTION, and what `mutator.allocate`
   * throws; then nothing has changed.
   */
  set(key: KeyValue<K>, value: ContainerValue<V>, options: CacheEntryOptions = {}): this {
    const terms = entryTermsOf(options);
    const stored = this.#storedFor('set', value);
    this.operations.caches.set(this[SLOT], this.#keyOf(key), stored, terms);
    return this;
  }

  /**
   * The value of `key`, as {@link get} gives it; if there is none, one that `compute` makes, which is put there. Several threads may
   * compute it at once: all of them get what the first has put there. A safepoint. Throws like {@link set}, and what `compute` throws.
   */
  getOrInsertComputed(
    key: KeyValue<K>,
    compute: (key: KeyValue<K>) => ContainerValue<V>,
    options: CacheEntryOptions = {},
  ): ContainerValue<V> {
    if (typeof compute !== 'function') throw argumentTypeError('compute of a value', 'a function', compute);
    const terms = entryTermsOf(options);
    for (;;) {
      const present = this.get(key);
      if (present !== undefined) return present;
      const made = compute(key);
      if (this.#insert(key, made, terms)) return made;
    }
  }

  /**
   * The same with a value that comes later: `load` is called if there is none, and only once at a time by this view, except for keys that
   * are objects. If it fails, all that wait for it fail, and nothing is kept. Rejects with what {@link set} and `load` throw. A safepoint.
   */
  async fetch(
    key: KeyValue<K>,
    load: (key: KeyValue<K>) => Promise<ContainerValue<V>> | ContainerValue<V>,
    options: CacheEntryOptions = {},
  ): Promise<ContainerValue<V>> {
    if (typeof load !== 'function') throw argumentTypeError('load of a value', 'a function', load);
    const terms = entryTermsOf(options);
    const present = this.get(key);
    if (present !== undefined) return present;
    const name: unknown = typeof key === 'object' ? {} : key;
    let fetching = this.#fetches.get(name);
    if (fetching === undefined) {
      fetching = this.#load(key, load, terms).finally(() => this.#fetches.delete(name));
      this.#fetches.set(name, fetching);
    }
    return fetching;
  }

  async #load(
    key: KeyValue<K>,
    load: (key: KeyValue<K>) => Promise<ContainerValue<V>> | ContainerValue<V>,
    terms: EntryTerms,
  ): Promise<ContainerValue<V>> {
    const value = await load(key);
    if (this.#insert(key, value, terms)) return value;
    const first = this.peek(key);
    return first === undefined ? value : first;
  }

  /** Removes the entry, and returns whether there was one. A safepoint. Throws like {@link get}. */
  delete(key: KeyValue<K>): boolean {
    this.atSafepoint('delete');
    return this.operations.caches.delete(this[SLOT], this.#keyOf(key));
  }

  /** Removes all entries. A safepoint. Throws what `mutator.allocate` throws. */
  clear(): void {
    this.atSafepoint('clear');
    this.operations.caches.clear(this[SLOT]);
  }

  /** How often all threads have found an entry, and how many were dropped. No single moment. Not a safepoint. */
  statistics(): CacheStatistics {
    return this.operations.caches.statistics(this.refFor('statistics'));
  }

  #insert(key: KeyValue<K>, value: ContainerValue<V>, terms: EntryTerms): boolean {
    const stored = this.#storedFor('getOrInsertComputed', value);
    return this.operations.caches.insert(this[SLOT], this.#keyOf(key), stored, terms);
  }

  #storedFor(place: string, value: ContainerValue<V>): RawValue {
    this.atSafepoint(place);
    return this.stored(this.valueKind, value, 'value of the cache');
  }

  #valueOf(value: RawValue | undefined): ContainerValue<V> | undefined {
    return value === undefined ? undefined : (this.loaded(this.valueKind, value) as ContainerValue<V>);
  }

  #keyOf(key: KeyValue<K>): RawKey {
    if (this.keyKind !== 'ref') return key as RawKey;
    if (key === null) throw argumentTypeError('key of the cache', 'an object', null);
    return this[OWNER].toReference(key, 'key of the cache', undefined);
  }
}
