/**
 * Container types: fields, elements and values that refer to containers of one type. The compiler knows what is in such a container, and
 * the heap, which kind of container it is: its shape is the type of the reference.
 */
import type { ContainerContents, ContainerType } from '../heap/definition.ts';
import type { HeapArray } from './heap-array.ts';
import type { HeapCache } from './heap-cache.ts';
import type { HeapCondition, HeapLock } from './heap-lock.ts';
import type { HeapMap } from './heap-map.ts';
import type { HeapQueue } from './heap-queue.ts';
import type { HeapSortedMap } from './heap-sorted-map.ts';
import { type ContentIn, expectKind, KEY_KINDS, type KeyType, kindOf, VALUE_KINDS, type ValueType } from './kinds.ts';
import { SORTED_KEY_KINDS, type SortedKeyKind } from './sorted-maps.ts';

/** What the compiler knows about an array that a field refers to. */
export interface ArrayContents<V extends ValueType | 'self'> extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapArray<ContentIn<V, this['self']>>;
}

/** What the compiler knows about a map that a field refers to. */
export interface MapContents<K extends KeyType | 'self', V extends ValueType | 'self'> extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapMap<ContentIn<K, this['self']>, ContentIn<V, this['self']>>;
}

/** What the compiler knows about a sorted map that a field refers to. */
export interface SortedMapContents<K extends SortedKeyKind, V extends ValueType | 'self'> extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapSortedMap<K, ContentIn<V, this['self']>>;
}

/** What the compiler knows about a cache that a field refers to. */
export interface CacheContents<K extends KeyType | 'self', V extends ValueType | 'self'> extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapCache<ContentIn<K, this['self']>, ContentIn<V, this['self']>>;
}

/** What the compiler knows about a queue that a field refers to. */
export interface QueueContents<V extends ValueType | 'self'> extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapQueue<ContentIn<V, this['self']>>;
}

/** What the compiler knows about a lock that a field refers to. */
export interface LockContents extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapLock;
}

/** What the compiler knows about a condition that a field refers to. */
export interface ConditionContents extends ContainerContents {
  /** The view of a field of the definition `self`. */
  readonly view: HeapCondition;
}

/**
 * A reference to a growable array (`heap.createArray`) of that type, for fields, elements and other containers; `self` stands for the shape
 * that has the field. Throws RangeError ERR_OPTION for what no array can hold.
 */
export function arrayOf<const V extends ValueType | 'self'>(value: V): ContainerType<ArrayContents<V>> {
  return to(`array.${valueKind(value)}`);
}

/** A reference to a hash map (`heap.createMap`) of those types, as {@link arrayOf}. */
export function mapOf<const K extends KeyType | 'self', const V extends ValueType | 'self'>(
  key: K,
  value: V,
): ContainerType<MapContents<K, V>> {
  return to(`map.${keyKind(key)}.${valueKind(value)}`);
}

/** A reference to a sorted map (`heap.createSortedMap`) of those types, as {@link arrayOf}. */
export function sortedMapOf<const K extends SortedKeyKind, const V extends ValueType | 'self'>(
  key: K,
  value: V,
): ContainerType<SortedMapContents<K, V>> {
  expectKind(key, SORTED_KEY_KINDS, 'keys of a sorted map');
  return to(`sorted-map.${key}.${valueKind(value)}`);
}

/** A reference to a cache (`heap.createCache`) of those types, as {@link arrayOf}. */
export function cacheOf<const K extends KeyType | 'self', const V extends ValueType | 'self'>(
  key: K,
  value: V,
): ContainerType<CacheContents<K, V>> {
  return to(`cache.${keyKind(key)}.${valueKind(value)}`);
}

/** A reference to a queue (`heap.createQueue`) of that type, as {@link arrayOf}. */
export function queueOf<const V extends ValueType | 'self'>(value: V): ContainerType<QueueContents<V>> {
  return to(`queue.${valueKind(value)}`);
}

/** A reference to a lock (`heap.createLock`), for fields, elements and containers. */
export const LOCK: ContainerType<LockContents> = to('lock');

/** A reference to a condition (`heap.createCondition`), for fields, elements and containers. */
export const CONDITION: ContainerType<ConditionContents> = to('condition');

function to<C extends ContainerContents>(container: string): ContainerType<C> {
  return { ref: `faultline.${container}` } as ContainerType<C>;
}

function valueKind(type: ValueType | 'self'): string {
  const kind = type === 'self' ? 'ref' : kindOf(type);
  expectKind(kind, VALUE_KINDS, 'values of a container');
  return kind;
}

function keyKind(type: KeyType | 'self'): string {
  const kind = type === 'self' ? 'ref' : kindOf(type);
  expectKind(kind, KEY_KINDS, 'keys of a container');
  return kind;
}
