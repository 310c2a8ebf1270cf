/**
 * Shapes: the object model. A shape names its fields, and optionally a run of elements behind them.
 *
 *     u32 slot   0          1               2 …                …
 *                shape id   element count   reference fields   other fields, largest first   elements
 *
 * References come first, so that the collector's map of a shape is one number. Offsets are counted in units of the field's
 * own size from the object's start, so that an index into the fitting typed array is `ref * (8 / size) + offset`.
 */
import type { Binding, HeapHandle } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError } from '../errors.ts';
import { WORD_BYTES } from './layout.ts';
import type { Ref } from './units.ts';

/** What a field or an element holds; `tagged`: a reference or a small integer (tagged.ts). */
export type FieldKind = 'ref' | 'tagged' | 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'i64' | 'u64' | 'f64';

/**
 * What only elements hold. `weak`: references that keep nothing alive, read with `mutator.readWeak`. The others are for tables of
 * this library.
 */
export type ElementKind = FieldKind | 'weak' | 'ephemeron' | 'finalizable';

const BYTES_LOG2: Readonly<Record<ElementKind, number>> = {
  ref: 2,
  tagged: 2,
  weak: 2,
  ephemeron: 3,
  finalizable: 2,
  i8: 0,
  u8: 0,
  i16: 1,
  u16: 1,
  i32: 2,
  u32: 2,
  f32: 2,
  i64: 3,
  u64: 3,
  f64: 3,
};

const ELEMENTS_NONE = 0;
const ELEMENTS_DATA = 1;
/** The others, as ElementKind in native/heap/shapes.h numbers them. */
const ELEMENTS: Readonly<Partial<Record<ElementKind, number>>> = { ref: 2, tagged: 3, weak: 4, ephemeron: 5, finalizable: 6 };
const ELEMENTS_ONLY: ReadonlySet<string> = new Set(['weak', 'ephemeron', 'finalizable']);

const HEADER_BYTES = WORD_BYTES;
/** An element count is a u32, and an object fits the largest heap. */
export const MAX_ELEMENTS = 2 ** 32 - 1;
const MAX_FIELDS = 4096;
/** Where layOut puts the identity hash meanwhile; not a name that a program could choose. */
const IDENTITY = Symbol('identity hash') as unknown as string;

export interface ShapeDefinition {
  /** Unique in the heap. */
  readonly name: string;
  /** In any order; the layout is chosen for them. */
  readonly fields?: Readonly<Record<string, FieldKind>>;
  /** The kind of the elements behind the fields, if there are any; their number is chosen per object. */
  readonly elements?: ElementKind;
  /**
   * Objects have an identity hash (`mutator.identityHash`) and can be keys of weak maps. Costs a u32 in shapes with elements; objects
   * without elements have one anyway.
   */
  readonly identityHash?: boolean;
}

/** Where a field lies. */
export interface Field {
  readonly kind: FieldKind;
  /** In units of the field's own size from the object's start. */
  readonly offset: number;
}

/** A registered shape. Immutable, and the same in every thread. */
export class Shape {
  /** What the header's first u32 says. */
  readonly id: number;
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** Number of reference fields; they fill the u32 slots from 2 on. */
  readonly refCount: number;
  /** Number of tagged fields; they fill the u32 slots behind the reference fields. */
  readonly taggedCount: number;
  /** The u32 slot of the identity hash, from the object's start; 0 when there is none. */
  readonly identitySlot: number;
  /** Words of the header and the fields. */
  readonly fixedWords: number;
  readonly elementKind: ElementKind | undefined;
  /** Of the first element, in units of an element from the object's start. */
  readonly elementsOffset: number;
  readonly #elementBytesLog2: number;

  /** @internal */
  constructor(id: number, name: string, layout: ShapeLayout) {
    this.id = id;
    this.name = name;
    this.fields = layout.fields;
    this.refCount = layout.refCount;
    this.taggedCount = layout.taggedCount;
    this.identitySlot = layout.identitySlot;
    this.fixedWords = layout.fixedWords;
    this.elementKind = layout.elementKind;
    this.#elementBytesLog2 = layout.elementBytesLog2;
    this.elementsOffset = (layout.fixedWords * WORD_BYTES) >>> layout.elementBytesLog2;
  }

  /** The field's kind and offset. Throws ERR_OPTION when there is none of that name. */
  field(name: string): Field {
    const field = this.fields.get(name);
    if (field === undefined) {
      throw argumentRangeError(`field of shape ${this.name}`, `one of ${[...this.fields.keys()].join(', ')}`, name);
    }
    return field;
  }

  /** Size of an object with `count` elements, in words. */
  words(count: number): number {
    if (this.elementKind === undefined) return this.fixedWords;
    return this.fixedWords + Math.ceil((count * 2 ** this.#elementBytesLog2) / WORD_BYTES);
  }

  /** Index into `mutator.u32` of reference field number `index` of the object. */
  refSlot(ref: Ref, index: number): number {
    return ref * 2 + 2 + index;
  }
}

/** @internal What a definition comes to. */
export interface ShapeLayout {
  readonly fields: ReadonlyMap<string, Field>;
  readonly refCount: number;
  readonly taggedCount: number;
  readonly identitySlot: number;
  readonly fixedWords: number;
  readonly elementKind: ElementKind | undefined;
  readonly elementBytesLog2: number;
}

/** @internal Checks a definition and lays it out. */
export function layOut(definition: ShapeDefinition): ShapeLayout {
  const entries = Object.entries(definition.fields ?? {});
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw argumentTypeError('shape.name', 'a non-empty string', definition.name);
  }
  if (entries.length > MAX_FIELDS) throw argumentRangeError('shape.fields', `at most ${MAX_FIELDS} fields`, entries.length);
  for (const [name, kind] of [...entries, ['elements', definition.elements] as const]) {
    if (kind === undefined) continue;
    if (!Object.hasOwn(BYTES_LOG2, kind) || (name !== 'elements' && ELEMENTS_ONLY.has(kind))) {
      const accepted = Object.keys(BYTES_LOG2).filter((known) => !ELEMENTS_ONLY.has(known) || (name === 'elements' && known === 'weak'));
      throw argumentRangeError(`kind of ${definition.name}.${name}`, `one of ${accepted.join(', ')}`, kind);
    }
  }
  const rank = (kind: FieldKind): number => (kind === 'ref' ? 5 : kind === 'tagged' ? 4 : BYTES_LOG2[kind]);
  const needsField = definition.identityHash === true && definition.elements !== undefined;
  const all: readonly (readonly [string, FieldKind])[] = needsField ? [...entries, [IDENTITY, 'u32']] : entries;
  const ordered = all.toSorted(([, a], [, b]) => rank(b) - rank(a));
  const fields = new Map<string, Field>();
  let at = HEADER_BYTES;
  for (const [name, kind] of ordered) {
    const bytes = 2 ** BYTES_LOG2[kind];
    at = Math.ceil(at / bytes) * bytes;
    fields.set(name, { kind, offset: at / bytes });
    at += bytes;
  }
  const identity = fields.get(IDENTITY);
  fields.delete(IDENTITY);
  return {
    fields,
    taggedCount: entries.filter(([, kind]) => kind === 'tagged').length,
    identitySlot: definition.elements === undefined ? 1 : (identity?.offset ?? 0),
    refCount: entries.filter(([, kind]) => kind === 'ref').length,
    fixedWords: Math.ceil(at / WORD_BYTES),
    elementKind: definition.elements,
    elementBytesLog2: definition.elements === undefined ? 0 : BYTES_LOG2[definition.elements],
  };
}

/** @internal The shapes of one heap, as one thread knows them. */
export class ShapeTable {
  readonly #binding: Binding;
  readonly #heap: HeapHandle;
  readonly #byName = new Map<string, Shape>();
  readonly #byId = new Map<number, Shape>();

  constructor(native: Binding, heap: HeapHandle) {
    this.#binding = native;
    this.#heap = heap;
  }

  define(definition: ShapeDefinition): Shape {
    const layout = layOut(definition);
    // Key order counts: it is part of what makes two definitions the same.
    const description = JSON.stringify({
      fields: definition.fields ?? {},
      elements: definition.elements,
      ...(definition.identityHash === true ? { identityHash: true } : {}),
    });
    const kind = layout.elementKind === undefined ? ELEMENTS_NONE : (ELEMENTS[layout.elementKind] ?? ELEMENTS_DATA);
    const id = this.#binding.defineShape(
      this.#heap,
      definition.name,
      description,
      layout.fixedWords,
      layout.refCount,
      kind,
      layout.elementBytesLog2,
      layout.taggedCount,
      layout.identitySlot,
    );
    if (id === 0) throw this.#refused(definition.name, description);
    return this.#byId.get(id) ?? this.#remember(new Shape(id, definition.name, layout));
  }

  named(name: string): Shape {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const found = this.#binding.findShape(this.#heap, name);
    if (found === null) {
      throw new HeapError('ERR_SHAPE_UNKNOWN', `no shape is called ${JSON.stringify(name)} in this heap; define it first.`);
    }
    return this.#rebuild(found);
  }

  /** The shape of an object's header. */
  numbered(id: number): Shape {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const found = this.#binding.findShape(this.#heap, id);
    if (found === null) throw new HeapError('ERR_SHAPE_UNKNOWN', `no shape has the id ${id} in this heap.`);
    return this.#rebuild(found);
  }

  #rebuild(found: { id: number; name: string; description: string }): Shape {
    const definition = JSON.parse(found.description) as Omit<ShapeDefinition, 'name'>;
    return this.#remember(new Shape(found.id, found.name, layOut({ ...definition, name: found.name })));
  }

  #remember(shape: Shape): Shape {
    this.#byName.set(shape.name, shape);
    this.#byId.set(shape.id, shape);
    return shape;
  }

  #refused(name: string, description: string): HeapError {
    const taken = this.#binding.findShape(this.#heap, name);
    if (taken === null) {
      return new HeapError('ERR_SHAPES_EXHAUSTED', 'a heap has room for about a million shapes, and all are taken.');
    }
    return new HeapError(
      'ERR_SHAPE_CONFLICT',
      `a shape called ${JSON.stringify(name)} exists with another layout: ${taken.description}, not ${description}. ` +
        'Use another name, or the same definition in every thread.',
    );
  }
}
