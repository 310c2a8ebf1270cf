/**
 * Definitions: the plain data from which shapes are made. They name the kinds of fields and elements; a definition can be posted to another
 * thread, and the static types of views and offsets are computed from it.
 */
import { argumentTypeError } from '../errors.ts';

/**
 * The kind of a field: a number (i8 … u64), a reference, or `tagged`: a reference or a small integer (tagged.ts). It selects the typed
 * array.
 */
export type FieldKind = 'ref' | 'tagged' | 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'i64' | 'u64' | 'f64';

declare const target: unique symbol;

/** A reference to objects of the shape with that name; made by {@link ref}. */
export interface ReferenceType<T extends ShapeDefinition = ShapeDefinition> {
  /** The name of the shape. */
  readonly ref: string;
  /** Only for the compiler. */
  readonly [target]?: T;
}

declare const contents: unique symbol;

/**
 * What the compiler knows about a container that a field refers to. `self` is the definition that has the field, once that is known, and
 * the type of the view depends on it: the children of a node may be an array of nodes.
 */
export interface ContainerContents {
  /** Filled in where the field is read. */
  readonly self: unknown;
  /** The container's view. */
  readonly view: unknown;
}

/** The view of a container in a field of the definition `Self`. */
export type ContainerIn<C extends ContainerContents, Self> = (C & { readonly self: Self })['view'];

/**
 * A reference to a shared container, with the types of what is in it; made by {@link arrayOf}, {@link mapOf}, {@link sortedMapOf},
 * {@link cacheOf} and {@link queueOf}.
 */
export interface ContainerType<C extends ContainerContents = ContainerContents> {
  /** The name of the container's shape. */
  readonly ref: string;
  /** Only for the compiler. */
  readonly [contents]: C;
}

/** What an element can be: a kind, a truth value (a byte), or a reference; `self` is a reference to the same shape. */
export type ElementType = FieldKind | 'bool' | 'self' | ReferenceType | ContainerType;

/**
 * Kinds that only the elements after the fields can have. `weak`: references that keep nothing alive, read with `mutator.readWeak`. The
 * others are for tables of this library.
 */
export type ElementsOnlyKind = 'weak' | 'ephemeron' | 'finalizable';

/** Elements inside the object, their number fixed by the shape; made by {@link array}. */
export interface ArrayType<E extends ElementType = ElementType> {
  /** The type of the elements. */
  readonly array: E;
  /** How many elements: 1 to 65,536. */
  readonly length: number;
}

/** What a field can be. `string` is a reference to a string in the heap, read and written as a JavaScript string. */
export type FieldType = ElementType | 'string' | ArrayType;

/** The plain data from which a shape is made. Up to 4,096 fields, of 256 KiB altogether. */
export interface ShapeDefinition {
  /** Unique in the heap. */
  readonly name: string;
  /** In any order; the layout is chosen for them. */
  readonly fields?: Readonly<Record<string, FieldType>>;
  /** The type of the elements after the fields, if there are any; their number is chosen per object. */
  readonly elements?: ElementType | ElementsOnlyKind;
  /**
   * Objects have an identity hash (`mutator.identityHash`) and can be keys of weak maps. Costs a u32 in shapes with elements; objects
   * without elements have one anyway.
   */
  readonly identityHash?: boolean;
}

/** The fields of a definition; any fields, if the compiler does not know the definition. */
export type FieldsOf<D extends ShapeDefinition> = ShapeDefinition extends D
  ? Readonly<Record<string, FieldType>>
  : D extends { readonly fields: infer F extends Readonly<Record<string, FieldType>> }
    ? F
    : Record<never, never>;

/** The type of a definition's elements. */
export type ElementsOf<D extends ShapeDefinition> = D extends { readonly elements: infer E extends ElementType } ? E : undefined;

/** Allows nothing but the parts of a definition, so that a misspelt name does not compile. */
export type Exactly<D extends ShapeDefinition> = D & { readonly [Name in Exclude<keyof D, keyof ShapeDefinition>]: never };

/** A reference to objects of one shape, given by the shape, by its definition, or by its name alone. */
export function ref<const D extends ShapeDefinition>(to: { readonly definition: D } | D | string): ReferenceType<D> {
  if (typeof to === 'string') return { ref: to };
  if (typeof to !== 'object' || to === null) throw argumentTypeError('what ref() refers to', 'a shape, a definition or a name', to);
  return { ref: 'definition' in to ? to.definition.name : to.name };
}

/** `length` elements inside the object (1 to 65,536). */
export function array<const E extends ElementType>(element: E, length: number): ArrayType<E> {
  return { array: element, length };
}

/** A definition as it stands, for a module that several threads import: the compiler keeps its names and types. */
export function definition<const D extends ShapeDefinition>(it: Exactly<D>): D {
  return it;
}
