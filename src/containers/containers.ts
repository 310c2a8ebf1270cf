/**
 * Containers: arrays, maps, caches, queues, locks and conditions in the heap, which threads share like objects. One object for each
 * mutator, with the operations on raw references; the classes of their views are in container-classes.ts.
 */
import type { KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { ShapeTable } from '../heap/shapes.ts';
import type { SharedSlots } from '../objects/shared-slots.ts';
import type { Strings } from '../objects/strings.ts';
import { checkValue } from '../objects/value-check.ts';
import { HeapArrays } from './arrays.ts';
import { HeapCaches } from './caches.ts';
import { HeapConditions } from './conditions.ts';
import type { ValueKind } from './kinds.ts';
import { LockWords } from './lock-words.ts';
import { HeapLocks } from './locks.ts';
import { HeapMaps } from './maps.ts';
import { ParkingLot } from './parking-lot.ts';
import { QueueBatches } from './queue-batches.ts';
import { QueueNodes } from './queue-nodes.ts';
import { HeapQueues } from './queues.ts';
import { SortedMaps } from './sorted-maps.ts';

/**
 * Shared containers by raw reference. For this thread's mutator, while it is attached and running; like all raw access they do not check
 * that. References that are passed or returned are raw ones, valid until the next safepoint.
 */
export class Containers {
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
  /** @internal */
  readonly batches: QueueBatches;
  /** @internal */
  readonly lot: ParkingLot;
  readonly #mutator: Mutator;
  readonly #checked: boolean;
  readonly #makeCaches: () => HeapCaches;
  readonly #makeSortedMaps: () => SortedMaps;
  #caches: HeapCaches | undefined;
  #sortedMaps: SortedMaps | undefined;

  /** @internal Use heap.containers. */
  constructor(mutator: Mutator, shapes: ShapeTable, strings: Strings, { parkingWords }: SharedSlots, hash: KeyedHash, checked: boolean) {
    const lot = new ParkingLot(mutator, parkingWords);
    const nodes = new QueueNodes(mutator, shapes);
    const words = new LockWords(mutator, lot);
    this.#mutator = mutator;
    this.#checked = checked;
    this.lot = lot;
    this.#makeCaches = () => new HeapCaches(mutator, shapes, strings, hash);
    this.#makeSortedMaps = () => new SortedMaps(mutator, shapes, strings);
    this.arrays = new HeapArrays(mutator, shapes);
    this.maps = new HeapMaps(mutator, shapes, strings, hash);
    this.queues = new HeapQueues(mutator, nodes, lot);
    this.batches = new QueueBatches(mutator, nodes, lot);
    this.locks = new HeapLocks(mutator, shapes, words);
    this.conditions = new HeapConditions(mutator, shapes, this.locks, lot);
  }

  /** @internal Made when they are first needed, because they define shapes. */
  get caches(): HeapCaches {
    return (this.#caches ??= this.#makeCaches());
  }

  /** @internal The same. */
  get sortedMaps(): SortedMaps {
    return (this.#sortedMaps ??= this.#makeSortedMaps());
  }

  /** @internal */
  poll(): void {
    this.#mutator.poll();
  }

  /** @internal Runs `body`; views that it makes are released. */
  scope<T>(body: () => T): T {
    return this.#mutator.scope(body);
  }

  /** @internal Throws RangeError ERR_OPTION in a checked heap for a number that does not fit. */
  checkRange(kind: ValueKind, value: unknown, place: string): void {
    if (this.#checked) checkValue(kind as Exclude<ValueKind, 'string'>, value, place);
  }
}
