/**
 * Views of objects: a view is a JavaScript object that represents an object in the heap. It holds a handle, so it stays valid wherever the
 * object moves, and keeps it alive. The properties for the fields are on a prototype that is generated for each shape (view-source.ts);
 * here is what all views have in common.
 *
 *     view ──slot──▶ handle in the control block ──reference──▶ object
 *
 * The slot of a released view is the one that is always zero; the handle of a detached mutator, or of a cursor that leads nowhere, reads as
 * zero too. So one comparison in each access finds all three cases, and only then are they told apart.
 */
import type { ShapeDefinition } from '../heap/definition.ts';
import { END_SCOPE } from '../heap/handles.ts';
import type { Shape } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { INSPECT } from '../inspection.ts';
import { INDEXED, seal, UNKNOWN } from './sealing.ts';
import type { ElementsOfView, PlainObject, StepName, View } from './view-types.ts';
import type { ViewOwner } from './view-owner.ts';

/** @internal The handle. */
export const SLOT = Symbol('slot');
/** @internal The elements object, made when it is first needed. */
const ELEMENTS = Symbol('elements');
/** @internal On the prototype: the owner of the view. */
export const OWNER = Symbol('owner');
/** @internal On the prototype: the shape. */
export const SHAPE = Symbol('shape');
/** @internal Stores the values of a new object. */
export const INITIALIZE = Symbol('initialize');
/** @internal What is registered for the finalization of a view that outlives its scope. */
export const KEPT = Symbol('kept');

/**
 * What a clone of a view would begin with, and cannot: `postMessage` and `structuredClone` see none of a view's properties but this one,
 * and quote the symbol in their error.
 */
const NOT_CLONEABLE = Symbol('a view stays on its thread: post heap.offer(view) and heap.redeem it there, or post view.toObject()');

/** @internal Outlives its view, and holds the slot to be released then; 0 for none. */
export interface KeptSlot {
  slot: number;
}

/** An object of the heap. Valid on the thread that made the view, until the view is released or the mutator detached. */
export class ObjectView<D extends ShapeDefinition = ShapeDefinition> {
  /** @internal */
  declare readonly [OWNER]: ViewOwner;
  /** @internal */
  declare readonly [SHAPE]: Shape<D>;
  /** @internal */
  [SLOT]: number;
  /** @internal */
  [ELEMENTS]: unknown = undefined;
  /** @internal */
  [KEPT]: KeptSlot | undefined = undefined;
  /** @internal Makes cloning an error. */
  readonly 'heap.offer': unknown = NOT_CLONEABLE;

  /** @internal Views come from `heap.create`, `heap.view`, and from the properties of other views. */
  constructor(slot: number) {
    this[SLOT] = slot;
  }

  /** The shape of the object. Valid for released views too. */
  get shape(): Shape<D> {
    return this[SHAPE];
  }

  /** The raw reference: where the object is until the next safepoint. Throws ERR_VIEW_RELEASED, ERR_MUTATOR_DETACHED. */
  get ref(): Ref {
    return this[OWNER].refOfView(this, 'ref');
  }

  /** The elements after the fields, `undefined` if the shape has none. They follow the view. */
  get elements(): ElementsOfView<D> {
    return (this[ELEMENTS] ??= this[OWNER].elementsOf(this)) as ElementsOfView<D>;
  }

  /**
   * A copy as plain JavaScript objects, of this object and everything it leads to: what is shared or circular there is so in the copy.
   * 64-bit integers are BigInts, a map is a Map. Not a safepoint, and some 100 ns a field: large structures hold up the other threads.
   * Throws what reading a field throws.
   */
  toObject(): PlainObject<D> {
    return this[OWNER].copies.of(this, 'object') as PlainObject<D>;
  }

  /**
   * For `JSON.stringify`: {@link toObject} with 64-bit integers as texts, and maps as objects, or as pairs if their keys are objects. Not
   * a safepoint.
   */
  toJSON(): unknown {
    return this[OWNER].copies.of(this, 'json');
  }

  /** Whether both lead to the same object now. Two views of one object are different JavaScript objects. */
  isSame(other: ObjectView | null): boolean {
    const owner = this[OWNER];
    return owner.toReference(this, 'isSame', undefined) === owner.toReference(other, 'isSame', undefined);
  }

  /** Lets the view outlive the scope in which it was made. */
  keep(): this {
    this[OWNER].keep(this);
    return this;
  }

  /** Releases the view: it refers to nothing from now on, and keeps nothing alive. Releasing twice does nothing. */
  release(): void {
    this[OWNER].release(this);
  }

  /** Whether the view refers to nothing any more: it was released, its scope has ended, or its mutator is detached. */
  get released(): boolean {
    return this[OWNER].isReleased(this);
  }

  /** {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** @internal */
  [END_SCOPE](): void {
    if (this[KEPT] === undefined) this[OWNER].release(this);
  }

  /** @internal */
  [INSPECT](depth: number | null, options: { maxArrayLength?: number | null }): unknown {
    return this[OWNER].copies.inspection(this, depth, options);
  }

  /** @internal */
  [UNKNOWN](name: string): Error {
    return this[OWNER].unknownProperty(this[SHAPE], name);
  }

  /** @internal */
  [INDEXED](_index: string): Error | undefined {
    return undefined;
  }
}

seal(ObjectView);

// Read-only for the compiler; an assignment at run time throws an error that says so.
Object.defineProperty(ObjectView.prototype, 'elements', {
  ...Object.getOwnPropertyDescriptor(ObjectView.prototype, 'elements'),
  set(this: ObjectView, value: unknown) {
    throw this[OWNER].notAssignable(`${this[SHAPE].name}.elements`, value);
  },
});

/** A view that moves along references, without a JavaScript object for each step. It may refer to nothing. */
export class ObjectCursor<D extends ShapeDefinition = ShapeDefinition> extends ObjectView<D> {
  /** Whether the cursor refers to nothing. Its fields then throw ERR_NULL_REFERENCE. */
  get isNull(): boolean {
    return this[OWNER].refOfCursor(this) === 0;
  }

  /**
   * Moves to the object of another view or cursor, to a raw reference, or to nothing (null, 0). Throws ERR_WRONG_SHAPE if the object is
   * of another shape, ERR_FOREIGN_REFERENCE for views of another heap or thread.
   */
  moveTo(to: View<D> | ObjectView<D> | Ref | null): this {
    this[OWNER].move(this, to);
    return this;
  }

  /**
   * Moves to the object in a reference field of the present one. Returns false if the field is null; the cursor then refers to nothing.
   * A few ns; allocates nothing. Throws ERR_WRONG_SHAPE if the object is of another shape.
   */
  follow(field: StepName<D>): boolean {
    throw this[OWNER].noStep(this, field);
  }

  /** Moves to the object in an element, as {@link follow} does for a field. Throws ERR_OPTION if there is no such element. */
  followElement(index: number): boolean {
    return this[OWNER].followElement(this, index);
  }
}

/** @internal Names that a field of a viewed shape cannot have. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  [ObjectView, ObjectCursor].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype)).concat('__proto__', 'heap.offer'),
);
