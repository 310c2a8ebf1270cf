/**
 * Container views: what a reference to a shared container reads as. Like all views they hold a handle, follow their object, and can be
 * stored in fields and passed through `heap.offer`. Their methods are those of the raw level (arrays.ts, …), with JavaScript values and
 * keys.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Ref } from '../heap/units.ts';
import { INITIALIZE, ObjectView, OWNER, SHAPE } from '../objects/object-view.ts';
import { noProperty, UNKNOWN } from '../objects/sealing.ts';
import type { ValueKind, RawValue } from './kinds.ts';
import type { Containers } from './containers.ts';

/** @internal On the prototype: gives the operations, which are made when they are first needed. */
export const CLASSES = Symbol('classes');

/** Without fields or elements that a program could access directly. */
export interface ContainerDefinition extends ShapeDefinition {
  readonly fields: Readonly<Record<never, never>>;
  readonly elements?: never;
}

export abstract class ContainerView extends ObjectView<ContainerDefinition> {
  /** @internal */
  declare readonly [CLASSES]: { readonly operations: Containers };

  /** @internal Refuses: `heap.create` would leave out what a new container needs. */
  [INITIALIZE](): void {
    throw argumentRangeError('shape', 'a shape of objects (containers are made by heap.createArray, createMap, …)', this[SHAPE].name);
  }

  /** @internal */
  override [UNKNOWN](name: string): Error {
    return noProperty(`a ${this[SHAPE].name.split('.')[1]!.replace('-', ' ')}`, name);
  }

  /** @internal */
  protected get operations(): Containers {
    return this[CLASSES].operations;
  }

  /** @internal The raw reference, for one operation. */
  protected refFor(place: string): Ref {
    return this[OWNER].refOfView(this, place);
  }

  /** @internal The same after a safepoint, so that a loop of operations holds up no pause. */
  protected atSafepoint(place: string): Ref {
    this.operations.poll();
    return this.refFor(place);
  }

  /** @internal The raw value to store. A safepoint for strings. */
  protected stored(kind: ValueKind, value: unknown, place: string): RawValue {
    if (kind === 'ref') return this[OWNER].toReference(value, place, undefined);
    if (kind === 'string') return this[OWNER].storedText(value, place);
    const wanted = kind === 'i64' || kind === 'u64' ? 'bigint' : 'number';
    if (typeof value !== wanted) throw argumentTypeError(place, wanted === 'bigint' ? 'a BigInt' : 'a number', value);
    this.operations.checkRange(kind, value, place);
    return value as RawValue;
  }

  /** @internal How to convert a value before it is taken out, so that nothing is lost if that fails; and how to undo the conversion. */
  protected reader<T>(kind: ValueKind): [read: (value: RawValue) => T, undo: (made: T) => void] {
    return [
      (value) => this.loaded(kind, value) as T,
      (made) => {
        if (made instanceof ObjectView) made.release();
      },
    ];
  }

  /** @internal What a value reads as. Not a safepoint. */
  protected loaded(kind: ValueKind, value: RawValue): unknown {
    if (kind !== 'ref' && kind !== 'string') return value;
    if (value === 0) return null;
    return kind === 'ref' ? this[OWNER].viewOf(value as Ref) : this[OWNER].textAt(value as Ref);
  }
}
