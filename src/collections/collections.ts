/**
 * Collections: what threads share besides objects: arrays, maps, queues, locks and conditions in the heap. One object for each mutator,
 * with the operations on raw references; and the classes of the views that stand for them.
 *
 * A shape's name tells what it is (`faultline.map.string.ref`), so a collection that comes out of a field, a token or another collection
 * is known for what it is in every thread.
 */
import { argumentRangeError } from '../errors.ts';
import type { KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ShapeClasses } from '../objects/generated-classes.ts';
import { ObjectCursor, type ObjectView, OWNER, SHAPE } from '../objects/object-view.ts';
import type { Objects } from '../objects/objects.ts';
import type { SharedSlots } from '../objects/shared-slots.ts';
import { checkValue } from '../objects/value-check.ts';
import { HeapArrays } from './arrays.ts';
import { HeapConditions } from './conditions.ts';
import { HeapArray } from './heap-array.ts';
import { HeapCondition, HeapLock } from './heap-lock.ts';
import { HeapMap } from './heap-map.ts';
import { HeapQueue } from './heap-queue.ts';
import type { ValueKind } from './kinds.ts';
import { LockWords } from './lock-words.ts';
import { HeapLocks } from './locks.ts';
import { HeapMaps } from './maps.ts';
import { ParkingLot } from './parking-lot.ts';
import { HeapQueues } from './queues.ts';

/** By what a shape's name begins with. */
const VIEWS: Readonly<Record<string, abstract new (slot: number) => ObjectView>> = {
  'faultline.array.': HeapArray,
  'faultline.map.': HeapMap,
  'faultline.queue.': HeapQueue,
  'faultline.lock': HeapLock,
  'faultline.condition': HeapCondition,
};

/**
 * Shared collections by raw reference. For this thread's mutator, as long as it is attached and runs; like all raw access they do not look
 * whether it does. References that go in or come out are raw ones, valid until the next safepoint.
 */
export class Collections {
  /** Growable arrays. */
  readonly arrays: HeapArrays;
  /** Hash maps. */
  readonly maps: HeapMaps;
  /** Queues between threads. */
  readonly queues: HeapQueues;
  /** Locks. */
  readonly locks: HeapLocks;
  /** Conditions to wait for. */
  readonly conditions: HeapConditions;
  readonly #mutator: Mutator;
  readonly #checked: boolean;

  /** @internal Use heap.collections. */
  constructor(mutator: Mutator, shapes: ShapeTable, objects: Objects, { parkingWords }: SharedSlots, hash: KeyedHash, checked: boolean) {
    const lot = new ParkingLot(mutator, parkingWords);
    const words = new LockWords(mutator, lot);
    this.#mutator = mutator;
    this.#checked = checked;
    this.arrays = new HeapArrays(mutator, shapes);
    this.maps = new HeapMaps(mutator, shapes, objects.strings, hash);
    this.queues = new HeapQueues(mutator, shapes, lot);
    this.locks = new HeapLocks(mutator, shapes, words);
    this.conditions = new HeapConditions(mutator, shapes, this.locks, lot);
  }

  /** @internal */
  poll(): void {
    this.#mutator.poll();
  }

  /** @internal Throws RangeError ERR_OPTION in a checked heap for a number that does not fit. */
  checkRange(kind: ValueKind, value: unknown, place: string): void {
    if (this.#checked) checkValue(kind as Exclude<ValueKind, 'string'>, value, place);
  }
}

class CollectionCursor extends ObjectCursor {
  constructor(slot: number) {
    super(slot);
    throw argumentRangeError('shape of a cursor', 'a shape of objects', 'a collection');
  }
}

/** @internal The view of a collection's shape; undefined for other shapes. */
export function collectionClasses(shape: Shape, owner: Objects): ShapeClasses | undefined {
  const prefix = Object.keys(VIEWS).find((prefix) => (prefix.endsWith('.') ? shape.name.startsWith(prefix) : shape.name === prefix));
  if (prefix === undefined) return undefined;
  const view = class extends (VIEWS[prefix] as new (slot: number) => ObjectView) {};
  Object.assign(view.prototype, { [OWNER]: owner, [SHAPE]: shape });
  return { shape, view: view as unknown as ShapeClasses['view'], cursor: CollectionCursor as ShapeClasses['cursor'], elements: undefined };
}
