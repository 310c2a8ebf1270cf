/**
 * Maps: hash maps in the heap, by raw access. Their structure is in map-trie.ts; here are the operations, each of which takes effect at one
 * moment between call and return:
 *
 *   operation            takes effect at
 *   get, has             the load that found the entry, or found its place without it
 *   set, setIfAbsent     the compare-and-swap that stored the entry; if setIfAbsent finds the key: the load
 *   delete               the compare-and-swap that removed the entry; if the key is not there: the load
 *   compareAndSet        the compare-and-swap that put the entry there or took it away; of another value: the load
 *   increment            the compare-and-swap that put the entry there
 *   clear                the compare-and-swap of the table. Operations in the old table after that had begun before
 *   size                 no such moment: a count that each operation adjusts, in the native call that changes the reference. Exact while no
 *                        thread changes the map, and off by the operations under way otherwise
 */
import { argumentRangeError } from '../errors.ts';
import type { KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import { holdValue } from './arrays.ts';
import type { KeyKind, RawValue, ValueKind } from './kinds.ts';
import { hasValue, isAbsent, isPresent, type Matches } from './map-conditions.ts';
import { type HeldKey, MapEntries } from './map-entries.ts';
import type { RawKey } from './map-keys.ts';
import { type MapLayout, MapLayouts } from './map-layouts.ts';
import { MapPlaces } from './map-places.ts';
import { BUCKET_ENTRIES, LAST_LEVEL, MapPath, type MapPosition, MapTrie } from './map-trie.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';

/** What a value, an object, counts for in the weight of its map: the same whenever it is asked. Not a safepoint. */
type WeightOf = (value: Ref) => number;

/** Made in an operation, before its first safepoint; holds what it needs over the others. */
type Condition = (layout: MapLayout) => Matches;

/** What an operation has that makes an entry. */
interface Making {
  readonly layout: MapLayout;
  readonly map: ReferenceHandle;
  readonly key: HeldKey;
  /** One that no other thread sees yet. */
  readonly entry: ReferenceHandle;
  readonly storedKey: () => number;
  readonly value: () => RawValue;
  readonly matches: Matches | undefined;
}

/** Operations on maps by raw reference; one for each mutator. */
export class HeapMaps {
  readonly #mutator: Mutator;
  readonly #strings: Strings;
  readonly #trie: MapTrie;
  readonly #path = new MapPath();
  readonly #places: MapPlaces;
  readonly #entries: MapEntries;
  readonly #layouts: MapLayouts;
  readonly #weightOf: WeightOf | undefined;

  /**
   * @internal Use heap.containers.maps. With `weightOf`, the map's table has the sum of the weights of its values, which changes in the
   * step in which the reference to an entry does.
   */
  constructor(mutator: Mutator, shapes: ShapeTable, strings: Strings, hash: KeyedHash, weightOf?: WeightOf) {
    this.#mutator = mutator;
    this.#strings = strings;
    this.#layouts = new MapLayouts(mutator, shapes, strings, hash);
    this.#trie = new MapTrie(mutator, shapes, this.#layouts.tableAt);
    this.#places = new MapPlaces(mutator, this.#trie, this.#path);
    this.#entries = new MapEntries(mutator, strings);
    this.#weightOf = weightOf;
  }

  /** A new, empty map. A safepoint; throws what `mutator.allocate` throws. */
  allocate(key: KeyKind, value: ValueKind): Ref {
    return this.#mutator.allocate(this.#layouts.for(key, value).map);
  }

  /**
   * The value; undefined when there is no entry. Some 100 ns, more for long strings. Not a safepoint. Throws TypeError ERR_OPTION for a key
   * of another kind, ERR_NO_IDENTITY for an object without an identity hash.
   */
  get(map: Ref, key: RawKey): RawValue | undefined {
    const layout = this.#layoutAt(map);
    const entry = this.#entry(layout, map, key, layout.keys.hash(key));
    return entry === 0 ? undefined : layout.value.load(entry, layout.valueAt);
  }

  /** Whether there is an entry. Throws and costs what {@link get} does. */
  has(map: Ref, key: RawKey): boolean {
    const layout = this.#layoutAt(map);
    return this.#entry(layout, map, key, layout.keys.hash(key)) !== 0;
  }

  /**
   * Makes or replaces the entry of `key`. Allocates an entry, and for new keys the string and sometimes a node of 32 references: some
   * 300 to 500 ns. A safepoint. Throws like {@link get}, and what `mutator.allocate` throws; then nothing has changed.
   */
  set(map: Ref, key: RawKey, value: RawValue): void {
    this.#put(map, key, value, undefined);
    this.#mutator.passed();
  }

  /** The same, but leaves an existing entry as it is. Returns whether it made one. A safepoint. */
  setIfAbsent(map: Ref, key: RawKey, value: RawValue): boolean {
    const made = this.#put(map, key, value, () => isAbsent);
    this.#mutator.passed();
    return made;
  }

  /**
   * Removes the entry, and returns whether there was one. A safepoint; throws what `mutator.allocate` throws, because a bucket of several
   * entries is replaced by a smaller one.
   */
  delete(map: Ref, key: RawKey): boolean {
    const deleted = this.#delete(map, key);
    this.#mutator.passed();
    return deleted;
  }

  /**
   * Makes `value` the value of `key` if that has the value `expected`; returns whether it had. `undefined` stands for no entry: as
   * `expected`, one is made; as `value`, it is removed. Numbers are compared as JavaScript's Map compares keys, references by identity; in
   * a map of strings `expected` is a text, or 0 for null. A safepoint. Costs and throws what {@link set} does.
   */
  compareAndSet(map: Ref, key: RawKey, expected: RawValue | string | undefined, value: RawValue | undefined): boolean {
    const condition: Condition = (layout) => this.#hasValue(layout, expected);
    let done: boolean;
    if (value !== undefined) done = this.#put(map, key, value, condition);
    else if (expected === undefined) done = !this.has(map, key);
    else done = this.#deleteIf(map, key, condition);
    this.#mutator.passed();
    return done;
  }

  /**
   * Adds `by` to the value of `key`, which counts as 0 if there is no entry, and returns the sum as it is stored. Throws RangeError
   * ERR_OPTION for a map whose values are no numbers. A safepoint. Costs and throws what {@link set} does.
   */
  increment(map: Ref, key: RawKey, by: RawValue): RawValue {
    const { value } = this.#layoutAt(map);
    if (value.isReference) throw argumentRangeError('values of a map to increment', 'numbers', value.kind);
    value.check(by, 'increment of the map');
    const sum = this.#increment(map, key, by);
    this.#mutator.passed();
    return sum;
  }

  #increment(map: Ref, key: RawKey, by: RawValue): RawValue {
    const mutator = this.#mutator;
    return this.#withEntry(map, key, 0, undefined, ({ layout, entry, map, key, storedKey }) => {
      const { value, valueAt } = layout;
      for (;;) {
        const present = this.#entry(layout, mutator.get(map), key.current(), key.hash);
        const before = present === 0 ? undefined : value.load(present, valueAt);
        // Both are numbers, or both are BigInts.
        const sum = before === undefined ? by : (before as number) + (by as number);
        this.#entries.fill(layout, mutator.get(entry), storedKey(), sum, key.hash);
        // What overflows is cut off by the store.
        const stored = value.load(mutator.get(entry), valueAt);
        if (this.#insert(layout, map, key, entry, this.#hasValue(layout, before))) return stored;
      }
    });
  }

  #deleteIf(map: Ref, key: RawKey, condition: Condition): boolean {
    const layout = this.#layoutAt(map);
    const hash = layout.keys.hash(key);
    const mutator = this.#mutator;
    return mutator.operation(() => {
      const matches = condition(layout);
      const held = mutator.temporary(map);
      const wanted = this.#entries.hold(layout, key, hash);
      return this.#take(layout, () => this.#entry(layout, mutator.get(held), wanted.current(), hash), matches);
    });
  }

  #delete(map: Ref, key: RawKey): boolean {
    const layout = this.#layoutAt(map);
    const hash = layout.keys.hash(key);
    const path = this.#path;
    for (;;) {
      if (this.#entry(layout, map, key, hash) === 0) return false;
      if (this.#trie.countOf(path.found) > 1) break;
      if (this.#trie.change(path, 0, -1, this.#weightBetween(layout, path.entry, 0))) return true;
    }
    return this.#deleteIf(map, key, () => isPresent);
  }

  /** Removes all entries: the map gets a new table. A safepoint; throws what `mutator.allocate` throws. */
  clear(map: Ref): void {
    this.#layoutAt(map);
    const mutator = this.#mutator;
    mutator.operation(() => this.#newTable(mutator.temporary(map), true));
    mutator.passed();
  }

  /** The number of entries; see the head of this file. Not a safepoint; two loads. */
  size(map: Ref): number {
    this.#layoutAt(map);
    return this.#trie.size(map);
  }

  /** @internal The next entries; see {@link MapTrie.step}. */
  step(map: Ref, position: MapPosition, entries: [key: number, value: RawValue][]): boolean {
    const { key, keyAt, value, valueAt } = this.#layoutAt(map);
    const found: Ref[] = [];
    const more = this.#trie.step(map, position, found);
    entries.length = 0;
    for (const entry of found) entries.push([key.load(entry, keyAt) as number, value.load(entry, valueAt)]);
    return more;
  }

  /** @internal The weight of all values. Not a safepoint. */
  weight(map: Ref): number {
    return this.#trie.weight(map);
  }

  /** @internal Up to `most` entries from around the place that 32 bits lead to; fewer only if there are no more. Not a safepoint. */
  sample(map: Ref, at: number, most: number): Ref[] {
    return this.#trie.sample(map, at, most);
  }

  /** @internal What an entry of {@link sample} has as its value. */
  valueIn(map: Ref, entry: Ref): RawValue {
    const { value, valueAt } = this.#layoutAt(map);
    return value.load(entry, valueAt);
  }

  /** @internal Removes an entry of {@link sample}, unless another thread has come first. A safepoint. */
  remove(map: Ref, entry: Ref): boolean {
    const layout = this.#layoutAt(map);
    const mutator = this.#mutator;
    const hashOf = this.#hashOf(layout);
    const hash = hashOf(entry);
    const removed = mutator.operation(() => {
      const [held, wanted] = [mutator.temporary(map), mutator.temporary(entry)];
      const isWanted = (found: Ref): boolean => found === mutator.get(wanted);
      return this.#take(layout, () => this.#trie.find(mutator.get(held), hash, this.#path, hashOf, isWanted), isPresent);
    });
    mutator.passed();
    return removed;
  }

  /** @internal What an entry of a map takes, in words. */
  entryWords(key: KeyKind, value: ValueKind): number {
    return this.#layouts.for(key, value).entry.words(0);
  }

  /** @internal The kinds of a map of that shape. */
  kindsOf(shape: Shape): { key: KeyKind; value: ValueKind } {
    const { key, value } = this.#layouts.of(shape);
    return { key: key.kind as KeyKind, value: value.kind };
  }

  /** The key's entry, or 0; fills the path to it. */
  #entry(layout: MapLayout, map: Ref, wanted: RawKey, hash: number): Ref {
    const { keys, key, keyAt } = layout;
    const isKey = (entry: Ref): boolean => keys.equals(key.load(entry, keyAt) as number, wanted);
    return this.#trie.find(map, hash, this.#path, this.#hashOf(layout), isKey);
  }

  #put(map: Ref, key: RawKey, value: RawValue, condition: Condition | undefined): boolean {
    this.#layoutAt(map).value.check(value, 'value of the map');
    return this.#withEntry(map, key, value, condition, ({ layout, map, key, entry, storedKey, value, matches }) => {
      this.#entries.fill(layout, this.#mutator.get(entry), storedKey(), value(), key.hash);
      return this.#insert(layout, map, key, entry, matches);
    });
  }

  #withEntry<T>(map: Ref, key: RawKey, value: RawValue, condition: Condition | undefined, body: (making: Making) => T): T {
    const layout = this.#layoutAt(map);
    const hash = layout.keys.hash(key);
    const mutator = this.#mutator;
    return mutator.operation(() => {
      const held = mutator.temporary(map);
      const wanted = this.#entries.hold(layout, key, hash);
      const current = holdValue(mutator, layout.value, value);
      const matches = condition?.(layout);
      const entry = mutator.temporary(0);
      const storedKey = this.#entries.storedKey(layout, wanted, () => this.#entry(layout, mutator.get(held), wanted.current(), hash));
      mutator.set(entry, mutator.allocate(layout.entry));
      return body({ layout, map: held, key: wanted, entry, storedKey, value: current, matches });
    });
  }

  #insert(layout: MapLayout, map: ReferenceHandle, key: HeldKey, entry: ReferenceHandle, matches: Matches | undefined): boolean {
    const mutator = this.#mutator;
    const path = this.#path;
    const find = (): Ref => this.#entry(layout, mutator.get(map), key.current(), key.hash);
    const weigh = this.#weightOf && ((present: Ref) => this.#weightBetween(layout, present, mutator.get(entry)));
    const { temporaries } = mutator.handles;
    for (;;) {
      mutator.handles.keepTemporaries(temporaries);
      const present = find();
      if (matches?.(present) === false) {
        return false;
      } else if (path.table === 0) {
        this.#newTable(map, false);
      } else if (path.found === 0 || (present !== 0 && this.#trie.countOf(path.found) === 1)) {
        const made = mutator.get(entry);
        if (this.#trie.change(path, made, present === 0 ? 1 : 0, this.#weightBetween(layout, present, made))) return true;
      } else if (present === 0 && this.#isFull(layout, key.hash)) {
        this.#places.split(find, this.#hashOf(layout));
      } else if (this.#places.rebuild(find, entry, matches, weigh)) {
        return true;
      }
    }
  }

  /** Whether the place's bucket is full and a node would help. */
  #isFull(layout: MapLayout, hash: number): boolean {
    const { found, level } = this.#path;
    const count = this.#trie.countOf(found);
    if (count < BUCKET_ENTRIES || level === LAST_LEVEL) return false;
    const hashOf = this.#hashOf(layout);
    for (let i = 0; i < count; i++) if (hashOf(this.#trie.entryOf(found, i)) !== hash) return true;
    return false;
  }

  #hashOf({ hashAt }: MapLayout): (entry: Ref) => number {
    const { u32 } = this.#mutator;
    return (entry) => u32[slotOf(entry, hashAt)]!;
  }

  /** Takes the entry that `find` finds out of the map, wherever it is. */
  #take(layout: MapLayout, find: () => Ref, matches: Matches): boolean {
    const path = this.#path;
    const { handles } = this.#mutator;
    const { temporaries } = handles;
    const weigh = this.#weightOf && ((present: Ref) => this.#weightBetween(layout, present, 0));
    for (;;) {
      handles.keepTemporaries(temporaries);
      const present = find();
      if (present === 0 || !matches(present)) return false;
      if (this.#trie.countOf(path.found) > 1) {
        if (this.#places.rebuild(find, undefined, matches, weigh)) return true;
      } else if (this.#trie.change(path, 0, -1, this.#weightBetween(layout, present, 0))) {
        return true;
      }
    }
  }

  /** By how much the weight grows when one entry, or none, takes the place of another. */
  #weightBetween({ value, valueAt }: MapLayout, before: Ref, after: Ref): number {
    const weightOf = this.#weightOf;
    if (weightOf === undefined) return 0;
    const weigh = (entry: Ref): number => (entry === 0 ? 0 : weightOf(value.load(entry, valueAt) as Ref));
    return weigh(after) - weigh(before);
  }

  #newTable(map: ReferenceHandle, always: boolean): void {
    const table = this.#trie.allocateTable();
    this.#trie.install(this.#mutator.get(map), table, always);
  }

  #hasValue({ value, valueAt }: MapLayout, expected: RawValue | string | undefined): Matches {
    return hasValue(this.#mutator, this.#strings, { place: value, at: valueAt }, expected);
  }

  #layoutAt(map: Ref): MapLayout {
    this.#mutator.admit(map, 'heap.containers.maps');
    return this.#layouts.numbered(shapeIdOf(this.#mutator.u32, map));
  }
}
