/**
 * Plain copies: objects of the heap as plain JavaScript values: for `view.toObject()`, for JSON, and to be looked at.
 *
 * Read by raw reference, breadth first, between two safepoints: nothing moves meanwhile, so an object is known by its reference, and what
 * is shared or circular in the heap is so in the copy. No view is made, hence no handle that would have to be released.
 */
import { classNamed, words } from '../inspection.ts';
import type { FieldKind, FieldType } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import { elementCountOf, shapeIdOf, slotOf } from '../heap/object.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import { isSmallInteger, smallInteger } from '../heap/tagged.ts';
import type { Ref } from '../heap/units.ts';
import type { ViewType } from './access.ts';
import type { Strings } from './strings.ts';

/** What a copy is for. */
export interface CopyForm {
  readonly purpose: 'object' | 'json' | 'inspection';
  /** How many references away from the first object others are copied. */
  readonly depth: number;
  /** How many elements of a run, or entries of a container. */
  readonly elements: number;
  /** How many objects altogether. */
  readonly objects: number;
}

/** Everything that can be reached, with BigInts, and with a Map for a map. */
export const OBJECT: CopyForm = { purpose: 'object', depth: Infinity, elements: Infinity, objects: Infinity };
/** The same for `JSON.stringify`: 64-bit integers are texts, and so are the keys of maps. */
export const JSON_FORM: CopyForm = { ...OBJECT, purpose: 'json' };

const MOST_SHOWN = 10_000;
const DEEPEST_SHOWN = 100;

/** As much as `util.inspect` is going to show, and never so much that looking at an object takes long. */
export function shownForm(depth: number, elements: number): CopyForm {
  return {
    purpose: 'inspection',
    depth: Math.min(depth, DEEPEST_SHOWN),
    elements: Math.min(elements, MOST_SHOWN),
    objects: MOST_SHOWN,
  };
}

/** How objects of a shape are copied that is not a program's: a container. */
export interface SpecialCopy {
  /** What it is called where it is looked at. */
  readonly name: string;
  /** Without its contents. */
  make(form: CopyForm, ref: Ref): object;
  /** Puts the contents in. Not a safepoint. */
  fill(copy: PlainCopy, ref: Ref, made: object): void;
}

/** @internal Elements: behind the fields, or of an array field. */
export interface CopiedRun {
  readonly type: ViewType;
  readonly kind: FieldKind | 'weak';
  readonly offset: number;
  /** Of an array field. */
  readonly length?: number | undefined;
}

/** @internal What there is to read from. */
export interface CopySource {
  readonly mutator: Mutator;
  readonly shapes: ShapeTable;
  readonly strings: Strings;
  /** The heap's memory. */
  readonly data: DataView;
  specialCopy(shape: Shape): SpecialCopy | undefined;
}

interface Pending {
  readonly ref: Ref;
  readonly shape: Shape;
  readonly made: object;
  readonly level: number;
}

/** @internal One copy, of an object and what it leads to. */
export class PlainCopy {
  readonly form: CopyForm;
  readonly #source: CopySource;
  readonly #made = new Map<Ref, object>();
  readonly #pending: Pending[] = [];
  #level = 0;

  constructor(source: CopySource, form: CopyForm) {
    this.#source = source;
    this.form = form;
  }

  /** Of the object at `ref`. Not a safepoint. */
  of(ref: Ref): unknown {
    return this.#finish(this.reference(ref));
  }

  /** Of the elements of one field, or behind the fields, of the object at `ref`. Not a safepoint. */
  ofElements(ref: Ref, run: CopiedRun): unknown[] {
    return this.#finish(this.#elements(ref, run, run.length ?? elementCountOf(this.#source.mutator.u32, ref)));
  }

  #finish<T>(copy: T): T {
    const pending = this.#pending;
    for (let i = 0; i < pending.length; i++) {
      const { ref, shape, made, level } = pending[i]!;
      this.#level = level;
      const special = this.#source.specialCopy(shape);
      if (special === undefined) this.#fill(ref, shape, made);
      else special.fill(this, ref, made);
    }
    return copy;
  }

  /** What a reference leads to; null for 0. What is in it comes later. */
  reference(ref: Ref): unknown {
    const { mutator, shapes, strings } = this.#source;
    if (ref === 0) return null;
    if (strings.isString(ref)) return strings.load(ref);
    const known = this.#made.get(ref);
    if (known !== undefined) return known;
    const shape = shapes.numbered(shapeIdOf(mutator.u32, ref));
    const level = this.#made.size === 0 ? 0 : this.#level + 1;
    if (level > this.form.depth || this.#made.size >= this.form.objects) return words(`[${shape.name}]`);
    const made = this.#source.specialCopy(shape)?.make(this.form, ref) ?? this.#empty(shape);
    this.#made.set(ref, made);
    this.#pending.push({ ref, shape, made, level });
    return made;
  }

  /** A number as it is in the copy. */
  number(value: number | bigint): unknown {
    return typeof value === 'bigint' && this.form.purpose === 'json' ? String(value) : value;
  }

  #empty(shape: Shape): object {
    return this.form.purpose === 'inspection' ? new (classNamed(shape.name, Object))() : {};
  }

  #fill(ref: Ref, shape: Shape, made: object): void {
    // In the order of the definition, not of the layout.
    for (const name of Object.keys(shape.definition.fields ?? {})) {
      const { type, kind, offset, length } = shape.field(name);
      const isArray = typeof type === 'object' && 'array' in type;
      put(made, name, isArray ? this.#elements(ref, { type: type.array, kind, offset }, length) : this.#value(ref, type, kind, offset));
    }
    const { elementKind: kind, elementsOffset: offset } = shape;
    const type = shape.definition.elements;
    if (kind === undefined || type === undefined || kind === 'ephemeron' || kind === 'finalizable') return;
    const count = elementCountOf(this.#source.mutator.u32, ref);
    put(made, 'elements', this.#elements(ref, { type: type as ViewType, kind, offset }, count));
  }

  #elements(ref: Ref, run: CopiedRun, count: number): unknown[] {
    const made: unknown[] = [];
    const copied = Math.min(count, this.form.elements);
    for (let i = 0; i < copied; i++) made.push(this.#value(ref, run.type, run.kind, run.offset + i));
    made.length = count;
    return made;
  }

  #value(ref: Ref, type: ViewType | FieldType, kind: FieldKind | 'weak', offset: number): unknown {
    const { mutator } = this.#source;
    if (kind === 'weak') return this.reference(mutator.readWeak(slotOf(ref, offset)));
    if (kind === 'ref') return this.reference(mutator.getReference(slotOf(ref, offset)));
    if (kind === 'tagged') {
      const value = mutator.getReference(slotOf(ref, offset));
      return isSmallInteger(value) ? smallInteger(value) : this.reference(value);
    }
    const number = this.#number(ref, kind, offset);
    return type === 'bool' ? number !== 0 : this.number(number);
  }

  #number(ref: Ref, kind: Exclude<FieldKind, 'ref' | 'tagged'>, offset: number): number | bigint {
    const { mutator, data } = this.#source;
    // Arrays of small numbers may end before the heap does.
    if (kind === 'u8') return data.getUint8(ref * 8 + offset);
    if (kind === 'i8') return data.getInt8(ref * 8 + offset);
    if (kind === 'u16') return data.getUint16(ref * 8 + offset * 2, true);
    if (kind === 'i16') return data.getInt16(ref * 8 + offset * 2, true);
    if (kind === 'u32' || kind === 'i32' || kind === 'f32') return mutator[kind][slotOf(ref, offset)]!;
    return mutator[kind][ref + offset]!;
  }
}

/** A property, whatever its name is. */
export function put(made: object, name: string, value: unknown): void {
  if (name !== '__proto__') (made as Record<string, unknown>)[name] = value;
  else Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
}
