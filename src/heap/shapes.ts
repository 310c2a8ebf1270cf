/**
 * Shapes: the object model. A shape names its fields, and optionally a run of elements after them.
 *
 *     u32 slot   0          1               2 …                …
 *                shape id   element count   reference fields   other fields, largest first   elements
 *
 * References come first, so that the collector's map of a shape is one number. Offsets are counted in units of the field's own size from
 * the object's start, so that an index into the matching typed array is `ref * (8 / size) + offset`.
 */
import type { Binding, NativeHeap } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError } from '../errors.ts';
import type { ElementsOnlyKind, ElementType, FieldKind, FieldsOf, FieldType, ShapeDefinition } from './definition.ts';
import { INSPECT, named, size } from '../inspection.ts';
import { CONTROL_LEAF_TLAB_TOP, CONTROL_TLAB_TOP, WORD_BYTES } from '../binding/layout.ts';
import type { Ref } from './units.ts';
import { slotOf } from './object.ts';

export type { FieldKind, ShapeDefinition } from './definition.ts';

/** What the elements of a shape hold. */
export type ElementKind = FieldKind | ElementsOnlyKind;

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
/** The other kinds, as ElementKind in native/heap/shapes.h numbers them. */
const ELEMENTS: Readonly<Partial<Record<ElementKind, number>>> = { ref: 2, tagged: 3, weak: 4, ephemeron: 5, finalizable: 6 };
const ELEMENTS_ONLY: ReadonlySet<string> = new Set(['weak', 'ephemeron', 'finalizable']);

const HEADER_BYTES = WORD_BYTES;
/** An element count is a u32, and an object fits the largest heap. */
const MAX_ELEMENTS = 2 ** 32 - 1;
const MAX_FIELDS = 4096;
const DEFINITION_PARTS: readonly string[] = ['name', 'fields', 'elements', 'identityHash'];
/** The name under which layOut places the identity hash; not one that a program could choose. */
const IDENTITY = Symbol('identity hash') as unknown as string;
const MAX_ARRAY_LENGTH = 65_536;
/** Far more than fields need, and far less than a region holds. */
const MAX_FIXED_BYTES = 256 * 1024;

/** Where a field is, and its kind for the typed arrays. */
export interface Field {
  /** A boolean is a `u8`, every reference and string a `ref`. */
  readonly kind: FieldKind;
  /** In units of the field's own size from the object's start. */
  readonly offset: number;
  /** The type in the definition. */
  readonly type: FieldType;
  /** Number of elements of a fixed-length array, else 1. */
  readonly length: number;
}

/** Offsets of all fields by name; constants for raw access in hot loops. */
export type Offsets<D extends ShapeDefinition> = { readonly [Name in keyof FieldsOf<D>]: number };

/** A registered shape. Immutable, and the same in every thread. */
export class Shape<D extends ShapeDefinition = ShapeDefinition> {
  /** The first u32 of the header. */
  readonly id: number;
  /** The name in the definition, unique in the heap. */
  readonly name: D['name'];
  /** The definition of the shape. */
  readonly definition: D;
  /** Kind, offset and type of each field, by name. */
  readonly fields: ReadonlyMap<string, Field>;
  /** `field(name).offset` of each field, in units of the field's own size from the object's start. */
  readonly offsets: Offsets<D>;
  /** Number of reference fields; they fill the u32 slots from 2 on. */
  readonly refCount: number;
  /** Number of tagged fields; they fill the u32 slots after the reference fields. */
  readonly taggedCount: number;
  /** The u32 slot of the identity hash, from the object's start; 0 when there is none. */
  readonly identitySlot: number;
  /** Words of the header and the fields. */
  readonly fixedWords: number;
  /** The kind of the elements after the fields; undefined when there are none. */
  readonly elementKind: ElementKind | undefined;
  /** The offset of the first element, in units of an element from the object's start. */
  readonly elementsOffset: number;
  /** Bytes of one element; 1 without elements. */
  readonly elementBytes: number;
  /** Whether its objects hold no references, whether strong, tagged or weak: the collector never looks for any in them. */
  readonly isLeaf: boolean;
  /** @internal Where its objects are allocated: the index of a buffer's top in the control block, the limit behind it. */
  readonly tlabTop: number;

  /** @internal */
  constructor(id: number, definition: D, layout: ShapeLayout, tlabTop: number) {
    this.id = id;
    this.name = definition.name;
    this.definition = definition;
    this.fields = layout.fields;
    this.offsets = Object.freeze(Object.fromEntries([...layout.fields].map(([name, { offset }]) => [name, offset]))) as Offsets<D>;
    this.refCount = layout.refCount;
    this.taggedCount = layout.taggedCount;
    this.identitySlot = layout.identitySlot;
    this.fixedWords = layout.fixedWords;
    this.elementKind = layout.elementKind;
    this.elementBytes = 1 << layout.elementBytesLog2;
    this.isLeaf = layout.isLeaf;
    this.tlabTop = tlabTop;
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
    return this.fixedWords + Math.ceil((count * this.elementBytes) / WORD_BYTES);
  }

  /** @internal */
  [INSPECT](): object {
    const { fields, elements } = this.definition;
    return named('Shape', {
      name: this.name,
      id: this.id,
      fields,
      ...(elements === undefined ? {} : { elements }),
      size: size(this.fixedWords * WORD_BYTES),
    });
  }

  /** Index into `mutator.u32` of reference field number `index` of the object. */
  refSlot(ref: Ref, index: number): number {
    return slotOf(ref, 2 + index);
  }
}

/** @internal The layout that follows from a definition. */
export interface ShapeLayout {
  readonly fields: ReadonlyMap<string, Field>;
  readonly refCount: number;
  readonly taggedCount: number;
  readonly identitySlot: number;
  readonly fixedWords: number;
  readonly elementKind: ElementKind | undefined;
  readonly elementBytesLog2: number;
  readonly isLeaf: boolean;
}

/** @internal Checks a definition and lays it out. */
export function layOut(definition: ShapeDefinition): ShapeLayout {
  if (typeof definition !== 'object' || definition === null) throw argumentTypeError('definition of a shape', 'an object', definition);
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw argumentTypeError('shape.name', 'a non-empty string', definition.name);
  }
  const unknown = Object.keys(definition).find((part) => !DEFINITION_PARTS.includes(part));
  if (unknown !== undefined) throw argumentRangeError(`part of shape ${definition.name}`, `one of ${DEFINITION_PARTS.join(', ')}`, unknown);
  const { fields: given = {}, identityHash = false } = definition;
  if (typeof given !== 'object' || given === null) throw argumentTypeError(`fields of ${definition.name}`, 'an object', given);
  if (typeof identityHash !== 'boolean') throw argumentTypeError(`identityHash of ${definition.name}`, 'true or false', identityHash);
  const entries = Object.entries(given).map(([name, type]) => {
    const place = `${definition.name}.${name}`;
    return { name, type, ...(isArray(type) ? arrayOf(place, type) : { kind: kindOf(place, type, true), length: 1 }) };
  });
  if (entries.length > MAX_FIELDS) throw argumentRangeError('shape.fields', `at most ${MAX_FIELDS} fields`, entries.length);
  const elementKind = definition.elements === undefined ? undefined : elementKindOf(definition.name, definition.elements);
  if (definition.identityHash === true && elementKind !== undefined) entries.push({ name: IDENTITY, type: 'u32', kind: 'u32', length: 1 });
  const rank = (kind: FieldKind): number => (kind === 'ref' ? 5 : kind === 'tagged' ? 4 : BYTES_LOG2[kind]);
  const slotsOf = (wanted: FieldKind): number => entries.reduce((count, { kind, length }) => count + (kind === wanted ? length : 0), 0);
  const fields = new Map<string, Field>();
  let at = HEADER_BYTES;
  for (const { name, type, kind, length } of entries.toSorted((a, b) => rank(b.kind) - rank(a.kind))) {
    // Shifts, because V8 keeps the results of `**` and `/` in floating point, and index computations in hot loops with them.
    const log2 = BYTES_LOG2[kind];
    const offset = (at + (1 << log2) - 1) >>> log2;
    fields.set(name, { kind, offset, type, length });
    at = (offset + length) << log2;
  }
  if (at > MAX_FIXED_BYTES) {
    throw argumentRangeError(`size of the fields of ${definition.name}`, `at most ${MAX_FIXED_BYTES} bytes`, at);
  }
  const refCount = slotsOf('ref');
  const taggedCount = slotsOf('tagged');
  const identity = fields.get(IDENTITY);
  fields.delete(IDENTITY);
  return {
    fields,
    refCount,
    taggedCount,
    identitySlot: elementKind === undefined ? 1 : (identity?.offset ?? 0),
    fixedWords: (at + WORD_BYTES - 1) >>> 3,
    elementKind,
    elementBytesLog2: elementKind === undefined ? 0 : BYTES_LOG2[elementKind],
    isLeaf: refCount + taggedCount === 0 && (elementKind === undefined || ELEMENTS[elementKind] === undefined),
  };
}

const isArray = (type: FieldType): type is Extract<FieldType, { array: unknown }> =>
  typeof type === 'object' && type !== null && 'array' in type;

function elementKindOf(shape: string, type: ElementType | ElementsOnlyKind): ElementKind {
  return ELEMENTS_ONLY.has(type as string) ? (type as ElementsOnlyKind) : kindOf(`${shape}.elements`, type as ElementType, false);
}

function kindOf(place: string, type: FieldType, isField: boolean): FieldKind {
  if (typeof type === 'string') {
    if (Object.hasOwn(BYTES_LOG2, type) && !ELEMENTS_ONLY.has(type)) return type as FieldKind;
    if (type === 'bool') return 'u8';
    if (type === 'self' || (type === 'string' && isField)) return 'ref';
  } else if (typeof type === 'object' && type !== null && 'ref' in type && typeof type.ref === 'string' && type.ref !== '') {
    return 'ref';
  }
  const kinds = Object.keys(BYTES_LOG2).filter((kind) => !ELEMENTS_ONLY.has(kind));
  const accepted = [...kinds, 'bool', 'self', ...(isField ? ['string', 'array(kind, length)'] : []), 'ref(shape)'];
  throw argumentRangeError(`kind of ${place}`, `one of ${accepted.join(', ')}`, typeof type === 'object' ? JSON.stringify(type) : type);
}

function arrayOf(place: string, { array, length }: { array: ElementType; length: number }): { kind: FieldKind; length: number } {
  if (!Number.isInteger(length) || length < 1 || length > MAX_ARRAY_LENGTH) {
    throw argumentRangeError(`length of ${place}`, `an integer from 1 to ${MAX_ARRAY_LENGTH}`, length);
  }
  return { kind: kindOf(place, array, false), length };
}

/** The parts of a definition that make two definitions equal, in key order, which matters. */
function describe({ fields = {}, elements, identityHash }: ShapeDefinition): string {
  const plain = (type: FieldType): unknown => {
    if (typeof type === 'string') return type;
    return isArray(type) ? { array: plain(type.array), length: type.length } : { ref: type.ref };
  };
  return JSON.stringify({
    fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, plain(type)])),
    elements: elements === undefined ? undefined : plain(elements as FieldType),
    ...(identityHash === true ? { identityHash: true } : {}),
  });
}

/** @internal The shapes of one heap that one thread knows. */
export class ShapeTable {
  readonly #binding: Binding;
  readonly #heap: NativeHeap;
  /** Of shapes that are leaves. */
  readonly leafTlabTop: number;
  readonly #byName = new Map<string, Shape>();
  readonly #byId = new Map<number, Shape>();

  /** `separatesKinds`: objects without references are allocated apart from others. */
  constructor(native: Binding, heap: NativeHeap, separatesKinds: boolean) {
    this.#binding = native;
    this.#heap = heap;
    this.leafTlabTop = separatesKinds ? CONTROL_LEAF_TLAB_TOP : CONTROL_TLAB_TOP;
  }

  define<D extends ShapeDefinition>(definition: D): Shape<D> {
    const layout = layOut(definition);
    const description = describe(definition);
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
      layout.isLeaf,
    );
    if (id === 0) throw this.#refused(definition.name, description);
    // The same name and description: the same definition, so the same static type.
    return (this.#byId.get(id) as Shape<D> | undefined) ?? this.#remember(id, definition, layout);
  }

  has(shape: Shape): boolean {
    return this.#byId.get(shape.id) === shape;
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
    if (!Number.isInteger(id)) throw argumentTypeError('shape', 'a name, or an id from the header of an object', id);
    const found = this.#binding.findShape(this.#heap, id);
    if (found === null) throw new HeapError('ERR_SHAPE_UNKNOWN', `no shape has the id ${id} in this heap.`);
    return this.#rebuild(found);
  }

  #rebuild(found: { id: number; name: string; description: string }): Shape {
    const definition = { ...(JSON.parse(found.description) as Omit<ShapeDefinition, 'name'>), name: found.name };
    return this.#remember(found.id, definition, layOut(definition));
  }

  #remember<D extends ShapeDefinition>(id: number, definition: D, layout: ShapeLayout): Shape<D> {
    const shape = new Shape(id, definition, layout, layout.isLeaf ? this.leafTlabTop : CONTROL_TLAB_TOP);
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

/** The words of an object with that many elements. Throws if it is not a shape, has no elements, or cannot have that many. */
export function wordsWithElements(shape: Shape, count: number): number {
  if (!(shape instanceof Shape)) throw argumentTypeError('shape', 'a shape of the heap', shape);
  if (shape.elementKind === undefined || !Number.isInteger(count) || count < 0 || count > MAX_ELEMENTS) {
    const accepted = shape.elementKind === undefined ? '0 (the shape has no elements)' : 'an integer from 0 to 2^32 - 1';
    throw argumentRangeError(`element count of ${shape.name}`, accepted, count);
  }
  return shape.words(count);
}
