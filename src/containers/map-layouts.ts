/**
 * Map layouts: what the operations on maps need for each pair of kinds. Its name says of a map's shape which kinds it has.
 */
import { HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Strings } from '../objects/strings.ts';
import { expectKind, KEY_KINDS, type KeyKind, Place, VALUE_KINDS, type ValueKind } from './kinds.ts';
import { type Keys, keysOf } from './map-keys.ts';

/** @internal Where the entries of a map have what; of every kind of map. */
export interface EntryLayout {
  readonly map: Shape;
  readonly entry: Shape;
  readonly key: Place;
  readonly value: Place;
  readonly keyAt: number;
  readonly valueAt: number;
}

/** @internal */
export interface MapLayout extends EntryLayout {
  readonly hashAt: number;
  readonly keys: Keys;
}

const mapDefinition = (key: KeyKind, value: ValueKind) =>
  ({ name: `faultline.map.${key}.${value}`, fields: { table: 'ref' } }) as const satisfies ShapeDefinition;

/** @internal The layouts of one mutator, made as they are needed. */
export class MapLayouts {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  readonly #strings: Strings;
  readonly #hash: KeyedHash;
  /** By the shape id of the map. */
  readonly #layouts: (MapLayout | undefined)[] = [];
  /** By the kinds, as in the name of the shape, so that making a map lays out nothing. */
  readonly #made = new Map<string, MapLayout>();
  /** The slot of every map's reference to its table. */
  readonly tableAt: number;

  constructor(mutator: Mutator, shapes: ShapeTable, strings: Strings, hash: KeyedHash) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.#strings = strings;
    this.#hash = hash;
    this.tableAt = shapes.define(mapDefinition('ref', 'ref')).offsets.table;
  }

  /** For maps of these kinds. Throws RangeError ERR_OPTION for a kind that does not exist. */
  for(key: KeyKind, value: ValueKind): MapLayout {
    expectKind(key, KEY_KINDS, 'kind of the keys');
    expectKind(value, VALUE_KINDS, 'kind of the values');
    const kinds = `${key}.${value}`;
    let layout = this.#made.get(kinds);
    if (layout === undefined) this.#made.set(kinds, (layout = this.of(this.#shapes.define(mapDefinition(key, value)))));
    return layout;
  }

  /** For maps whose shape has that id. Throws ERR_WRONG_SHAPE if it is none of a map. */
  numbered(id: number): MapLayout {
    return this.#layouts[id] ?? this.of(this.#shapes.numbered(id));
  }

  of(map: Shape): MapLayout {
    const known = this.#layouts[map.id];
    if (known !== undefined) return known;
    const [keyKind, valueKind] = KEY_KINDS.flatMap((key) => VALUE_KINDS.map((value) => [key, value] as const)).find(
      ([key, value]) => mapDefinition(key, value).name === map.name,
    ) ?? [undefined, undefined];
    if (keyKind === undefined) throw new HeapError('ERR_WRONG_SHAPE', `a map of the heap is needed, not a ${map.name}.`);
    const [key, value] = [new Place(this.#mutator, keyKind), new Place(this.#mutator, valueKind)];
    const entry = this.#shapes.define({
      name: `faultline.map-entry.${keyKind}.${valueKind}`,
      fields: { key: key.stored, value: value.stored, hash: 'u32' },
    });
    const { key: keyAt, value: valueAt, hash: hashAt } = entry.offsets;
    const keys = keysOf(keyKind, this.#mutator, this.#strings, this.#hash);
    return (this.#layouts[map.id] = { map, entry, key, value, keyAt, valueAt, hashAt, keys });
  }
}
