/**
 * Copies in: plain JavaScript objects, with all that they refer to, as objects of the heap; plain-copy.ts the other way round.
 *
 *     1. read    every plain object that is to become an object, and its shape. The program's getters run here, and nowhere else
 *     2. make    the objects, each with a slot of a root range
 *     3. fill    the fields: references by slots, all else through one cursor for each shape
 *
 * So neither a handle nor a frame of the stack is needed for each object, and an object that occurs twice becomes one. The root range is
 * the mutator's; what a copy that was interrupted has left in it is let go of when the next begins.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { FieldType } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import { slotOf } from '../heap/object.ts';
import type { RootRange } from '../heap/root-range.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { targetOf, type ViewType } from './access.ts';
import type { Elements } from './elements.ts';
import { type ObjectCursor, ObjectView } from './object-view.ts';
import { unknownField } from './sealing.ts';

/** @internal What copying in needs of the objects level. */
export interface CopyTarget {
  readonly mutator: Mutator;
  readonly shapes: ShapeTable;
  /** Throws unless it is a shape of this heap that a program can make objects of. */
  expectShape(shape: Shape): void;
  cursor(shape: Shape): ObjectCursor;
  storedText(text: unknown, place: string): Ref;
  viewOf(ref: Ref): ObjectView;
}

/** A plain object: which object of the copy it becomes. */
class Child {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Of one field, or of the elements: values, or one for each element. Plain objects are {@link Child}ren. */
interface ReadValue {
  /** Undefined for the elements. */
  readonly name: string | undefined;
  readonly value: unknown;
  readonly isRun: boolean;
}

interface Read {
  readonly shape: Shape;
  readonly count: number;
  readonly values: readonly ReadValue[];
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !(value instanceof ObjectView);

/** @internal Of one mutator. */
export class CopyIn {
  readonly #target: CopyTarget;
  #roots: RootRange | undefined;

  constructor(target: CopyTarget) {
    this.#target = target;
  }

  /** An object of that shape, as a view. A safepoint. */
  copy(shape: Shape, value: unknown): ObjectView {
    const read = new Reader(this.#target).all(shape, value);
    const { mutator } = this.#target;
    const roots = this.#rootsFor(read.length);
    const cursors = new Map<Shape, ObjectCursor>();
    try {
      for (const [i, { shape, count }] of read.entries()) {
        roots.slots[i] = mutator.allocate(shape, count);
        roots.used = i + 1;
      }
      for (const [i, { shape, values }] of read.entries()) {
        let cursor = cursors.get(shape);
        if (cursor === undefined) cursors.set(shape, (cursor = this.#target.cursor(shape)));
        for (const { name, value, isRun } of values) {
          if (isRun) (value as unknown[]).forEach((element, index) => this.#store(roots.slots, i, cursor, name, element, index));
          else this.#store(roots.slots, i, cursor, name, value, undefined);
        }
      }
      return this.#target.viewOf(roots.slots[0]!);
    } finally {
      for (const cursor of cursors.values()) cursor.release();
      roots.used = 0;
    }
  }

  #store(slots: Uint32Array, at: number, cursor: ObjectCursor, name: string | undefined, value: unknown, index: number | undefined): void {
    const { shape } = cursor;
    const field = name === undefined ? undefined : shape.field(name);
    const offset = (field?.offset ?? shape.elementsOffset) + (index ?? 0);
    const { mutator } = this.#target;
    if (value instanceof Child) {
      mutator.setReference(slotOf(slots[at]!, offset), slots[value.index]!);
    } else if (typeof value === 'string' && (field?.kind ?? shape.elementKind) === 'ref') {
      const text = this.#target.storedText(value, shape.name);
      // Where the object is after that.
      mutator.setReference(slotOf(slots[at]!, offset), text);
    } else {
      cursor.moveTo(slots[at]!);
      const run = name === undefined ? cursor.elements : (cursor as unknown as Record<string, unknown>)[name];
      if (index !== undefined) (run as Elements<unknown>).set(index, value);
      else (cursor as unknown as Record<string, unknown>)[name!] = value;
    }
  }

  #rootsFor(count: number): RootRange {
    const known = this.#roots;
    if (known !== undefined && known.slots.length >= count) {
      known.used = 0;
      return known;
    }
    const made = this.#target.mutator.createRootRange(2 ** Math.ceil(Math.log2(count + 1)));
    this.#roots = made;
    known?.release();
    return made;
  }
}

/** Pass 1. */
class Reader {
  readonly #target: CopyTarget;
  readonly #known = new Map<object, { readonly child: Child; readonly shape: Shape }>();
  /** By index of the child. */
  readonly #left: { readonly shape: Shape; readonly value: object }[] = [];

  constructor(target: CopyTarget) {
    this.#target = target;
  }

  all(shape: Shape, value: unknown): Read[] {
    this.#target.expectShape(shape);
    this.#child(shape, value, `value of ${shape.name}`);
    const read: Read[] = [];
    for (let i = 0; i < this.#left.length; i++) read.push(this.#read(this.#left[i]!));
    return read;
  }

  #child(shape: Shape, value: unknown, place: string): Child {
    if (!isPlain(value) || Array.isArray(value)) throw argumentTypeError(place, 'a plain object', value);
    const known = this.#known.get(value);
    if (known !== undefined) {
      if (known.shape === shape) return known.child;
      throw argumentRangeError(place, `an object of shape ${shape.name}`, `one that is of shape ${known.shape.name} elsewhere`);
    }
    const child = new Child(this.#left.length);
    this.#known.set(value, { child, shape });
    this.#left.push({ shape, value });
    return child;
  }

  #read({ shape, value }: { shape: Shape; value: object }): Read {
    const { elements } = shape.definition;
    let count = 0;
    const values = Object.entries(value).flatMap(([name, given]): ReadValue[] => {
      const place = `${shape.name}.${name}`;
      const field = shape.fields.get(name);
      if (given === undefined && (field !== undefined || name === 'elements')) return [];
      if (field !== undefined) {
        const { type, length } = field;
        if (typeof type !== 'object' || !('array' in type)) {
          return [{ name, value: this.#value(shape, type, given, place), isRun: false }];
        }
        const run = this.#run(shape, type.array, given, place);
        if (run.length > length) throw argumentRangeError(`length of ${place}`, `at most ${length}`, run.length);
        return [{ name, value: run, isRun: true }];
      }
      if (name !== 'elements' || elements === undefined) throw unknownField(shape, name);
      const run = this.#run(shape, elements as ViewType, given, place);
      count = run.length;
      return [{ name: undefined, value: run, isRun: true }];
    });
    return { shape, count, values };
  }

  #run(shape: Shape, type: ViewType, given: unknown, place: string): unknown[] {
    if (!isPlain(given) || typeof (given as ArrayLike<unknown>).length !== 'number') throw argumentTypeError(place, 'an array', given);
    return Array.from(given as ArrayLike<unknown>, (element, i) => this.#value(shape, type, element, `${place}[${i}]`));
  }

  #value(shape: Shape, type: FieldType | ViewType, value: unknown, place: string): unknown {
    if (type === 'i64' || type === 'u64') return toBigInt(value, place);
    if (!isPlain(value)) return value;
    const target = targetOf(type as ViewType, shape.name);
    if (target === undefined) throw argumentTypeError(place, 'a view, or no object: of a plain object its shape is not known here', value);
    const wanted = target === shape.name ? shape : this.#target.shapes.named(target);
    this.#target.expectShape(wanted);
    return this.#child(wanted, value, place);
  }
}

/** As `toJSON` writes it, or as it was written for a program that has no BigInts. */
function toBigInt(value: unknown, place: string): unknown {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  if (typeof value !== 'number') return value;
  if (!Number.isSafeInteger(value)) throw argumentRangeError(place, 'a safe integer, a text of digits, or a BigInt', value);
  return BigInt(value);
}
