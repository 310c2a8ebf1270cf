/**
 * Container views: what a reference to a shared container reads as. Like all views they hold a handle, follow their object, go into
 * fields and through `heap.offer`; their methods are those of the raw level (arrays.ts, …) with values and keys as JavaScript has them.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Ref } from '../heap/units.ts';
import { INITIALIZE, ObjectView, OWNER, SHAPE } from '../objects/object-view.ts';
import type { ValueKind, RawValue } from './kinds.ts';
import type { Containers } from './containers.ts';

/** @internal Where the operations are, which are made when they are asked for; on the prototype. */
export const CLASSES = Symbol('classes');

/** Nothing that a program could read or write by itself. */
export interface ContainerDefinition extends ShapeDefinition {
  readonly fields: Readonly<Record<never, never>>;
  readonly elements?: never;
}

export abstract class ContainerView extends ObjectView<ContainerDefinition> {
  /** @internal */
  declare readonly [CLASSES]: { readonly operations: Containers };

  /** @internal `heap.create` would leave out what a new container needs. */
  [INITIALIZE](): void {
    throw argumentRangeError('shape', 'a shape of objects (containers are made by heap.createArray, createMap, …)', this[SHAPE].name);
  }

  /** @internal */
  protected get operations(): Containers {
    return this[CLASSES].operations;
  }

  /** @internal Where the object is; for one operation. */
  protected at(place: string): Ref {
    return this[OWNER].refOfView(this, place);
  }

  /** @internal A safepoint first, so that a loop of operations holds nobody up. */
  protected atSafepoint(place: string): Ref {
    this.operations.poll();
    return this.at(place);
  }

  /** @internal What to store. A safepoint for strings. */
  protected stored(kind: ValueKind, value: unknown, place: string): RawValue {
    if (kind === 'ref') return this[OWNER].toReference(value, place, undefined);
    if (kind === 'string') return this[OWNER].storedText(value, place);
    const wanted = kind === 'i64' || kind === 'u64' ? 'bigint' : 'number';
    if (typeof value !== wanted) throw argumentTypeError(place, wanted === 'bigint' ? 'a BigInt' : 'a number', value);
    this.operations.checkRange(kind, value, place);
    return value as RawValue;
  }

  /** @internal For what is read before it is taken out, so that nothing is lost if that fails; and how to undo the reading. */
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
