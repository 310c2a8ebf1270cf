/**
 * View types: what the compiler knows about views, computed from definitions. Nothing here exists at run time.
 */
import type { ArrayType, ContainerIn, ContainerType, ElementType, FieldsOf, ReferenceType, ShapeDefinition } from '../heap/definition.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Elements } from './elements.ts';
import type { ObjectCursor, ObjectView } from './object-view.ts';

/** A view whose shape the compiler does not know. */
export type AnyView = ObjectView<ShapeDefinition>;

/** The definition of a shape, or what is one itself. */
export type DefinitionOf<T extends ShapeDefinition | Shape> = T extends Shape<infer D> ? D : T extends ShapeDefinition ? T : never;

/** What an element or a field of that type reads as, and accepts. `Self` is the definition that contains it. */
export type ElementValue<T extends ElementType | 'weak', Self extends ShapeDefinition> = T extends 'bool'
  ? boolean
  : T extends 'i64' | 'u64'
    ? bigint
    : T extends 'self'
      ? View<Self> | null
      : T extends 'tagged'
        ? number | AnyView | null
        : T extends 'ref' | 'weak'
          ? AnyView | null
          : T extends ContainerType<infer C>
            ? ContainerIn<C, Self> | null
            : T extends ReferenceType<infer To>
              ? ShapeDefinition extends To
                ? AnyView | null
                : View<To> | null
              : number;

/** What a field of that type reads as, and accepts. */
export type FieldValue<T, Self extends ShapeDefinition> = T extends 'string'
  ? string | null
  : T extends ElementType
    ? ElementValue<T, Self>
    : never;

/** What an element or a field of that type is in a plain copy. */
export type PlainValue<T, Self extends ShapeDefinition> = T extends 'string'
  ? string | null
  : T extends 'bool'
    ? boolean
    : T extends 'i64' | 'u64'
      ? bigint
      : T extends 'self'
        ? PlainObject<Self> | null
        : T extends 'tagged' | 'ref' | 'weak'
          ? unknown
          : T extends ArrayType<infer E>
            ? PlainValue<E, Self>[]
            : T extends ContainerType<infer C>
              ? PlainCopyOf<ContainerIn<C, Self>>
              : T extends ReferenceType<infer To>
                ? PlainObject<To> | null
                : number;

/** What a reference to what a view leads to is in a plain copy. */
export type PlainCopyOf<V> = V extends AnyView ? ReturnType<V['toObject']> | null : unknown;

/** What `view.toObject()` gives: the fields, and the elements behind them. */
export type PlainObject<D extends ShapeDefinition = ShapeDefinition> = ShapeDefinition extends D
  ? any
  : { [Name in keyof FieldsOf<D>]: PlainValue<FieldsOf<D>[Name], D> } & (D extends {
      readonly elements: infer E extends ElementType | 'weak';
    }
      ? { elements: PlainValue<E, D>[] }
      : unknown);

/** What is taken for an element or a field of that type when plain objects are copied in. */
export type InputValue<T, Self extends ShapeDefinition> = T extends 'string'
  ? string | null
  : T extends 'bool'
    ? boolean
    : T extends 'i64' | 'u64'
      ? bigint | number | string
      : T extends 'self'
        ? PlainInput<Self> | View<Self> | null
        : T extends 'tagged'
          ? number | AnyView | null
          : T extends 'ref'
            ? AnyView | string | null
            : T extends 'weak'
              ? AnyView | null
              : T extends ArrayType<infer E>
                ? ArrayLike<InputValue<E, Self>>
                : T extends ContainerType<infer C>
                  ? ContainerIn<C, Self> | null
                  : T extends ReferenceType<infer To>
                    ? PlainInput<To> | View<To> | null
                    : number;

/** What `heap.fromObject` takes: values for any of the fields, plain objects where they refer to a shape, and the elements. */
export type PlainInput<D extends ShapeDefinition = ShapeDefinition> = ShapeDefinition extends D
  ? Readonly<Record<string, any>>
  : { readonly [Name in keyof FieldsOf<D>]?: InputValue<FieldsOf<D>[Name], D> } & (D extends {
      readonly elements: infer E extends ElementType | 'weak';
    }
      ? { readonly elements?: ArrayLike<InputValue<E, D>> }
      : unknown);

/** Names of the array fields. */
export type ArrayNames<F> = { [Name in keyof F]: F[Name] extends ArrayType ? Name : never }[keyof F];

/**
 * The properties that a view of an object has for its fields. The compiler does not know those of an untyped shape. An array field that is
 * assigned gets a copy of the elements; from what is no field, use its `copyFrom`, because the compiler has one type for both directions.
 */
export type FieldProperties<D extends ShapeDefinition> = ShapeDefinition extends D
  ? Record<string, any>
  : {
      [Name in Exclude<keyof FieldsOf<D>, ArrayNames<FieldsOf<D>>>]: FieldValue<FieldsOf<D>[Name], D>;
    } & {
      [Name in ArrayNames<FieldsOf<D>>]: FieldsOf<D>[Name] extends ArrayType<infer E> ? Elements<ElementValue<E, D>> : never;
    };

/** The elements after the fields; `undefined` for shapes without elements. */
export type ElementsOfView<D extends ShapeDefinition> = ShapeDefinition extends D
  ? any
  : D extends { readonly elements: infer E extends ElementType | 'weak' }
    ? Elements<ElementValue<E, D>>
    : undefined;

/** An object as JavaScript sees it, by its shape (`View<typeof Point>`) or the definition of that; see {@link ObjectView}. */
export type View<T extends ShapeDefinition | Shape = ShapeDefinition> = ObjectView<DefinitionOf<T>> & FieldProperties<DefinitionOf<T>>;

/** A view that can be moved to other objects of its shape, by the shape or its definition; see {@link ObjectCursor}. */
export type Cursor<T extends ShapeDefinition | Shape = ShapeDefinition> = ObjectCursor<DefinitionOf<T>> & FieldProperties<DefinitionOf<T>>;

/** What `heap.create` takes: values for any of the fields; an array field takes anything with a length and indices. */
export type InitialValues<D extends ShapeDefinition> = ShapeDefinition extends D
  ? Readonly<Record<string, unknown>>
  : {
      readonly [Name in keyof FieldsOf<D>]?: FieldsOf<D>[Name] extends ArrayType<infer E>
        ? ArrayLike<ElementValue<E, D>>
        : FieldValue<FieldsOf<D>[Name], D>;
    };

/** The number of elements of a new object, or their values. */
export type InitialElements<D extends ShapeDefinition> = ShapeDefinition extends D
  ? number | ArrayLike<unknown>
  : D extends { readonly elements: infer E extends ElementType | 'weak' }
    ? number | ArrayLike<ElementValue<E, D>>
    : never;

/** Names of the fields along which a cursor of that shape can step. */
export type StepName<D extends ShapeDefinition> = ShapeDefinition extends D
  ? string
  : {
      [Name in keyof FieldsOf<D>]: FieldsOf<D>[Name] extends ContainerType
        ? never
        : FieldsOf<D>[Name] extends 'self' | 'ref' | ReferenceType<D>
          ? Name
          : never;
    }[keyof FieldsOf<D>] &
      string;
