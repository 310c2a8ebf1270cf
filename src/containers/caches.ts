/**
 * Caches: maps with a limit, which drop what has not been used for longest. Their operations take handles, because most of them come to
 * several safepoints.
 *
 *     cache ──▶ map ──▶ of each key: entry   value, when it expires, when it was used, how many words it stands for
 *           ──▶ counts                       of hits, misses and what was dropped; in rows, so that threads do not share cache lines
 *
 *   operation           takes effect at
 *   get, peek           the load that found the entry in the map, or found its place without it
 *   set, insert         the change of the map
 *   delete, clear       the change of the map
 *   dropping            a change of the map of its own, as a `delete` by nobody
 *
 * **The limit.** The map's table has the number of its entries and the sum of their words. Both change in the step that changes the
 * reference to an entry, so whatever is cut short leaves them right. Who has stored an entry drops others until the cache is within its
 * limits; in between, it is over them by what the threads are storing.
 *
 * **Which entry.** A list in the order of use would be changed by every read, and all threads would wait for each other there. As in Redis,
 * it is the one of a sample that has not been used for longest: of 16 entries around four random places of the trie, or of all if there are
 * no more than 32. Each use takes the next number from the cache's clock; but an entry whose number is among the last sixteenth of as many
 * as there are entries keeps it, so that what is read all the time is not written all the time.
 */
import { sharedClockMs } from '../clock.ts';
import { HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import { elementCountOf, shapeIdOf, slotOf } from '../heap/object.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import { holdValue } from './arrays.ts';
import { type CacheLimits, type CacheOptions, type EntryTerms, limitsOf } from './cache-options.ts';
import { expectKind, KEY_KINDS, type KeyKind, Place, type RawValue, VALUE_KINDS, type ValueKind } from './kinds.ts';
import type { RawKey } from './map-keys.ts';
import type { MapPosition } from './map-trie.ts';
import { HeapMaps } from './maps.ts';

/** What a cache has been used for since it was made, by all threads. */
export interface CacheStatistics {
  /** Calls of `get` that found an entry. */
  readonly hits: number;
  /** Calls of `get` that found none. */
  readonly misses: number;
  /** Entries that were dropped because of a limit. */
  readonly evictions: number;
  /** Entries that were dropped because their time was over. */
  readonly expirations: number;
}

interface Layout {
  readonly cache: Shape;
  readonly entry: Shape;
  readonly keyKind: KeyKind;
  readonly place: Place;
  readonly valueAt: number;
  readonly expiresAt: number;
  readonly usedAt: number;
  readonly wordsAt: number;
  /** What an entry takes besides its key and its value, in words. */
  readonly ownWords: number;
}

const WORD_BYTES = 8;
const MOST_WORDS = 2 ** 31 - 1;
/** A cache of so many entries is looked through as a whole. */
const SMALL = 32;
/**
 * Of a larger one, groups of entries from different places: places are chosen whether there are many entries around or few, and one where
 * few are left has only those that are used.
 */
const GROUPS = 4;
const GROUP = 4;
/** An entry's share of the map's nodes and buckets, in words. */
const TRIE_WORDS = 3;
/** Of counts; as many slots as a line of the processor's cache. */
const ROWS = 8;
const ROW_SLOTS = 16;
/** Slots of a row: each count is a low and a high half. */
const HITS = 0;
const MISSES = 2;
const EVICTIONS = 4;
const EXPIRATIONS = 6;

const cacheDefinition = (key: KeyKind, value: ValueKind) =>
  ({
    name: `faultline.cache.${key}.${value}`,
    fields: { map: 'ref', counts: 'ref', ttlMs: 'f64', maxEntries: 'u32', maxWords: 'u32', clock: 'u32' },
  }) as const satisfies ShapeDefinition;

/** @internal Operations on caches by a handle of theirs; one for each mutator. */
export class HeapCaches {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  readonly #strings: Strings;
  readonly #maps: HeapMaps;
  readonly #counts: Shape;
  /** The slot of an entry's words, by the id of the entry's shape. */
  readonly #wordsAt: number[] = [];
  /** By the shape id of the cache. */
  readonly #layouts: (Layout | undefined)[] = [];
  /** Slots of the cache's fields. */
  readonly #at: Shape<ReturnType<typeof cacheDefinition>>['offsets'];
  /** The key of the entry that was just made, as it is now. */
  #key: RawKey = 0;
  #seed = (Math.random() * 2 ** 32) | 1;

  constructor(mutator: Mutator, shapes: ShapeTable, strings: Strings, hash: KeyedHash) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.#strings = strings;
    this.#at = shapes.define(cacheDefinition('ref', 'ref')).offsets;
    this.#counts = shapes.define({ name: 'faultline.cache-counts', elements: 'u32' });
    const wordsOf = (entry: Ref): number => mutator.u32[slotOf(entry, this.#wordsAt[shapeIdOf(mutator.u32, entry)]!)]!;
    this.#maps = new HeapMaps(mutator, shapes, strings, hash, wordsOf);
  }

  /** A new, empty cache. A safepoint; throws ERR_OPTION, and what `mutator.allocate` throws. */
  allocate(key: KeyKind, value: ValueKind, options: CacheOptions): Ref {
    expectKind(key, KEY_KINDS, 'kind of the keys');
    expectKind(value, VALUE_KINDS, 'kind of the values');
    const { maxEntries, maxBytes, ttlMs } = limitsOf(options);
    const layout = this.#layoutOf(this.#shapes.define(cacheDefinition(key, value)));
    const mutator = this.#mutator;
    return mutator.operation(() => {
      const map = mutator.temporary(this.#maps.allocate(key, 'ref'));
      const counts = mutator.temporary(mutator.allocate(this.#counts, ROWS * ROW_SLOTS));
      const cache = mutator.allocate(layout.cache);
      const { u32, f64 } = mutator;
      u32[slotOf(cache, this.#at.map)] = mutator.get(map);
      u32[slotOf(cache, this.#at.counts)] = mutator.get(counts);
      u32[slotOf(cache, this.#at.maxEntries)] = maxEntries === Infinity ? 0 : maxEntries;
      u32[slotOf(cache, this.#at.maxWords)] = maxBytes === Infinity ? 0 : Math.min(Math.ceil(maxBytes / WORD_BYTES), MOST_WORDS);
      f64[cache + this.#at.ttlMs] = ttlMs;
      return cache;
    });
  }

  /** The value, which counts as used; undefined when there is none. A safepoint. Throws like `get` of maps. */
  get(cache: ReferenceHandle, key: RawKey): RawValue | undefined {
    const at = this.#mutator.held(cache);
    const layout = this.#layoutAt(at);
    const entry = this.#find(at, key);
    if (entry !== 0 && !this.#isExpired(layout, entry)) {
      this.#use(layout, at, entry);
      this.#count(at, HITS);
      return this.#mutator.passedWith(layout.place.load(entry, layout.valueAt), layout.place.isReference);
    }
    this.#count(at, MISSES);
    if (entry !== 0 && this.#maps.compareAndSet(this.#mapOf(at), key, entry, undefined)) {
      this.#count(this.#mutator.held(cache), EXPIRATIONS);
    }
    this.#mutator.passed();
    return undefined;
  }

  /** The value, which counts as neither used nor asked for. Not a safepoint. */
  peek(cache: ReferenceHandle, key: RawKey): RawValue | undefined {
    const at = this.#mutator.held(cache);
    const layout = this.#layoutAt(at);
    const entry = this.#find(at, key);
    return entry === 0 || this.#isExpired(layout, entry) ? undefined : layout.place.load(entry, layout.valueAt);
  }

  /**
   * Makes or replaces the entry of `key`; then drops others until the cache is within its limits. An entry that is larger than the cache
   * is not kept, nor is the one that it was to replace. A safepoint. Throws what `set` of maps throws, and then nothing has changed.
   */
  set(cache: ReferenceHandle, key: RawKey, value: RawValue, terms: EntryTerms): void {
    this.#store(cache, key, value, terms, (map, key, entry) => {
      this.#maps.set(map, key, entry);
      return true;
    });
  }

  /** The same, but leaves an entry as it is; returns whether there was none. */
  insert(cache: ReferenceHandle, key: RawKey, value: RawValue, terms: EntryTerms): boolean {
    return this.#store(cache, key, value, terms, (map, key, entry) => this.#maps.setIfAbsent(map, key, entry));
  }

  /** Removes the entry, and returns whether there was one. A safepoint. */
  delete(cache: ReferenceHandle, key: RawKey): boolean {
    const at = this.#mutator.held(cache);
    this.#layoutAt(at);
    return this.#maps.delete(this.#mapOf(at), key);
  }

  /** Removes all entries. A safepoint. */
  clear(cache: ReferenceHandle): void {
    this.#maps.clear(this.#mapOf(this.#mutator.held(cache)));
  }

  /** The number of entries, whether their time is over or not: as `size` of maps. Not a safepoint. */
  size(cache: Ref): number {
    return this.#maps.size(this.#mapOf(cache));
  }

  /** What the entries stand for; like {@link size}. */
  bytes(cache: Ref): number {
    return this.#maps.weight(this.#mapOf(cache)) * WORD_BYTES;
  }

  limits(cache: Ref): CacheLimits {
    const { u32, f64 } = this.#mutator;
    const limit = (slot: number): number => u32[slotOf(cache, slot)]! || Infinity;
    return {
      maxEntries: limit(this.#at.maxEntries),
      maxBytes: limit(this.#at.maxWords) * WORD_BYTES,
      ttlMs: f64[cache + this.#at.ttlMs]!,
    };
  }

  /** The sums of all rows. Not a safepoint. */
  statistics(cache: Ref): CacheStatistics {
    const { u32 } = this.#mutator;
    const counts = this.#mutator.getReference(slotOf(cache, this.#at.counts));
    const sum = (count: number): number => {
      let total = 0;
      for (let row = 0; row < ROWS; row++) {
        const at = slotOf(counts, this.#counts.elementsOffset + row * ROW_SLOTS + count);
        total += Atomics.load(u32, at) + Atomics.load(u32, at + 1) * 2 ** 32;
      }
      return total;
    };
    return { hits: sum(HITS), misses: sum(MISSES), evictions: sum(EVICTIONS), expirations: sum(EXPIRATIONS) };
  }

  /** The next entries, as `step` of maps, without those whose time is over. Not a safepoint. */
  step(cache: Ref, position: MapPosition, entries: [key: number, value: RawValue][]): boolean {
    const layout = this.#layoutAt(cache);
    const found: [number, RawValue][] = [];
    const more = this.#maps.step(this.#mapOf(cache), position, found);
    entries.length = 0;
    for (const [key, entry] of found) {
      if (!this.#isExpired(layout, entry as Ref)) entries.push([key, layout.place.load(entry as Ref, layout.valueAt)]);
    }
    return more;
  }

  /** The kinds of a cache of that shape. */
  kindsOf(shape: Shape): { key: KeyKind; value: ValueKind } {
    const { keyKind, place } = this.#layoutOf(shape);
    return { key: keyKind, value: place.kind };
  }

  #store(
    cache: ReferenceHandle,
    key: RawKey,
    value: RawValue,
    terms: EntryTerms,
    put: (map: Ref, key: RawKey, entry: Ref) => boolean,
  ): boolean {
    const layout = this.#layoutAt(this.#mutator.held(cache));
    layout.place.check(value, 'value of the cache');
    const entry = this.#make(layout, cache, key, value, terms);
    const at = this.#mutator.held(cache);
    const maxWords = this.#mutator.u32[slotOf(at, this.#at.maxWords)]!;
    if (maxWords !== 0 && this.#mutator.u32[slotOf(entry, layout.wordsAt)]! > maxWords) {
      this.#maps.delete(this.#mapOf(at), this.#key);
      return true;
    }
    const stored = put(this.#mapOf(at), this.#key, entry);
    while (this.#isFull(cache) && this.#drop(layout, cache));
    return stored;
  }

  /** An entry that no other thread sees yet. A safepoint: `#key` is the key afterwards. */
  #make(layout: Layout, cache: ReferenceHandle, key: RawKey, value: RawValue, terms: EntryTerms): Ref {
    const mutator = this.#mutator;
    const { ttlMs = mutator.f64[mutator.held(cache) + this.#at.ttlMs]!, bytes } = terms;
    const words = layout.ownWords + this.#wordsOfKey(layout, key) + this.#wordsOfValue(layout, value) + Math.ceil(bytes / WORD_BYTES);
    return mutator.operation(() => {
      const current = holdValue(mutator, layout.place, value);
      const heldKey = layout.keyKind === 'ref' ? mutator.temporary(key as Ref) : undefined;
      const entry = mutator.allocate(layout.entry);
      layout.place.store(entry, layout.valueAt, current());
      mutator.f64[entry + layout.expiresAt] = ttlMs === Infinity ? Infinity : sharedClockMs() + ttlMs;
      mutator.u32[slotOf(entry, layout.wordsAt)] = Math.min(words, MOST_WORDS);
      mutator.u32[slotOf(entry, layout.usedAt)] = this.#tick(mutator.held(cache));
      this.#key = heldKey === undefined ? key : mutator.get(heldKey);
      return entry;
    });
  }

  #wordsOfKey({ keyKind }: Layout, key: RawKey): number {
    return keyKind === 'string' && typeof key === 'string' ? this.#strings.wordsFor(key) : 0;
  }

  #wordsOfValue({ place }: Layout, value: RawValue): number {
    if (!place.isReference || value === 0) return 0;
    const { u32 } = this.#mutator;
    return this.#shapes.numbered(shapeIdOf(u32, value as Ref)).words(elementCountOf(u32, value as Ref));
  }

  #isFull(cache: ReferenceHandle): boolean {
    const at = this.#mutator.held(cache);
    const map = this.#mapOf(at);
    const { u32 } = this.#mutator;
    const [maxEntries, maxWords] = [u32[slotOf(at, this.#at.maxEntries)]!, u32[slotOf(at, this.#at.maxWords)]!];
    return (maxEntries !== 0 && this.#maps.size(map) > maxEntries) || (maxWords !== 0 && this.#maps.weight(map) > maxWords);
  }

  /** Drops an entry, unless there is none. A safepoint. */
  #drop(layout: Layout, cache: ReferenceHandle): boolean {
    const at = this.#mutator.held(cache);
    const map = this.#mapOf(at);
    const clock = Atomics.load(this.#mutator.u32, slotOf(at, this.#at.clock));
    const isSmall = this.#maps.size(map) <= SMALL;
    let [victim, oldest] = [0, -1];
    for (let group = 0; group < (isSmall ? 1 : GROUPS); group++) {
      for (const each of this.#maps.sample(map, this.#random(), isSmall ? Infinity : GROUP)) {
        const entry = this.#maps.valueIn(map, each) as Ref;
        const age = this.#isExpired(layout, entry) ? Infinity : (clock - this.#mutator.u32[slotOf(entry, layout.usedAt)]!) >>> 0;
        if (age > oldest) [victim, oldest] = [each, age];
      }
    }
    if (victim === 0) return false;
    if (this.#maps.remove(map, victim)) this.#count(this.#mutator.held(cache), oldest === Infinity ? EXPIRATIONS : EVICTIONS);
    return true;
  }

  #find(cache: Ref, key: RawKey): Ref {
    return (this.#maps.get(this.#mapOf(cache), key) as Ref | undefined) ?? 0;
  }

  #isExpired({ expiresAt }: Layout, entry: Ref): boolean {
    const expires = this.#mutator.f64[entry + expiresAt]!;
    return expires !== Infinity && expires <= sharedClockMs();
  }

  #use({ usedAt }: Layout, cache: Ref, entry: Ref): void {
    const { u32 } = this.#mutator;
    const at = slotOf(entry, usedAt);
    const age = (Atomics.load(u32, slotOf(cache, this.#at.clock)) - u32[at]!) >>> 0;
    if (age > this.#maps.size(this.#mapOf(cache)) >>> 4) u32[at] = this.#tick(cache);
  }

  #tick(cache: Ref): number {
    return (Atomics.add(this.#mutator.u32, slotOf(cache, this.#at.clock), 1) + 1) >>> 0;
  }

  #count(cache: Ref, count: number): void {
    const { u32, id } = this.#mutator;
    const counts = this.#mutator.getReference(slotOf(cache, this.#at.counts));
    const at = slotOf(counts, this.#counts.elementsOffset + (id % ROWS) * ROW_SLOTS + count);
    if (Atomics.add(u32, at, 1) === 2 ** 32 - 1) Atomics.add(u32, at + 1, 1);
  }

  /** 32 bits: xorshift. */
  #random(): number {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    return this.#seed >>> 0;
  }

  #mapOf(cache: Ref): Ref {
    return this.#mutator.getReference(slotOf(cache, this.#at.map));
  }

  #layoutAt(cache: Ref): Layout {
    const id = shapeIdOf(this.#mutator.u32, cache);
    return this.#layouts[id] ?? this.#layoutOf(this.#shapes.numbered(id));
  }

  #layoutOf(cache: Shape): Layout {
    const known = this.#layouts[cache.id];
    if (known !== undefined) return known;
    const [keyKind, valueKind] = cache.name.slice('faultline.cache.'.length).split('.') as [KeyKind, ValueKind];
    if (!KEY_KINDS.includes(keyKind) || !VALUE_KINDS.includes(valueKind)) {
      throw new HeapError('ERR_WRONG_SHAPE', `a cache of the heap is needed, not a ${cache.name}.`);
    }
    const place = new Place(this.#mutator, valueKind);
    const entry = this.#shapes.define({
      name: `faultline.cache-entry.${place.stored}`,
      fields: { value: place.stored, expiresMs: 'f64', words: 'u32', used: 'u32' },
    });
    const { value: valueAt, expiresMs: expiresAt, used: usedAt, words: wordsAt } = entry.offsets;
    const ownWords = this.#maps.entryWords(keyKind, 'ref') + entry.words(0) + TRIE_WORDS;
    this.#wordsAt[entry.id] = wordsAt;
    return (this.#layouts[cache.id] = { cache, entry, keyKind, place, valueAt, expiresAt, usedAt, wordsAt, ownWords });
  }
}
