/**
 * Kinds: what a shared container holds, and how a value of that kind is stored in an object and checked on its way in.
 *
 * There are only kinds whose typed array reaches the whole heap (a byte view ends at 4 GiB on Node 20). A string is stored as a reference
 * to a string of the heap; views take and return its text.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import { CONTROL_VALUE } from '../binding/layout.ts';
import type { ContainerIn, ContainerType, ReferenceType, ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { ARRAY_CLASSES } from '../heap/words.ts';
import type { AnyView, PlainCopyOf, View } from '../objects/view-types.ts';
import { slotOf } from '../heap/object.ts';

/** What the elements of arrays and queues and the values of maps can be. */
export type ValueKind = 'ref' | 'string' | 'i32' | 'u32' | 'f32' | 'f64' | 'i64' | 'u64';

/** What the keys of a map can be: strings by their text, numbers by their value, objects by identity. */
export type KeyKind = 'string' | 'f64' | 'ref';

/**
 * References to objects of one shape, given by the shape, its definition or `ref(…)`, or to containers of one type. In the heap all of them
 * are of the kind `ref`; what they lead to, the compiler checks, and nobody else.
 */
export type ReferenceTo = Shape<any> | ShapeDefinition | ReferenceType<any> | ContainerType;

/** What a container can be made for. */
export type ValueType = ValueKind | ReferenceTo;

/** What the keys of a map can be made for. */
export type KeyType = KeyKind | ReferenceTo;

/** What the type of a container says of its contents: kinds by their names, and references by the views of what they lead to. */
export type Content = ValueKind | AnyView;

/** The same of keys. */
export type KeyContent = KeyKind | AnyView;

/** What the type of a container says when it is made for `T`. */
export type ContentOf<T extends ValueType> = ContentIn<T, unknown>;

/** The same for a container in a field of the definition `Self`, to which `self` is a reference. */
export type ContentIn<T extends ValueType | 'self', Self> = T extends ValueKind
  ? T
  : T extends 'self'
    ? Self extends ShapeDefinition
      ? View<Self>
      : 'ref'
    : T extends ContainerType<infer C>
      ? Extract<ContainerIn<C, Self>, AnyView>
      : T extends Shape<infer D>
        ? View<D>
        : T extends ReferenceType<infer D>
          ? ShapeDefinition extends D
            ? 'ref'
            : View<D>
          : T extends ShapeDefinition
            ? View<T>
            : never;

/** The kind in the heap. */
export type KindOf<C extends Content> = C extends ValueKind ? C : 'ref';

/** What a view of a container takes and returns. */
export type ContainerValue<C extends Content> = C extends 'ref'
  ? AnyView | null
  : C extends 'string'
    ? string | null
    : C extends 'i64' | 'u64'
      ? bigint
      : C extends ValueKind
        ? number
        : C | null;

/** What a value or a key is in a plain copy. */
export type PlainContent<C extends Content> = C extends 'ref' ? unknown : C extends ValueKind ? ContainerValue<C> : PlainCopyOf<C>;

/** What a view takes and returns as a key. */
export type KeyValue<C extends KeyContent> = C extends 'ref' ? AnyView : C extends 'string' ? string : C extends 'f64' ? number : C;

/** A value by raw access: a raw reference for references and strings, a BigInt for 64-bit integers, else a number. */
export type RawValue = number | bigint;

export const VALUE_KINDS: readonly ValueKind[] = ['ref', 'string', 'i32', 'u32', 'f32', 'f64', 'i64', 'u64'];
export const KEY_KINDS: readonly KeyKind[] = ['string', 'f64', 'ref'];

type ArrayClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => { [index: number]: RawValue };

/** @internal Values of one kind in the objects of one mutator. */
export class Place {
  readonly kind: ValueKind;
  /** Holds references: a value that is read is valid until the next safepoint. */
  readonly isReference: boolean;
  readonly #mutator: Mutator;
  readonly #array: { [index: number]: RawValue };
  /** Its first element passes a value to or from native code. */
  readonly passed: { [index: number]: RawValue };
  /** Elements of the typed array per word. */
  readonly #perWord: number;

  constructor(mutator: Mutator, kind: ValueKind) {
    this.kind = kind;
    this.isReference = kind === 'ref' || kind === 'string';
    this.#mutator = mutator;
    this.#array = kind === 'ref' || kind === 'string' ? mutator.u32 : mutator[kind];
    const PassedArray: ArrayClass = ARRAY_CLASSES[kind === 'ref' || kind === 'string' ? 'u32' : kind];
    this.passed = new PassedArray(mutator.allocationBuffer.control.buffer, CONTROL_VALUE * 4, 1);
    this.#perWord = kind === 'i64' || kind === 'u64' || kind === 'f64' ? 1 : 2;
  }

  /** The definition of a field or element that holds the kind. */
  get stored(): Exclude<ValueKind, 'string'> {
    return this.kind === 'string' ? 'ref' : this.kind;
  }

  /** The value at `offset`, in units of its own size from the start of the object. */
  load(ref: Ref, offset: number): RawValue {
    const index = ref * this.#perWord + offset;
    return this.isReference ? this.#mutator.getReference(index) : this.#array[index]!;
  }

  /** Stores into an object that other threads may see. */
  store(ref: Ref, offset: number, value: RawValue): void {
    if (this.isReference) this.#mutator.setReference(slotOf(ref, offset), value as Ref);
    else this.#array[ref * this.#perWord + offset] = value;
  }

  /** Clears a place that is not read any more, so that it does not keep its object alive. */
  clear(ref: Ref, offset: number): void {
    if (this.isReference) this.#mutator.setReference(slotOf(ref, offset), 0);
  }

  /** Passes the value to the next native call. */
  pass(value: RawValue): void {
    this.passed[0] = value;
  }

  /** The value that the last native call has passed back. */
  taken(): RawValue {
    return this.isReference ? this.#mutator.held(CONTROL_VALUE) : this.passed[0]!;
  }

  /** For raw access: throws TypeError ERR_OPTION unless the value is of this kind; after that no store can fail. */
  check(value: RawValue, place: string): void {
    const wanted = this.kind === 'i64' || this.kind === 'u64' ? 'bigint' : 'number';
    if (typeof value !== wanted) throw argumentTypeError(place, wanted === 'bigint' ? 'a BigInt' : 'a number', value);
    if (this.isReference) this.#mutator.admit(value as Ref, place);
  }
}

/** @internal The kind in the heap of what a container is made for; what is nothing of that sort comes back as it is, to be refused. */
export function kindOf(type: KeyType): KeyKind;
export function kindOf(type: ValueType): ValueKind;
export function kindOf(type: ValueType): ValueKind {
  if (typeof type !== 'object' || type === null) return type as ValueKind;
  const { ref, name } = type as { ref?: unknown; name?: unknown };
  return typeof (ref ?? name) === 'string' ? 'ref' : (type as unknown as ValueKind);
}

/** @internal Throws RangeError ERR_OPTION for a kind that does not exist. */
export function expectKind<K extends string>(kind: K, kinds: readonly K[], place: string): void {
  if (!kinds.includes(kind)) throw argumentRangeError(place, `one of ${kinds.join(', ')}`, kind);
}
