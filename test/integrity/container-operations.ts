/**
 * The operations of the integrity matrix on shared containers, as views and by raw reference.
 */
import { expect } from 'vitest';
import { always, ofObjects, ofView, type Operations, taking } from './matrix.ts';

export const CONTAINER_OPERATIONS: Operations = {
  'heap.createArray': ofObjects(({ heap }) => heap.createArray('f64').release()),
  'heap.createMap': ofObjects(({ heap }) => heap.createMap('string', 'f64').release()),
  'heap.createSortedMap': ofObjects(({ heap }) => heap.createSortedMap('string', 'f64').release()),
  'heap.createCache': ofObjects(({ heap }) => heap.createCache('string', 'f64', { maxEntries: 3 }).release()),
  'heap.createQueue': ofObjects(({ heap }) => heap.createQueue('f64', 3).release()),
  'heap.createLock': ofObjects(({ heap }) => heap.createLock().release()),
  'heap.createCondition': ofObjects(({ heap }) => heap.createCondition().release()),
  'heap.containers': { ...ofObjects(({ heap }) => heap.containers), parked: 'works' },
  'heap.collections': { ...ofObjects(({ heap }) => heap.collections), parked: 'works' },
  'array.kind': always(({ array }) => expect(array.kind).toBe('string')),
  'array.push': ofView(({ array }) => array.push('more')),
  'array.pop': ofView(({ array }) => expect(array.push('last') && array.pop()).toBe('last')),
  'array.get': ofView(({ array }) => expect(array.get(0)).toBe('first')),
  'array.at': ofView(({ array }) => expect([array.at(0), array.at(-9)]).toEqual(['first', undefined])),
  'array.forEach': ofView(({ array }) => array.forEach((text) => expect(text).not.toBe(undefined))),
  'array.slice': ofView(({ array }) => expect(array.slice(0, 1)).toEqual(['first'])),
  'array.set': ofView(({ array }) => array.set(0, 'first')),
  'array.length': ofView(({ array }) => expect(array.length).toBeGreaterThan(1)),
  'array, in order': ofView(({ array }) => expect([...array][0]).toBe('first')),
  'array.toObject': ofView(({ array }) => array.toObject()),
  'array.toArray': ofView(({ array }) => array.toArray()),
  'array.jsonPieces': ofView(({ array }) => [...array.jsonPieces()]),
  'array.appendJSON': ofView(({ array }) => array.appendJSON('["more"]')),
  'map.keyKind, valueKind': always(({ map }) => expect([map.keyKind, map.valueKind]).toEqual(['string', 'ref'])),
  'map.get': ofView(({ map }) => expect(map.get('absent')).toBe(undefined)),
  'map.get, a view': ofView(({ map }) => map.get('key')!.release()),
  'map.set': taking(({ map }, { array }) => map.set('key', array)),
  'map.setIfAbsent': taking(({ map }, { array }) => expect(map.setIfAbsent('key', array)).toBe(false)),
  'map.has': ofView(({ map }) => expect(map.has('key')).toBe(true)),
  'map.compareAndSet': ofView(({ map }) => expect(map.compareAndSet('key', null, null)).toBe(false)),
  'map.compareAndSet, to a view': taking(({ map }, { array }) => map.compareAndSet('key', null, array)),
  'map.compareAndSet, from a view': taking(({ map }, { string }) => expect(map.compareAndSet('key', string, null)).toBe(false)),
  'map.update': ofView(({ map }) => map.update('nothing', () => undefined)),
  'map.increment': ofView(({ objects, node }) => objects.increment(node)),
  'map.getOrInsert': ofView(({ map }) => map.getOrInsert('key', null)!.release()),
  'map.getOrInsertComputed': ofView(({ map }) => map.getOrInsertComputed('key', () => null)!.release()),
  'map.delete': ofView(({ map }) => map.delete('nothing')),
  'map.clear': ofView(({ objects }) => objects.clear()),
  'map.jsonPieces': ofView(({ map }) => [...map.jsonPieces()]),
  'map.mergeJSON': ofView(({ map }) => map.mergeJSON('{}')),
  'map.size': ofView(({ map }) => expect(map.size).toBe(1)),
  'map, in order': ofView(({ map }) => expect([...map].length).toBe(1)),
  'map.toObject': ofView(({ map }) => map.toObject()),
  'map.forEach': ofView(({ map }) => map.forEach((value, key) => expect([value?.release(), key]).toEqual([undefined, 'key']))),
  'map.keys': ofView(({ map }) => expect([...map.keys()]).toEqual(['key'])),
  'map.values': ofView(({ map }) => expect([...map.values()].length).toBe(1)),
  'map.entries': ofView(({ map }) => expect(map.entries().next().done).toBe(false)),
  'map.set, an object': taking(({ objects }, { map }) => objects.set(map, 1)),
  'map.get, an object': taking(({ objects }, { map }) => objects.get(map)),
  'sortedMap.keyKind, valueKind': always(({ sortedMap }) => expect([sortedMap.keyKind, sortedMap.valueKind]).toEqual(['string', 'ref'])),
  'sortedMap.get': ofView(({ sortedMap }) => expect(sortedMap.get('absent')).toBe(undefined)),
  'sortedMap.get, a view': ofView(({ sortedMap }) => sortedMap.get('key')!.release()),
  'sortedMap.set': taking(({ sortedMap }, { array }) => sortedMap.set('key', array)),
  'sortedMap.setIfAbsent': taking(({ sortedMap }, { array }) => expect(sortedMap.setIfAbsent('key', array)).toBe(false)),
  'sortedMap.has': ofView(({ sortedMap }) => expect(sortedMap.has('key')).toBe(true)),
  'sortedMap.compareAndSet': ofView(({ sortedMap }) => expect(sortedMap.compareAndSet('key', null, null)).toBe(false)),
  'sortedMap.compareAndSet, to a view': taking(({ sortedMap }, { array }) => sortedMap.compareAndSet('key', null, array)),
  'sortedMap.update': ofView(({ sortedMap }) => sortedMap.update('nothing', () => undefined)),
  'sortedMap.delete': ofView(({ sortedMap }) => expect(sortedMap.delete('nothing')).toBe(false)),
  'sortedMap.clear': ofObjects(({ heap }) => heap.createSortedMap('string', 'f64').clear()),
  'sortedMap.size': ofView(({ sortedMap }) => expect(sortedMap.size).toBe(1)),
  'sortedMap.first, last': ofView(({ sortedMap }) => expect([sortedMap.first()![0], sortedMap.last()![0]]).toEqual(['key', 'key'])),
  'sortedMap.toArray': ofView(({ sortedMap }) => expect(sortedMap.toArray({ from: 'l' })).toEqual([])),
  'sortedMap, in order': ofView(({ sortedMap }) => expect([...sortedMap].length).toBe(1)),
  'sortedMap.toObject': ofView(({ sortedMap }) => sortedMap.toObject()),
  'sortedMap.forEach': ofView(({ sortedMap }) => sortedMap.forEach((value) => void value?.release())),
  'sortedMap.keys': ofView(({ sortedMap }) => expect([...sortedMap.keys()]).toEqual(['key'])),
  'sortedMap.values': ofView(({ sortedMap }) => expect([...sortedMap.values()].length).toBe(1)),
  'sortedMap.entries': ofView(({ sortedMap }) => expect(sortedMap.entries().next().done).toBe(false)),
  'cache.keyKind, valueKind': always(({ cache }) => expect([cache.keyKind, cache.valueKind]).toEqual(['string', 'ref'])),
  'cache.get': ofView(({ cache }) => expect(cache.get('absent')).toBe(undefined)),
  'cache.get, a view': ofView(({ cache }) => cache.get('key')!.release()),
  'cache.peek': ofView(({ cache }) => cache.peek('key')!.release()),
  'cache.has': ofView(({ cache }) => expect(cache.has('key')).toBe(true)),
  'cache.set': taking(({ cache }, { array }) => cache.set('key', array)),
  'cache.getOrInsertComputed': ofView(({ cache }) => cache.getOrInsertComputed('key', () => null)!.release()),
  'cache.fetch': ofView(async ({ cache }) => (await cache.fetch('key', () => null))!.release()),
  'cache.delete': ofView(({ cache }) => expect(cache.delete('nothing')).toBe(false)),
  'cache.clear': ofObjects(({ heap }) => heap.createCache('string', 'f64', { maxEntries: 3 }).clear()),
  'cache.size, bytes': ofView(({ cache }) => expect([cache.size, cache.bytes > 0]).toEqual([1, true])),
  'cache.limits': ofView(({ cache }) => expect(cache.limits.maxEntries).toBe(5)),
  'cache.statistics': ofView(({ cache }) => expect(cache.statistics().hits).toBeGreaterThanOrEqual(0)),
  'cache, in order': ofView(({ cache }) => expect([...cache].length).toBe(1)),
  'cache.toObject': ofView(({ cache }) => cache.toObject()),
  'cache.forEach': ofView(({ cache }) => cache.forEach((value) => void value?.release())),
  'cache.keys': ofView(({ cache }) => expect([...cache.keys()]).toEqual(['key'])),
  'cache.values': ofView(({ cache }) => expect([...cache.values()].length).toBe(1)),
  'cache.entries': ofView(({ cache }) => expect(cache.entries().next().done).toBe(false)),
  'queue.kind': always(({ queue }) => expect(queue.kind).toBe('ref')),
  'queue.enqueue': taking(({ queue }, { node }) => queue.enqueue(node)),
  'queue.enqueueWait': ofView(({ queue }) => queue.enqueueWait(null, 0)),
  'queue.dequeue': ofView(({ queue }) => queue.dequeue()),
  'queue.dequeueWait': ofView(({ queue }) => queue.dequeueWait(0)),
  'queue.closed': ofView(({ queue }) => expect(queue.closed).toBe(false)),
  'queue.close': ofObjects(({ heap }) => heap.createQueue('f64').close()),
  'queue.dequeueAsync': ofView(({ queue }) => queue.dequeueAsync({ timeoutMs: 0 })),
  'queue.enqueueAsync': taking(({ queue }, { node }) => queue.enqueueAsync(node, { timeoutMs: 0 })),
  'queue.enqueueMany': taking(({ queue }, { node }) => queue.enqueueMany([null, node])),
  'queue.dequeueMany': ofView(({ queue }) => {
    for (const it of queue.dequeueMany(2)) it?.release();
  }),
  'queue.dequeueManyWait': ofView(({ queue }) => {
    for (const it of queue.dequeueManyWait(2, 0)) it?.release();
  }),
  'queue.dequeueManyAsync': ofView(async ({ queue }) => {
    for (const it of await queue.dequeueManyAsync(2, { timeoutMs: 0 })) it?.release();
  }),
  'queue.length': ofView(({ queue }) => queue.length),
  'queue.capacity': ofView(({ queue }) => expect(queue.capacity).toBe(20)),
  'queue, in order': ofView(({ queue }) => [...queue]),
  'queue.toObject': ofView(({ queue }) => queue.toObject()),
  'queue.toArray': ofView(({ queue }) => queue.toArray()),
  'lock.lock, unlock': ofView(({ lock }) => {
    expect(lock.lock()).toBe(true);
    lock.unlock();
  }),
  'lock.unlock, not owned': ofView(({ lock }) => expect(lock.owned || (() => lock.unlock())).not.toBe(true)),
  'lock.run': ofView(({ lock }) => lock.run(() => 1)),
  'lock.lockAsync': ofView(async ({ lock }) => {
    expect(await lock.lockAsync()).toBe(true);
    lock.unlock();
  }),
  'lock.acquire': ofView(async ({ lock }) => (await lock.acquire()).release()),
  'lock.runAsync': ofView(({ lock }) => lock.runAsync(() => 1)),
  'lock.owned': ofView(({ lock }) => expect(lock.owned).toBe(false)),
  'lock.abandoned': ofView(({ lock }) => expect(lock.abandoned).toBe(false)),
  'lock.declareRepaired': ofView(({ lock }) => lock.run(() => lock.declareRepaired())),
  'condition.wait': taking(({ condition, lock }, { lock: with_ }) => lock.run(() => condition.wait(with_, 0))),
  'condition.waitAsync': taking(({ condition, lock }, { lock: with_ }) =>
    lock.runAsync(() => condition.waitAsync(with_, { timeoutMs: 0 })),
  ),
  'condition.notifyAll': ofView(({ condition }) => condition.notifyAll()),
  'arrays.allocate': ofObjects(({ heap }) => heap.containers.arrays.allocate('f64')),
  'arrays.length, get, find, set, push, pop': ofObjects(({ heap, mutator }) =>
    mutator.scope(() => {
      const { arrays } = heap.containers;
      const array = mutator.local(arrays.allocate('f64'));
      expect(arrays.push(mutator.get(array), 0.5)).toBe(1);
      arrays.set(mutator.get(array), 0, 1.5);
      expect([arrays.get(mutator.get(array), 0), arrays.find(mutator.get(array), 1), arrays.length(mutator.get(array))]).toEqual([
        1.5,
        undefined,
        1,
      ]);
      expect(arrays.pop(mutator.get(array))).toBe(1.5);
    }),
  ),
  'maps.allocate': ofObjects(({ heap }) => heap.containers.maps.allocate('f64', 'i64')),
  'maps.get, has, set, setIfAbsent, compareAndSet, increment, delete, clear, size': ofObjects(({ heap, mutator }) =>
    mutator.scope(() => {
      const { maps } = heap.containers;
      const map = mutator.local(maps.allocate('string', 'i32'));
      maps.set(mutator.get(map), 'one', 1);
      expect(maps.setIfAbsent(mutator.get(map), 'one', 2)).toBe(false);
      expect([maps.get(mutator.get(map), 'one'), maps.has(mutator.get(map), 'two'), maps.size(mutator.get(map))]).toEqual([1, false, 1]);
      expect([maps.increment(mutator.get(map), 'one', 4), maps.compareAndSet(mutator.get(map), 'one', 5, 6)]).toEqual([5, true]);
      expect(maps.delete(mutator.get(map), 'one')).toBe(true);
      maps.clear(mutator.get(map));
    }),
  ),
  'queues.allocate': ofObjects(({ heap }) => heap.containers.queues.allocate('u32', 2)),
  'queues.enqueue, enqueueWait, dequeue, dequeueWait, length, capacity, values, close, isClosed': ofObjects(({ heap, mutator }) =>
    mutator.scope(() => {
      const { queues } = heap.containers;
      const queue = mutator.local(queues.allocate('u32', 2));
      expect([queues.enqueue(mutator.get(queue), 1), queues.enqueueWait(mutator.get(queue), 2, 0)]).toEqual([true, true]);
      expect([queues.values(mutator.get(queue)), queues.length(mutator.get(queue)), queues.capacity(mutator.get(queue))]).toEqual([
        [1, 2],
        2,
        2,
      ]);
      expect([queues.dequeue(mutator.get(queue)), queues.dequeueWait(mutator.get(queue), 0)]).toEqual([1, 2]);
      queues.close(mutator.get(queue));
      expect(queues.isClosed(mutator.get(queue))).toBe(true);
    }),
  ),
  'locks.allocate': ofObjects(({ heap }) => heap.containers.locks.allocate()),
  'locks.lock, unlock, isOwned, isAbandoned, declareRepaired': ofObjects(({ heap, mutator }) =>
    mutator.scope(() => {
      const { locks } = heap.containers;
      const lock = mutator.local(locks.allocate());
      expect(locks.lock(mutator.get(lock), 0)).toBe(true);
      locks.declareRepaired(mutator.get(lock));
      expect([locks.isOwned(mutator.get(lock)), locks.isAbandoned(mutator.get(lock))]).toEqual([true, false]);
      locks.unlock(mutator.get(lock));
    }),
  ),
  'conditions.allocate': ofObjects(({ heap }) => heap.containers.conditions.allocate()),
  'conditions.wait, notifyAll': ofObjects(({ heap, mutator }) =>
    mutator.scope(() => {
      const { conditions, locks } = heap.containers;
      const condition = mutator.local(conditions.allocate());
      const lock = mutator.local(locks.allocate());
      conditions.notifyAll(mutator.get(condition));
      locks.lock(mutator.get(lock));
      expect(conditions.wait(mutator.get(condition), mutator.get(lock), 0)).toBe(false);
      locks.unlock(mutator.get(lock));
    }),
  ),
};
