/**
 * Sorted maps: the operations, on the trees of sorted-tree.ts. Each takes effect at one moment between call and return:
 *
 *   operation                                    takes effect at
 *   get, has, size, first, last, a range at once the load of the version
 *   set, setIfAbsent, compareAndSet, delete      the compare-and-swap of the version; if there is nothing to change: its load
 *   clear                                        the store of no version
 *
 * An iteration is many operations: each step is a range of the version that is there then, from behind the last key on.
 */
import { argumentTypeError, HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import { holdValue } from './arrays.ts';
import { expectKind, Place, type RawValue, VALUE_KINDS, type ValueKind } from './kinds.ts';
import { hasValue, isAbsent, isPresent, type Matches } from './map-conditions.ts';
import { storedNumber } from './map-keys.ts';
import type { EntryLayout } from './map-layouts.ts';
import { type Compare, SortedPath, SortedTree } from './sorted-tree.ts';

/** What the keys of a sorted map can be: texts in the order of their code units, or numbers, NaN behind all others. */
export type SortedKeyKind = 'string' | 'f64';

/** A key by raw access. */
export type SortedKey = string | number;

export const SORTED_KEY_KINDS: readonly SortedKeyKind[] = ['string', 'f64'];

/** @internal Keys from `from` on and below `to`. */
export interface Bounds {
  readonly from: SortedKey | undefined;
  readonly to: SortedKey | undefined;
  /** From the last to the first. */
  readonly reverse: boolean;
}

const sortedDefinition = (key: SortedKeyKind, value: ValueKind) =>
  ({ name: `faultline.sorted-map.${key}.${value}`, fields: { version: 'ref' } }) as const satisfies ShapeDefinition;

/** @internal By raw reference; one for each mutator. */
export class SortedMaps {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  readonly #strings: Strings;
  readonly #tree: SortedTree;
  readonly #path = new SortedPath();
  /** By the shape id of the map. */
  readonly #layouts: (EntryLayout | undefined)[] = [];
  readonly #versionAt: number;

  constructor(mutator: Mutator, shapes: ShapeTable, strings: Strings) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.#strings = strings;
    this.#tree = new SortedTree(mutator, shapes);
    this.#versionAt = shapes.define(sortedDefinition('f64', 'f64')).offsets.version;
  }

  /** A new, empty map. A safepoint; throws ERR_OPTION, and what `mutator.allocate` throws. */
  allocate(key: SortedKeyKind, value: ValueKind): Ref {
    expectKind(key, SORTED_KEY_KINDS, 'kind of the keys');
    expectKind(value, VALUE_KINDS, 'kind of the values');
    return this.#mutator.allocate(this.#layoutOf(this.#shapes.define(sortedDefinition(key, value))).map);
  }

  get(map: Ref, key: SortedKey): RawValue | undefined {
    const layout = this.#layoutAt(map);
    const entry = this.#find(layout, this.#versionOf(map), key);
    return entry === 0 ? undefined : layout.value.load(entry, layout.valueAt);
  }

  has(map: Ref, key: SortedKey): boolean {
    return this.#find(this.#layoutAt(map), this.#versionOf(map), key) !== 0;
  }

  size(map: Ref): number {
    return this.#tree.sizeOf(this.#versionOf(map));
  }

  /** Makes or replaces an entry. A safepoint, as are the other changes. */
  set(map: Ref, key: SortedKey, value: RawValue): void {
    this.#change(map, key, value, () => () => true);
  }

  setIfAbsent(map: Ref, key: SortedKey, value: RawValue): boolean {
    return this.#change(map, key, value, () => isAbsent);
  }

  delete(map: Ref, key: SortedKey): boolean {
    return this.#change(map, key, undefined, () => isPresent);
  }

  /** As `compareAndSet` of maps. */
  compareAndSet(map: Ref, key: SortedKey, expected: RawValue | string | undefined, value: RawValue | undefined): boolean {
    return this.#change(map, key, value, ({ value: place, valueAt: at }) =>
      hasValue(this.#mutator, this.#strings, { place, at }, expected),
    );
  }

  /** Removes all entries. Not a safepoint. */
  clear(map: Ref): void {
    this.#layoutAt(map);
    const slot = slotOf(map, this.#versionAt);
    for (;;) {
      const version = this.#versionOf(map);
      if (version === 0 || this.#mutator.compareExchangeReference(slot, version, 0)) return;
    }
  }

  /**
   * Up to `most` entries within the bounds, in order; with `after`, from behind that key on. Of one moment, and not a safepoint: for each
   * entry what its key's field and its value's field hold.
   */
  range(map: Ref, { from, to, reverse }: Bounds, after: SortedKey | undefined, most: number): [key: number, value: RawValue][] {
    const layout = this.#layoutAt(map);
    const version = this.#versionOf(map);
    const found: [number, RawValue][] = [];
    const [begin, end] = reverse ? [after ?? to, from] : [after ?? from, to];
    const isOver = end === undefined ? undefined : this.#compare(layout, end);
    let entry = this.#begin(layout, version, begin, after !== undefined, reverse);
    for (; entry !== 0 && found.length < most; entry = this.#tree.advance(this.#path, reverse ? -1 : 1)) {
      const order = isOver?.(entry);
      if (order !== undefined && (reverse ? order < 0 : order >= 0)) break;
      found.push([layout.key.load(entry, layout.keyAt) as number, layout.value.load(entry, layout.valueAt)]);
    }
    return found;
  }

  /** The kinds of a map of that shape. */
  kindsOf(shape: Shape): { key: SortedKeyKind; value: ValueKind } {
    const { key, value } = this.#layoutOf(shape);
    return { key: key.kind as SortedKeyKind, value: value.kind };
  }

  /** Throws TypeError ERR_OPTION for a key of another kind. */
  expectKey(map: Ref, key: unknown, place: string): void {
    const wanted = this.#layoutAt(map).key.kind === 'string' ? 'string' : 'number';
    if (typeof key !== wanted) throw argumentTypeError(place, `a ${wanted}`, key);
  }

  /** The first entry from `begin` on, or behind it; in reverse, the last one below it. */
  #begin(layout: EntryLayout, version: Ref, begin: SortedKey | undefined, isBehind: boolean, reverse: boolean): Ref {
    const path = this.#path;
    if (begin === undefined) {
      const first = this.#tree.goTo(version, path, reverse ? 'behind' : 'first');
      return reverse ? this.#tree.advance(path, -1) : first;
    }
    const compare = this.#compare(layout, begin);
    const found = this.#tree.find(version, path, compare);
    if (reverse) return this.#tree.advance(path, -1);
    // At the end of a leaf, the next one begins behind the key.
    if (found === 0 || (isBehind && compare(found) === 0)) return this.#tree.advance(path, 1);
    return found;
  }

  /** Puts an entry with the value in the place of the key, or none for undefined, if the condition holds of the entry that is there. */
  #change(map: Ref, key: SortedKey, value: RawValue | undefined, condition: (layout: EntryLayout) => Matches): boolean {
    const layout = this.#layoutAt(map);
    this.expectKey(map, key, 'key of the map');
    if (value !== undefined) layout.value.check(value, 'value of the map');
    const mutator = this.#mutator;
    const changed = mutator.operation(() => {
      const held = mutator.temporary(map);
      const matches = condition(layout);
      const current = value === undefined ? undefined : holdValue(mutator, layout.value, value);
      const entry = mutator.temporary(0);
      if (current !== undefined) this.#makeEntry(layout, () => mutator.get(held), entry, key, current);
      const { temporaries } = mutator.handles;
      for (;;) {
        mutator.handles.keepTemporaries(temporaries);
        const version = mutator.temporary(this.#versionOf(mutator.get(held)));
        const present = this.#find(layout, mutator.get(version), key);
        if (!matches(present)) return false;
        if (present === 0 && current === undefined) return true;
        if (this.#replace(layout, held, version, key, current === undefined ? undefined : entry, present === 0 ? 0 : 1)) return true;
      }
    });
    mutator.passed();
    return changed;
  }

  /** Makes a version in which `entry` is in the place of what the key had in `version`, and the map's if that is still the one. */
  #replace(layout: EntryLayout, map: number, version: number, key: SortedKey, entry: number | undefined, removed: number): boolean {
    const mutator = this.#mutator;
    const tree = this.#tree;
    const changeNow = () => ({ removed, entry: entry === undefined ? undefined : mutator.get(entry) });
    const sizes: number[] = [];
    tree.build(mutator.get(version), this.#path, changeNow(), 0, (elements) => (sizes.push(elements), 0));
    const nodes = sizes.map((elements) => mutator.temporary(mutator.allocate(tree.node, elements)));
    const made = mutator.allocate(tree.version);
    // No safepoint from here on.
    this.#find(layout, mutator.get(version), key);
    tree.build(mutator.get(version), this.#path, changeNow(), made, () => mutator.get(nodes.shift()!));
    return mutator.compareExchangeReference(slotOf(mutator.get(map), this.#versionAt), mutator.get(version), made);
  }

  /** A new entry, which no other thread sees yet. Its key is the string of the entry that is there, or a new one. A safepoint. */
  #makeEntry(layout: EntryLayout, map: () => Ref, entry: number, key: SortedKey, value: () => RawValue): void {
    const mutator = this.#mutator;
    let storedKey: () => RawValue;
    if (layout.key.isReference) {
      const present = this.#find(layout, this.#versionOf(map()), key);
      const string = present === 0 ? this.#strings.allocate(key as string) : (layout.key.load(present, layout.keyAt) as Ref);
      storedKey = holdValue(mutator, layout.key, string);
    } else {
      storedKey = () => storedNumber(key as number);
    }
    mutator.set(entry, mutator.allocate(layout.entry));
    layout.key.store(mutator.get(entry), layout.keyAt, storedKey());
    layout.value.store(mutator.get(entry), layout.valueAt, value());
  }

  /** The key's entry, or 0. Leaves the path where it is, or where it would be. */
  #find(layout: EntryLayout, version: Ref, key: SortedKey): Ref {
    const compare = this.#compare(layout, key);
    const found = this.#tree.find(version, this.#path, compare);
    return found !== 0 && compare(found) === 0 ? found : 0;
  }

  #compare({ key: place, keyAt }: EntryLayout, key: SortedKey): Compare {
    if (typeof key === 'string') return (entry) => this.#strings.compareText(place.load(entry, keyAt) as Ref, key);
    return (entry) => compareNumbers(place.load(entry, keyAt) as number, key);
  }

  /** The load is ordered with the compare-and-swap that stored the version, so all that it leads to is complete. */
  #versionOf(map: Ref): Ref {
    return Atomics.load(this.#mutator.u32, slotOf(map, this.#versionAt));
  }

  #layoutAt(map: Ref): EntryLayout {
    const id = shapeIdOf(this.#mutator.u32, map);
    return this.#layouts[id] ?? this.#layoutOf(this.#shapes.numbered(id));
  }

  #layoutOf(map: Shape): EntryLayout {
    const known = this.#layouts[map.id];
    if (known !== undefined) return known;
    const [keyKind, valueKind] = map.name.slice('faultline.sorted-map.'.length).split('.') as [SortedKeyKind, ValueKind];
    if (!SORTED_KEY_KINDS.includes(keyKind) || !VALUE_KINDS.includes(valueKind)) {
      throw new HeapError('ERR_WRONG_SHAPE', `a sorted map of the heap is needed, not a ${map.name}.`);
    }
    const [key, value] = [new Place(this.#mutator, keyKind), new Place(this.#mutator, valueKind)];
    const entry = this.#shapes.define({
      name: `faultline.sorted-entry.${keyKind}.${valueKind}`,
      fields: { key: key.stored, value: value.stored },
    });
    const { key: keyAt, value: valueAt } = entry.offsets;
    return (this.#layouts[map.id] = { map, entry, key, value, keyAt, valueAt });
  }
}

/** NaN is behind all others, and equal to itself. */
function compareNumbers(a: number, b: number): number {
  if (a < b || (b !== b && a === a)) return -1;
  return a > b || (a !== a && b === b) ? 1 : 0;
}
