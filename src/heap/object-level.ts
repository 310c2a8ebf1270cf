/**
 * Object level: the part of a heap that works with views. Each operation uses this thread's mutator; it throws ERR_MUTATOR_DETACHED if
 * there is none, ERR_HEAP_CLOSED if the heap is closed. The operations are implemented in objects/ and containers/.
 */
import { EventEmitter } from 'node:events';
import type { Containers } from '../containers/containers.ts';
import type { HeapArray } from '../containers/heap-array.ts';
import type { CacheOptions } from '../containers/cache-options.ts';
import type { HeapCache } from '../containers/heap-cache.ts';
import type { HeapCondition, HeapLock } from '../containers/heap-lock.ts';
import type { HeapMap } from '../containers/heap-map.ts';
import type { HeapQueue } from '../containers/heap-queue.ts';
import type { HeapSortedMap } from '../containers/heap-sorted-map.ts';
import { type ContentOf, type KeyType, kindOf, type ValueType } from '../containers/kinds.ts';
import type { SortedKeyKind } from '../containers/sorted-maps.ts';
import type { HandleToken } from '../objects/handle-tokens.ts';
import type { HeapString } from '../objects/heap-string.ts';
import type { Objects } from '../objects/objects.ts';
import type { AnyView, Cursor, InitialElements, InitialValues, PlainInput, View } from '../objects/view-types.ts';
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { ShapeDefinition } from './definition.ts';
import type { HeapEvents } from './heap-events.ts';
import type { Pin, PinRange } from './pin.ts';
import type { Shape } from './shapes.ts';
import type { Ref } from './units.ts';

/** @internal The objects of this thread's mutator; throws when there is none. */
export const OBJECTS = Symbol('objects');

/** @internal The operations on shared containers of this thread's mutator; throws when there is none. */
export const CONTAINERS = Symbol('containers');

/** What a heap does with views; a base class of every heap. */
export abstract class ObjectLevel extends EventEmitter<HeapEvents> {
  /** @internal */
  abstract [OBJECTS](): Objects;
  /** @internal */
  abstract [CONTAINERS](): Containers;

  /**
   * A new object, as a view; fields that are not given are zero or null. A safepoint. Throws ERR_OPTION for unknown fields and wrong
   * values, and what {@link Mutator.allocate} throws. Some hundred ns; in a scope about 100.
   */
  create<D extends ShapeDefinition>(
    shape: Shape<D>,
    values: InitialValues<D> = {} as InitialValues<D>,
    elements?: InitialElements<D>,
  ): View<D> {
    return this[OBJECTS]().create(shape, values, elements);
  }

  /**
   * A plain object and all plain objects that it refers to, as objects of the heap: where a field refers to objects of a shape, a plain
   * object becomes one of that. What occurs twice becomes one object. 64-bit integers may be texts of digits. Some 200 ns a field. A
   * safepoint. Throws what {@link create} throws, and TypeError ERR_OPTION for a plain object where any shape may be.
   */
  fromObject<D extends ShapeDefinition>(shape: Shape<D>, value: PlainInput<D>): View<D> {
    return this[OBJECTS]().copyIn.copy(shape, value) as View<D>;
  }

  /** {@link fromObject} of what a JSON text says. A safepoint. Throws RangeError ERR_OPTION if it is none. */
  fromJSON<D extends ShapeDefinition>(shape: Shape<D>, text: string): View<D> {
    return this[OBJECTS]().copyIn.copy(shape, parsed(text)) as View<D>;
  }

  /**
   * A new, zeroed object that can be pinned ({@link pin}): its shape has elements that are numbers, and no references. It never moves; it
   * takes whole pages, in a region that it shares with others up to 512 KiB. A safepoint; throws what {@link Mutator.allocatePinnable}
   * throws.
   */
  createPinnable<D extends ShapeDefinition>(shape: Shape<D>, count: number): View<D> {
    return this[OBJECTS]().createPinnable(shape, count) as View<D>;
  }

  /**
   * Pins the elements of an object, or a range of them: memory at one address until the pin is released, for `fs`, sockets and native
   * code. Throws ERR_NOT_PINNABLE unless the object was made by {@link createPinnable} or is large, ERR_PIN_REFUSED when the system
   * refuses the mapping, ERR_MUTATOR_PARKED, RangeError ERR_OPTION. Not a safepoint; about 10 us, and 0.6 us a page.
   */
  pin(object: AnyView, range: PinRange = {}): Pin {
    return this[OBJECTS]().pin(object, range);
  }

  /** A cursor for objects of that shape, at `at` or nowhere. Throws ERR_WRONG_SHAPE, ERR_HANDLES_EXHAUSTED. */
  cursor<D extends ShapeDefinition>(shape: Shape<D>, at: View<D> | Ref | null = null): Cursor<D> {
    return this[OBJECTS]().cursor(shape, at);
  }

  /** A view of the object at a raw reference, whatever its shape; null for 0. Throws ERR_HANDLES_EXHAUSTED. */
  view(ref: Ref): View | null {
    return this[OBJECTS]().view(ref) as View | null;
  }

  /** A new string in the heap. A safepoint; throws what {@link Mutator.allocate} throws. */
  string(text: string): HeapString {
    return this[OBJECTS]().string(text);
  }

  /**
   * The one string of that text that all threads share: equal texts give the same object, so that references can be compared. It
   * stays alive until {@link dropInterned}, even if nothing refers to it. A safepoint; throws what {@link Mutator.allocate} throws.
   */
  intern(text: string): HeapString {
    return this[OBJECTS]().intern(text);
  }

  /**
   * Forgets an interned string, and returns whether there was one. References keep it alive; the next {@link intern} of the text makes
   * another.
   */
  dropInterned(text: string): boolean {
    return this[OBJECTS]().dropInterned(text);
  }

  /**
   * Makes a root that goes to another thread by message: a plain object that {@link redeem} turns into a view there, once. Until then,
   * or until {@link withdraw}, it keeps the object alive, even after this thread has ended. Throws ERR_TOKENS_EXHAUSTED while 1,023 are
   * under way, ERR_VIEW_RELEASED.
   */
  offer<V extends AnyView>(view: V): HandleToken<V> {
    return this[OBJECTS]().tokens.offer(view);
  }

  /**
   * The object that another thread (or this one) has offered. Its type is that of the token, or what the caller says where a message has
   * lost that: `const map: HeapMap<'string', 'f64'> = heap.redeem(workerData.map)`. Throws ERR_TOKEN_SPENT when it was redeemed or
   * withdrawn before.
   */
  redeem<V extends AnyView = View>(token: HandleToken<V>): V {
    return this[OBJECTS]().tokens.redeem(token) as AnyView as V;
  }

  /** Takes back an offer; false when it was redeemed or withdrawn already. In any thread that is a mutator. */
  withdraw(token: HandleToken): boolean {
    return this[OBJECTS]().tokens.withdraw(token);
  }

  /** The operations on shared containers by raw reference, for this thread's mutator. */
  get containers(): Containers {
    return this[CONTAINERS]();
  }

  /** @deprecated The name that {@link containers} had; it goes with the next minor version. */
  get collections(): Containers {
    return this[CONTAINERS]();
  }

  /**
   * A new growable array that threads can share, empty, with elements of that kind, or with references to objects of that shape or to
   * containers of that type. A safepoint; throws ERR_OPTION, and what {@link Mutator.allocate} throws.
   */
  createArray<const V extends ValueType>(type: V): HeapArray<ContentOf<V>> {
    return this[OBJECTS]().viewOf(this.containers.arrays.allocate(kindOf(type))) as HeapArray<ContentOf<V>>;
  }

  /**
   * A new hash map that threads can share, empty; keys and values are given as to {@link createArray}. A safepoint; throws ERR_OPTION, and
   * what {@link Mutator.allocate} throws.
   */
  createMap<const K extends KeyType, const V extends ValueType>(keyType: K, valueType: V): HeapMap<ContentOf<K>, ContentOf<V>> {
    const map = this.containers.maps.allocate(kindOf(keyType), kindOf(valueType));
    return this[OBJECTS]().viewOf(map) as HeapMap<ContentOf<K>, ContentOf<V>>;
  }

  /**
   * A new map that threads can share, empty, whose entries are in the order of their keys: texts or numbers. Values are given as to
   * {@link createArray}. A safepoint; throws ERR_OPTION, and what {@link Mutator.allocate} throws.
   */
  createSortedMap<K extends SortedKeyKind, const V extends ValueType>(keyKind: K, valueType: V): HeapSortedMap<K, ContentOf<V>> {
    const map = this.containers.sortedMaps.allocate(keyKind, kindOf(valueType));
    return this[OBJECTS]().viewOf(map) as HeapSortedMap<K, ContentOf<V>>;
  }

  /**
   * A new cache that threads can share, empty: a map that drops what has not been used for longest when it has more than `maxEntries` or
   * `maxBytes`. Keys and values are given as to {@link createArray}. A safepoint; throws ERR_OPTION, and what {@link Mutator.allocate}
   * throws.
   */
  createCache<const K extends KeyType, const V extends ValueType>(
    keyType: K,
    valueType: V,
    options: CacheOptions,
  ): HeapCache<ContentOf<K>, ContentOf<V>> {
    const cache = this.containers.caches.allocate(kindOf(keyType), kindOf(valueType), options);
    return this[OBJECTS]().viewOf(cache) as HeapCache<ContentOf<K>, ContentOf<V>>;
  }

  /**
   * A new queue between threads, empty, for `capacity` elements (1 to 2^31), or for any number. The elements are given as to
   * {@link createArray}. A safepoint; throws ERR_OPTION, and what {@link Mutator.allocate} throws.
   */
  createQueue<const V extends ValueType>(type: V, capacity = Infinity): HeapQueue<ContentOf<V>> {
    return this[OBJECTS]().viewOf(this.containers.queues.allocate(kindOf(type), capacity)) as HeapQueue<ContentOf<V>>;
  }

  /** A new lock, free. A safepoint; throws what {@link Mutator.allocate} throws. */
  createLock(): HeapLock {
    return this[OBJECTS]().viewOf(this.containers.locks.allocate()) as HeapLock;
  }

  /** A new condition. A safepoint; throws what {@link Mutator.allocate} throws. */
  createCondition(): HeapCondition {
    return this[OBJECTS]().viewOf(this.containers.conditions.allocate()) as HeapCondition;
  }
}

function parsed(text: string): unknown {
  if (typeof text !== 'string') throw argumentTypeError('text of heap.fromJSON', 'a string', text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw Object.assign(argumentRangeError('text of heap.fromJSON', `JSON (${(cause as Error).message})`, text.slice(0, 20)), { cause });
  }
}
