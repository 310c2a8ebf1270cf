/**
 * Objects: the objects level of one mutator. Makes views, finds the class for an object by its header, and owns the handles that views
 * hold.
 *
 * A view's handle is released by the first of these: `release` or `using`; the end of the scope in which the view was made; the
 * finalization of a view that is no longer reachable (in the event loop of its own thread, with the slot's number as held value; the view
 * itself is not needed for that, so it is not resurrected).
 */
import { argumentRangeError, argumentTypeError, HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { HandleTable } from '../heap/handles.ts';
import type { HashKey } from '../heap/keyed-hash.ts';
import { CONTROL_NULL_SLOT, CONTROL_STATE, MUTATOR_RUNNING } from '../binding/layout.ts';
import { notBehindBarrier } from '../heap/load-barrier-mutator.ts';
import type { Mutator } from '../heap/mutator.ts';
import { bytesToPin, type Pin, type PinRange } from '../heap/pin.ts';
import { Shape, type ShapeTable } from '../heap/shapes.ts';
import { tagSmallInteger } from '../heap/tagged.ts';
import type { Ref } from '../heap/units.ts';
import { kindsBeyond } from './access.ts';
import { CopyIn } from './copy-in.ts';
import type { Elements } from './elements.ts';
import { ClassGenerator, type ShapeClasses } from './generated-classes.ts';
import { type HeapString, stringClasses } from './heap-string.ts';
import { INITIALIZE, KEPT, type KeptSlot, ObjectCursor, ObjectView, OWNER, SHAPE, SLOT } from './object-view.ts';
import type { SpecialCopy } from './plain-copy.ts';
import { noProperty, unknownField } from './sealing.ts';
import { Strings } from './strings.ts';
import { ViewCopies } from './view-copies.ts';
import { HandleTokens } from './handle-tokens.ts';
import { InternTable } from './intern-table.ts';
import type { SharedSlots } from './shared-slots.ts';
import type { ViewOwner } from './view-owner.ts';
import type { Cursor, InitialElements, InitialValues, View } from './view-types.ts';
import { elementCountOf, shapeIdOf, slotOf } from '../heap/object.ts';

/** @internal */
export interface ObjectsSetUp {
  readonly mutator: Mutator;
  readonly handles: HandleTable;
  readonly control: Uint32Array;
  readonly shapes: ShapeTable;
  readonly heapBytes: number;
  readonly checked: boolean;
  /** References are loaded by `mutator.getReference` only. */
  readonly barrieredLoads: boolean;
  readonly shared: SharedSlots;
  readonly heapId: number;
  readonly hashKey: HashKey;
  /** The classes of shapes that are not those of a program's objects. */
  readonly specialClasses: (shape: Shape, owner: ViewOwner) => ShapeClasses | undefined;
  /** And how their objects are copied. */
  readonly specialCopy: (shape: Shape) => SpecialCopy | undefined;
}

/** @internal */
export class Objects implements ViewOwner {
  readonly strings: Strings;
  readonly copies: ViewCopies;
  readonly copyIn: CopyIn;
  readonly #interned: InternTable;
  readonly tokens: HandleTokens;
  readonly #specialClasses: ObjectsSetUp['specialClasses'];
  readonly #barrieredLoads: boolean;
  readonly #mutator: Mutator;
  readonly #handles: HandleTable;
  readonly #control: Uint32Array;
  readonly #shapes: ShapeTable;
  readonly #generator: ClassGenerator;
  /** By shape id. */
  readonly #classes: (ShapeClasses | undefined)[] = [];
  readonly #finalized = new FinalizationRegistry<KeptSlot>((kept) => this.#finalize(kept));
  /** Handles of views that were finalized while the mutator was parked, when a pause may be reading them. */
  readonly #deferred: number[] = [];

  constructor(setUp: ObjectsSetUp) {
    const { mutator, handles, control, shapes, heapBytes, checked, barrieredLoads, shared, heapId, hashKey } = setUp;
    this.#mutator = mutator;
    this.#handles = handles;
    this.#control = control;
    this.#shapes = shapes;
    this.strings = new Strings(mutator, shapes);
    this.#interned = new InternTable(mutator, this.strings, shapes, shared.internTable, hashKey);
    this.tokens = new HandleTokens(this, shared, heapId);
    this.#specialClasses = setUp.specialClasses;
    this.#barrieredLoads = barrieredLoads;
    const { buffer, byteOffset } = mutator.u32;
    const environment = { owner: this, mutator, control, data: new DataView(buffer, byteOffset, heapBytes) };
    this.copies = new ViewCopies(this, setUp, environment.data);
    this.copyIn = new CopyIn({
      mutator,
      shapes,
      expectShape: (shape) => {
        this.#classesOf(shape);
        const isObject = !this.strings.isStringShape(shape) && setUp.specialCopy(shape) === undefined;
        if (!isObject) throw argumentRangeError('shape', 'a shape of objects', shape.name);
      },
      cursor: (shape) => this.cursor(shape, null) as unknown as ObjectCursor,
      storedText: (text, place) => this.storedText(text, place),
      viewOf: (ref) => this.viewOf(ref),
    });
    this.#generator = new ClassGenerator(environment, { beyond: kindsBeyond(mutator, heapBytes), checked, barrieredLoads });
  }

  get interned(): InternTable {
    if (this.#barrieredLoads) throw notBehindBarrier('interned strings');
    return this.#interned;
  }

  create<D extends ShapeDefinition>(shape: Shape<D>, values: InitialValues<D>, elements: InitialElements<D> | undefined): View<D> {
    const classes = this.#classesOf(shape);
    if (typeof values !== 'object' || values === null) throw argumentTypeError(`values of ${shape.name}`, 'an object', values);
    if (elements === null) throw argumentTypeError(`elements of ${shape.name}`, 'a number or an array', elements);
    for (const name in values) if (!shape.fields.has(name)) throw unknownField(shape, name);
    const count = typeof elements === 'object' ? (elements as ArrayLike<unknown>).length : ((elements ?? 0) as number);
    const view = this.#own(new classes.view(CONTROL_NULL_SLOT), this.#mutator.allocate(shape, count));
    try {
      (view as { [INITIALIZE]?(values: object): void })[INITIALIZE]?.(values);
      if (typeof elements === 'object') (view.elements as Elements<unknown>).copyFrom(elements as ArrayLike<unknown>);
    } catch (error) {
      this.release(view);
      throw error;
    }
    return view as View<D>;
  }

  createPinnable(shape: Shape, count: number): ObjectView {
    this.#classesOf(shape);
    return this.viewOf(this.#mutator.allocatePinnable(shape, count));
  }

  pin(object: unknown, range: PinRange): Pin {
    const bytes = bytesToPin(range);
    if (object === null) throw argumentTypeError('heap.pin', 'a view', null);
    const ref = this.toReference(object, 'heap.pin', null);
    if (ref === 0) throw this.unusable(object as ObjectView, 'heap.pin');
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) === 0) throw this.notRunning('heap.pin');
    return this.#mutator.pin(ref, (object as ObjectView)[SHAPE], bytes);
  }

  cursor<D extends ShapeDefinition>(shape: Shape<D>, at: ObjectView | Ref | null): Cursor<D> {
    const { cursor } = this.#classesOf(shape);
    const made = this.#own(new cursor(CONTROL_NULL_SLOT), 0);
    this.move(made, at);
    return made as unknown as Cursor<D>;
  }

  /** A view of the object that a raw reference leads to; null for 0. */
  view(ref: Ref): ObjectView | null {
    this.#expectReference(ref, 'heap.view');
    return ref === 0 ? null : this.viewOf(ref);
  }

  // --- Called by generated code --------------------------------------------------------------------------------------------

  viewOf(ref: Ref): ObjectView {
    const { view } = this.#classesById(shapeIdOf(this.#mutator.u32, ref));
    return this.#own(new view(CONTROL_NULL_SLOT), ref);
  }

  textAt(ref: Ref): string {
    return this.strings.load(ref);
  }

  /** The reference to store for `text`. A safepoint. */
  storedText(text: unknown, place: string): Ref {
    if (text === null) return 0;
    if (typeof text !== 'string') throw argumentTypeError(place, 'a string or null', text);
    return this.strings.allocate(text);
  }

  /** The reference to store for a view; throws unless it is of this mutator, and of the shape `target` if that is given. */
  toReference(value: unknown, place: string, target: string | undefined | null): Ref {
    if (value === null) return 0;
    if (!(value instanceof ObjectView)) throw argumentTypeError(place, 'a view or null', value);
    if (value[OWNER] !== this) throw foreign(place);
    if (target != null && value[SHAPE].name !== target) throw wrongShape(place, target, value[SHAPE].name);
    return this.refOfView(value, place);
  }

  /** What a tagged slot holds for the value: a small integer, or a reference. */
  toTagged(value: unknown, place: string): number {
    return typeof value === 'number' ? tagSmallInteger(value) : this.toReference(value, place, null);
  }

  /** Throws unless the object has the shape `target`; `undefined` stands for strings, null for any. */
  expectShape(ref: Ref, target: string | undefined | null, place: string): void {
    if (target === null) return;
    const id = shapeIdOf(this.#mutator.u32, ref);
    if (target === undefined ? this.strings.isString(ref) : this.#shapes.numbered(id).name === target) return;
    throw this.wrongShape(ref, target ?? 'string', place);
  }

  wrongShape(ref: Ref, target: string, place: string): HeapError {
    return wrongShape(place, target, this.#shapes.numbered(shapeIdOf(this.#mutator.u32, ref)).name);
  }

  /** Why the view leads nowhere. */
  unusable(view: ObjectView, place: string): HeapError {
    if (!this.#mutator.attached) {
      return new HeapError('ERR_MUTATOR_DETACHED', `${place}: the mutator of this view is detached from its heap.`);
    }
    if (view[SLOT] === CONTROL_NULL_SLOT) {
      return new HeapError('ERR_VIEW_RELEASED', `${place}: the view was released, or the scope it was made in is over; keep() it.`);
    }
    return new HeapError('ERR_NULL_REFERENCE', `${place}: the cursor leads nowhere.`);
  }

  notRunning(place: string): HeapError {
    return this.#mutator.attached
      ? new HeapError('ERR_MUTATOR_PARKED', `${place}: the mutator is parked; unpark it before it touches the heap.`)
      : new HeapError('ERR_MUTATOR_DETACHED', `${place}: the mutator of this view is detached from its heap.`);
  }

  outOfBounds(place: string, index: unknown, length: number): RangeError {
    const accepted = length === 0 ? 'none (there are no elements)' : `an integer from 0 to ${length - 1}`;
    return argumentRangeError(`index of ${place}`, accepted, index);
  }

  /** The elements behind the fields: only each of them can be assigned. */
  notAssignable(place: string, value: unknown): TypeError {
    return argumentTypeError(place, 'filled by its set() or copyFrom(): it is part of the object and cannot be assigned', value);
  }

  unknownProperty(shape: Shape, name: string): Error {
    return shape.fields.size === 0 ? noProperty(shape.name, name) : unknownField(shape, name);
  }

  noStep(cursor: ObjectCursor, field: string): RangeError {
    const { name, fields } = cursor[SHAPE];
    return argumentRangeError(`step of a cursor of ${name}`, `a reference field (of ${[...fields.keys()].join(', ')})`, field);
  }

  elementsOf(view: ObjectView): Elements<unknown> | undefined {
    const { elements } = this.#classesOf(view[SHAPE]);
    return elements === undefined ? undefined : new elements(view);
  }

  // --- Handles -------------------------------------------------------------------------------------------------------------

  refOfView(view: ObjectView, place: string): Ref {
    const ref = this.#mutator.held(view[SLOT]);
    if (ref === 0 && !(view instanceof ObjectCursor && this.#leadsNowhere(view))) throw this.unusable(view, place);
    return ref;
  }

  refOfCursor(cursor: ObjectCursor): Ref {
    return this.refOfView(cursor, 'isNull');
  }

  move(cursor: ObjectCursor, to: ObjectView | Ref | null): void {
    if (cursor[SLOT] === CONTROL_NULL_SLOT || !this.#mutator.attached) throw this.unusable(cursor, 'moveTo');
    const { name, id } = cursor[SHAPE];
    let ref: Ref;
    if (typeof to === 'number') {
      this.#expectReference(to, 'moveTo');
      if (to !== 0 && shapeIdOf(this.#mutator.u32, to) !== id) throw this.wrongShape(to, name, 'moveTo');
      ref = to;
    } else {
      ref = this.toReference(to, 'moveTo', name);
    }
    this.#control[cursor[SLOT]] = ref;
  }

  followElement(cursor: ObjectCursor, index: number): boolean {
    const { elementKind, elementsOffset, name, id } = cursor[SHAPE];
    const { u32 } = this.#mutator;
    const ref = this.refOfView(cursor, 'followElement');
    if (ref === 0) throw this.unusable(cursor, 'followElement');
    if (elementKind !== 'ref') throw argumentRangeError(`elements of ${name}`, 'references', elementKind);
    const count = elementCountOf(u32, ref);
    if (typeof index !== 'number' || index >>> 0 !== index || index >= count) throw this.outOfBounds(`${name}.elements`, index, count);
    const to = this.#mutator.getReference(slotOf(ref, elementsOffset + index));
    if (to !== 0 && shapeIdOf(u32, to) !== id) throw this.wrongShape(to, name, 'followElement');
    this.#control[cursor[SLOT]] = to;
    return to !== 0;
  }

  release(view: ObjectView): void {
    // No call between the release of the slot and the changes of `view` and `kept`, so that no interruption leaves the slot released and
    // the view not. No imported name is used in between either: in bundled modules that may be a call.
    const key: typeof SLOT = SLOT;
    const nowhere = CONTROL_NULL_SLOT;
    const kept = view[KEPT];
    const slot = view[key];
    if (slot === nowhere) return;
    this.#handles.release(slot);
    view[key] = nowhere;
    if (kept === undefined) return;
    kept.slot = 0;
    this.#finalized.unregister(view);
  }

  isReleased(view: ObjectView): boolean {
    return view[SLOT] === CONTROL_NULL_SLOT || !this.#mutator.attached;
  }

  keep(view: ObjectView): void {
    if (view[KEPT] !== undefined || view[SLOT] === CONTROL_NULL_SLOT) return;
    const slot = view[SLOT];
    this.#register(view).slot = slot;
  }

  /** Throws RangeError ERR_OPTION for a number that cannot be a raw reference; a checked mutator checks more. */
  #expectReference(ref: Ref, place: string): void {
    const most = this.#mutator.u32.length / 2 - 1;
    if (!Number.isInteger(ref) || ref < 0 || ref > most) {
      throw argumentRangeError(`reference in ${place}`, `an integer from 0 to ${most}`, ref);
    }
    this.#mutator.admit(ref, place);
  }

  #leadsNowhere(cursor: ObjectCursor): boolean {
    return cursor[SLOT] !== CONTROL_NULL_SLOT && this.#mutator.attached;
  }

  #slotFor(ref: Ref): number {
    for (let count = this.#deferred.length; count > 0; this.#deferred.length = --count) this.#handles.release(this.#deferred[count - 1]!);
    return this.#handles.add(ref);
  }

  /** The slot comes last: an interruption before it leaves a view that leads nowhere, and loses no slot. */
  #own<V extends ObjectView>(view: V, ref: Ref): V {
    const kept = this.#handles.adopt(view) ? undefined : this.#register(view);
    const key: typeof SLOT = SLOT;
    const slot = this.#slotFor(ref);
    view[key] = slot;
    if (kept !== undefined) kept.slot = slot;
    return view;
  }

  #register(view: ObjectView): KeptSlot {
    const kept: KeptSlot = { slot: 0 };
    this.#finalized.register(view, kept, view);
    return (view[KEPT] = kept);
  }

  #finalize({ slot }: KeptSlot): void {
    if (slot === 0) return;
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) !== 0) this.#handles.release(slot);
    else this.#deferred.push(slot);
  }

  #classesOf(shape: Shape): ShapeClasses {
    const known = this.#classes[shape?.id];
    if (known !== undefined && known.shape === shape) return known;
    if (!(shape instanceof Shape)) throw argumentTypeError('shape', 'a shape of the heap', shape);
    if (!this.#shapes.has(shape)) {
      throw new HeapError('ERR_SHAPE_UNKNOWN', `the shape ${shape.name} is of another heap; define it in this one.`);
    }
    return this.#classesById(shape.id);
  }

  #classesById(id: number): ShapeClasses {
    const known = this.#classes[id];
    if (known !== undefined) return known;
    const shape = this.#shapes.numbered(id);
    const special = this.strings.isStringShape(shape) ? stringClasses(shape, this) : this.#specialClasses(shape, this);
    return (this.#classes[id] = special ?? this.#generator.generate(shape));
  }

  /** A new string in the heap, as a view. */
  string(text: string): HeapString {
    expectText(text, 'heap.string');
    return this.viewOf(this.strings.allocate(text)) as HeapString;
  }

  intern(text: string): HeapString {
    expectText(text, 'heap.intern');
    return this.viewOf(this.interned.intern(text)) as HeapString;
  }

  /** In a checked heap, throws if the mutator is parked. */
  expectRunning(place: string): void {
    this.#mutator.admit(0, place);
  }

  dropInterned(text: string): boolean {
    expectText(text, 'heap.dropInterned');
    this.expectRunning('heap.dropInterned');
    return this.interned.drop(text);
  }
}

function expectText(text: unknown, place: string): void {
  if (typeof text !== 'string') throw argumentTypeError(`text of ${place}`, 'a string', text);
}

function foreign(place: string): HeapError {
  return new HeapError('ERR_FOREIGN_REFERENCE', `${place}: the view belongs to another heap or to a mutator that was detached.`);
}

function wrongShape(place: string, target: string, found: string): HeapError {
  return new HeapError('ERR_WRONG_SHAPE', `${place} leads to objects of shape ${target}, not ${found}.`);
}
