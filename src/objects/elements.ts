/**
 * Elements: a run of values in an object, after its fields or in an array field. It follows the view from which it was taken, wherever that
 * leads, and costs nothing to keep. The accesses are generated (view-source.ts); the operations built on them are here.
 *
 * Copies use `set` of typed arrays, which V8 does in C++, where a page that is not finished faults like anywhere else. References are never
 * copied in bulk: V8 may copy byte by byte, and the collector would see half a reference.
 */
import { argumentRangeError, argumentTypeError, valueText } from '../errors.ts';
import { INSPECT } from '../inspection.ts';
import { isReference, type ViewType } from './access.ts';
import { expectBody, indexFor, rangeFor } from './namesakes.ts';
import { type ObjectView, OWNER } from './object-view.ts';
import type { CopiedRun } from './plain-copy.ts';
import { INDEXED, noIndexing, noProperty, seal, UNKNOWN } from './sealing.ts';

/** @internal The view that has these elements. */
export const OF = Symbol('of');
/** @internal Byte index of the first element, from the heap's word 0, until the next safepoint. */
export const BEGIN = Symbol('begin');
/** @internal Makes the elements those of another array. */
export const ASSIGN = Symbol('assign');
/** @internal On the prototype: the class of typed arrays of the same kind; undefined for references and truth values. */
export const BULK = Symbol('bulk');
/** @internal On the prototype: the heap's memory. */
export const MEMORY = Symbol('memory');

type TypedArray = Exclude<ArrayLike<number | bigint>, readonly number[]> & { set(source: unknown, at?: number): void };
type TypedArrayClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TypedArray;

/** `Uint8Array` and the like, of whichever realm (vm context) the array is; undefined for anything else. */
const typedArrayName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get as (
  this: unknown,
) => string | undefined;

/** @internal On the prototype: which elements they are. */
export const RUN = Symbol('run');
/** @internal On the prototype: what they are called in errors. */
export const PLACE = Symbol('place');

/** Like that of a view. */
const NOT_CLONEABLE = Symbol('elements stay on their thread: post heap.offer(view) of their object, or elements.toArray()');

/** Values of an object by index. Each access is checked against the length, and throws RangeError ERR_OPTION. */
export abstract class Elements<V> implements Iterable<V> {
  /** @internal */
  readonly [OF]: ObjectView;
  /** @internal */
  declare readonly [BULK]: TypedArrayClass | undefined;
  /** @internal */
  declare readonly [MEMORY]: { readonly buffer: ArrayBufferLike; readonly byteOffset: number };

  /** @internal */
  declare readonly [RUN]: CopiedRun;
  /** @internal */
  declare readonly [PLACE]: string;
  /** @internal Makes cloning an error. */
  readonly 'heap.offer': unknown = NOT_CLONEABLE;

  /** @internal */
  constructor(of: ObjectView) {
    this[OF] = of;
  }

  /** The number of elements. A load. Throws ERR_VIEW_RELEASED and the like, as a field of the view does. */
  abstract get length(): number;
  /** The element at `index`; for a reference, a view. A few ns. Throws RangeError ERR_OPTION beyond the end. */
  abstract get(index: number): V;
  /** Stores the element at `index`. A few ns. Throws RangeError or TypeError ERR_OPTION, ERR_FOREIGN_REFERENCE, ERR_WRONG_SHAPE. */
  abstract set(index: number, value: V): void;
  /** @internal */
  abstract [BEGIN](): number;

  /** The element at `index`, from the end if that is negative; undefined where there is none. A few ns. */
  at(index: number): V | undefined {
    const { length } = this;
    const wanted = indexFor(index, () => length);
    return wanted >= 0 && wanted < length ? this.get(wanted) : undefined;
  }

  /** Calls `body` with each element, in order, as the iteration does. */
  forEach(body: (value: V, index: number, elements: this) => void): void {
    expectBody(body);
    for (let i = 0; i < this.length; i++) body(this.get(i), i, this);
  }

  /** A copy of the elements from `begin` up to `end`, which count from the end if they are negative. */
  slice(begin = 0, end = Infinity): V[] {
    const [from, to] = rangeFor(begin, end, this.length);
    return Array.from({ length: Math.max(0, to - from) }, (_, i) => this.get(from + i));
  }

  /** In order; an element that changes meanwhile is seen as it is when its turn comes. */
  *[Symbol.iterator](): Iterator<V> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }

  /** A copy. For references, a view for each element that is not null. */
  toArray(): V[] {
    return Array.from({ length: this.length }, (_, i) => this.get(i));
  }

  /**
   * Copies the elements from `begin` to `end` (default: all) to the start of `target`, and returns their number. In bulk if the target is a
   * typed array of the same kind.
   */
  copyTo(target: { [index: number]: V; readonly length: number }, begin = 0, end = this.length): number {
    if (typeof target !== 'object' || target === null || typeof target.length !== 'number') {
      throw argumentTypeError('target', 'an array', target);
    }
    this.#checkRange('copyTo', begin, end);
    const count = end - begin;
    if (count > target.length) throw argumentRangeError('length of the target', `at least ${count}`, target.length);
    const bulk = this[BULK];
    if (bulk !== undefined && isOfClass(target, bulk)) target.set(this.#window(bulk, begin, count));
    else for (let i = 0; i < count; i++) target[i] = this.get(begin + i);
    return count;
  }

  /** Stores all of `source` from index `at` on. In bulk if the source is a typed array of the same kind. */
  copyFrom(from: ArrayLike<V> | Elements<V>, at = 0): void {
    if (!isArray<V>(from)) throw argumentTypeError('source', 'an array', from);
    const source = from instanceof Elements ? from.toArray() : from;
    this.#checkRange('copyFrom', at, Number.isInteger(at) ? at + source.length : at);
    const bulk = this[BULK];
    if (bulk !== undefined && isOfClass(source, bulk)) this.#window(bulk, at, source.length).set(source);
    else for (let i = 0; i < source.length; i++) this.set(at + i, source[i]!);
  }

  /** @internal Stores all of `source`, and zero or null in the rest. */
  [ASSIGN](source: unknown): void {
    if (!isArray<V>(source)) throw argumentTypeError(this[PLACE], 'an array', source);
    const { length } = this;
    if (source.length > length) throw argumentRangeError(`length of ${this[PLACE]}`, `at most ${length}`, source.length);
    this.copyFrom(source);
    for (let i = source.length; i < length; i++) this.set(i, emptyOf(this[RUN].type) as V);
  }

  /** For `JSON.stringify`: of references, what `toJSON` of their views gives. Not a safepoint. */
  toJSON(): unknown[] {
    return this[OF][OWNER].copies.ofElements(this[OF], this[RUN]);
  }

  /** @internal */
  [INSPECT](_depth: number | null, options: { maxArrayLength?: number | null }): unknown {
    return this[OF][OWNER].copies.inspectionOfElements(this[OF], this[RUN], options);
  }

  /** @internal */
  [UNKNOWN](name: string): Error {
    return /^\d+$/.test(name) ? this[INDEXED](name) : noProperty(this[PLACE], name);
  }

  /** @internal */
  [INDEXED](index: string): Error {
    return noIndexing(this[PLACE], index);
  }

  #window(bulk: TypedArrayClass, begin: number, count: number): TypedArray {
    const { buffer, byteOffset } = this[MEMORY];
    const { BYTES_PER_ELEMENT } = bulk as unknown as { BYTES_PER_ELEMENT: number };
    return new bulk(buffer, byteOffset + this[BEGIN]() + begin * BYTES_PER_ELEMENT, count);
  }

  #checkRange(what: string, begin: number, end: number): void {
    const { length } = this;
    if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || end < begin || end > length) {
      throw argumentRangeError(`range of ${what}`, `within 0 and ${length}`, `${valueText(begin)} to ${valueText(end)}`);
    }
  }
}

seal(Elements as unknown as { prototype: Elements<unknown> });

function isArray<V>(value: unknown): value is ArrayLike<V> | Elements<V> {
  return typeof value === 'object' && value !== null && typeof (value as { length?: unknown }).length === 'number';
}

/** What an element is that nothing was stored in. */
function emptyOf(type: ViewType): unknown {
  if (isReference(type)) return null;
  if (type === 'bool') return false;
  return type === 'i64' || type === 'u64' ? 0n : 0;
}

function isOfClass(value: object, bulk: TypedArrayClass): value is TypedArray {
  return typedArrayName.call(value) === bulk.name;
}
