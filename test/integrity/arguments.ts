/**
 * Arguments of the public operations, one call for each: what is called with values that are not meant for it.
 */
import { array, Heap, ref, smallInteger, tagSmallInteger } from '../support/faultline.ts';
import { type Subject } from './subject.ts';

/** `value` is anything at all. */
export type Call = (subject: Subject, value: any) => unknown;

/** Nothing that any of the calls is meant for, and what its neighbours are meant for. */
export const HOSTILE: readonly unknown[] = [
  undefined, null, true, NaN, Infinity, -1, 0.5, 2 ** 31, 2 ** 40, '', 'text', 1n, Symbol('it'), {}, [], [[]], Object.create(null), () => 0,
  new Uint8Array(3),
];

/** Checked in every heap. */
export const ARGUMENTS: Readonly<Record<string, Call>> = {
  'Heap.create': (_, value) => Heap.create(value).close(),
  'Heap.create, capacityBytes': (_, value) => Heap.create({ capacityBytes: value }).close(),
  'Heap.create, fault': (_, value) => Heap.create({ capacityBytes: '1M', fault: value }).close(),
  'Heap.attach': (_, value) => Heap.attach(value).close(),
  'heap.defineShape': ({ heap }, value) => heap.defineShape(value),
  'heap.defineShape, name': ({ heap }, value) => heap.defineShape({ name: value }),
  'heap.defineShape, fields': ({ heap }, value) => heap.defineShape({ name: `with ${typeof value}`, fields: value }),
  'heap.defineShape, a field': ({ heap }, value) => heap.defineShape({ name: 'with a field', fields: { field: value } }),
  'heap.defineShape, elements': ({ heap }, value) => heap.defineShape({ name: 'with elements', elements: value }),
  'heap.defineShape, identityHash': ({ heap }, value) => heap.defineShape({ name: 'with identity', elements: 'u8', identityHash: value }),
  'heap.shape': ({ heap }, value) => heap.shape(value),
  'heap.collect': ({ heap }, value) => heap.collect(value),
  'heap.collect, kind': ({ heap }, value) => heap.collect({ kind: value }),
  'heap.collect, reason': ({ heap }, value) => heap.collect({ reason: value }),
  'heap.measureBareFault': ({ heap }, value) => heap.measureBareFault(value),
  'heap.finalizable': ({ heap }, value) => heap.finalizable(value).return!(),
  'heap.attachMutator': ({ heap, mutator }, value) => {
    mutator.detach();
    heap.attachMutator(value).detach();
  },
  'heap.attachMutator, handleCapacity': ({ heap, mutator }, value) => {
    mutator.detach();
    heap.attachMutator({ handleCapacity: value }).detach();
  },
  'heap.create, shape': ({ heap }, value) => heap.create(value),
  'heap.create, values': ({ heap, shape }, value) => heap.create(shape, value).release(),
  'heap.create, a value': ({ heap, shape }, value) => heap.create(shape, { next: value }).release(),
  'heap.create, elements': ({ heap, shape }, value) => heap.create(shape, {}, value).release(),
  'heap.cursor, shape': ({ heap }, value) => heap.cursor(value),
  'heap.cursor, at': ({ heap, shape }, value) => heap.cursor(shape, value).release(),
  'heap.view': ({ heap }, value) => heap.view(value),
  'heap.string': ({ heap }, value) => heap.string(value).release(),
  'heap.intern': ({ heap }, value) => heap.intern(value).release(),
  'heap.dropInterned': ({ heap }, value) => heap.dropInterned(value),
  'heap.offer': ({ heap }, value) => heap.offer(value),
  'heap.redeem': ({ heap }, value) => heap.redeem(value),
  'heap.redeem, slot': ({ heap, token }, value) => heap.redeem({ ...token, slot: value }),
  'heap.redeem, stamp': ({ heap, token }, value) => heap.redeem({ ...token, stamp: value }),
  'heap.withdraw': ({ heap }, value) => heap.withdraw(value),
  'heap.createArray': ({ heap }, value) => heap.createArray(value),
  'heap.createMap, keys': ({ heap }, value) => heap.createMap(value, 'ref'),
  'heap.createMap, values': ({ heap }, value) => heap.createMap('string', value),
  'heap.createQueue': ({ heap }, value) => heap.createQueue(value),
  'heap.createQueue, capacity': ({ heap }, value) => heap.createQueue('ref', value).release(),
  'mutator.createRootRange': ({ mutator }, value) => mutator.createRootRange(value).release(),
  'mutator.allocate, shape': ({ mutator }, value) => mutator.allocate(value),
  'mutator.allocate, shape and count': ({ mutator }, value) => mutator.allocate(value, 3),
  'mutator.allocate, count': ({ mutator, shape }, value) => mutator.allocate(shape, value === 2 ** 31 ? -1 : value),
  'mutator.collect': ({ mutator }, value) => mutator.collect(value),
  'mutator.collect, kind': ({ mutator }, value) => mutator.collect({ kind: value }),
  'mutator.utilization': ({ mutator }, value) => mutator.utilization(value),
  'mutator.finalizeLater, token': ({ mutator, node }, value) => mutator.finalizeLater(node.ref, value),
  'range.used': ({ range }, value) => (range.used = value),
  'shape.field': ({ shape }, value) => shape.field(value),
  'view.next =': ({ node }, value) => (node.next = value),
  'view.any =': ({ node }, value) => (node.any = value),
  'view.text =': ({ node }, value) => (node.text = value),
  'view.mixed =': ({ node }, value) => (node.mixed = value),
  'view.wide =': ({ node }, value) => (node.wide = value),
  'view.isSame': ({ node }, value) => node.isSame(value),
  'elements.get': ({ elements }, value) => elements.get(value)?.release(),
  'elements.set, index': ({ elements }, value) => elements.set(value, null),
  'elements.set, value': ({ elements }, value) => elements.set(0, value),
  'elements.set, weak': ({ weak }, value) => weak.elements.set(0, value),
  'elements.set, a number': ({ bits }, value) => bits.set(0, value),
  'elements.copyTo': ({ bits }, value) => bits.copyTo(value),
  'elements.copyTo, begin': ({ bits }, value) => bits.copyTo([], value, value),
  'elements.copyFrom': ({ elements }, value) => elements.copyFrom(value),
  'elements.copyFrom, of numbers': ({ bits }, value) => bits.copyFrom(value),
  'elements.copyFrom, at': ({ elements }, value) => elements.copyFrom([], value),
  'cursor.moveTo': ({ cursor }, value) => cursor.moveTo(value),
  'cursor.follow': ({ cursor, node }, value) => cursor.moveTo(node).follow(value),
  'cursor.followElement': ({ cursor, node }, value) => cursor.moveTo(node).followElement(value),
  'string.charCodeAt': ({ string }, value) => string.charCodeAt(value),
  'string.equals': ({ string }, value) => string.equals(value),
  'array.get': ({ array }, value) => array.get(value),
  'array.set': ({ array }, value) => array.set(value, 'it'),
  'array.set, value': ({ array }, value) => array.set(0, value),
  'array.push': ({ array }, value) => array.push(value),
  'map.get': ({ map }, value) => map.get(value),
  'map.set': ({ map }, value) => map.set(value, null),
  'map.set, value': ({ map }, value) => map.set('key', value),
  'map.setIfAbsent': ({ map }, value) => map.setIfAbsent(value, null),
  'map.delete': ({ map }, value) => map.delete(value),
  'map.has, an object': ({ objects }, value) => objects.has(value),
  'map.set, an object': ({ objects }, value) => objects.set(value, 1),
  'map.set, a number': ({ objects, node }, value) => objects.set(node, value),
  'queue.enqueue': ({ queue }, value) => queue.enqueue(value),
  'queue.enqueueWait': ({ queue }, value) => queue.enqueueWait(null, value),
  'queue.dequeueWait': ({ queue }, value) => (queue.enqueue(null), queue.dequeueWait(value)),
  'lock.lock': ({ lock }, value) => lock.lock(value) && lock.unlock(),
  'lock.run': ({ lock }, value) => typeof value === 'function' && lock.run(value),
  'condition.wait': ({ condition, lock }, value) => lock.run(() => condition.wait(value, 0)),
  'condition.wait, timeoutMs': ({ condition, lock }, value) => {
    const timeoutMs = typeof value === 'number' || value === undefined ? Math.min(value ?? 0, 0) : value;
    return lock.run(() => condition.wait(lock, timeoutMs));
  },
  'arrays.allocate': ({ heap }, value) => heap.collections.arrays.allocate(value),
  'maps.allocate': ({ heap }, value) => heap.collections.maps.allocate(value, value),
  'queues.allocate': ({ heap }, value) => heap.collections.queues.allocate(value),
  'locks.lock, timeoutMs': ({ heap, lock }, value) => heap.collections.locks.lock(lock.ref, value) && lock.unlock(),
  tagSmallInteger: (_, value) => smallInteger(tagSmallInteger(value)),
  array: ({ heap }, value) => heap.defineShape({ name: 'with an array', fields: { field: array(value, 2) } }),
  'array, length': ({ heap }, value) => heap.defineShape({ name: 'with a length', fields: { field: array('u8', value) } }),
  ref: ({ heap }, value) => heap.defineShape({ name: 'with a reference', fields: { field: ref(value) } }),
};

/** By raw reference, handle or slot: numbers that only a checked heap looks at. */
export const RAW_ARGUMENTS: Readonly<Record<string, Call>> = {
  'mutator.handle': ({ mutator }, value) => mutator.release(mutator.handle(value)),
  'mutator.local': ({ mutator }, value) => mutator.scope(() => mutator.local(value)),
  'mutator.get': ({ mutator }, value) => mutator.get(value),
  'mutator.set': ({ mutator }, value) => mutator.set(value, 0),
  'mutator.set, reference': ({ mutator, handle }, value) => mutator.set(handle, value),
  'mutator.release': ({ mutator }, value) => mutator.release(value),
  'mutator.getReference': ({ mutator }, value) => mutator.getReference(value),
  'mutator.setReference': ({ mutator }, value) => mutator.setReference(value, 0),
  'mutator.setReference, reference': ({ mutator, node, shape }, value) =>
    typeof value === 'number' && value > 0 ? undefined : mutator.setReference(node.ref * 2 + shape.offsets.any, value),
  'mutator.compareExchangeReference': ({ mutator }, value) => mutator.compareExchangeReference(value, 0, 0),
  'mutator.compareExchangeReference, reference': ({ mutator, node, shape }, value) =>
    typeof value === 'number' && value > 0 ? undefined : mutator.compareExchangeReference(node.ref * 2 + shape.offsets.any, 1, value),
  'mutator.copyReferences': ({ mutator }, value) => mutator.copyReferences(value, value, 1),
  'mutator.copyReferences, count': ({ mutator, node, shape }, value) => {
    const slot = node.ref * 2 + shape.elementsOffset;
    mutator.copyReferences(slot, slot, value);
  },
  'mutator.readWeak': ({ mutator }, value) => mutator.readWeak(value),
  'mutator.identityHash': ({ mutator }, value) => mutator.identityHash(value),
  'mutator.finalizeLater': ({ mutator }, value) => mutator.finalizeLater(value, 1),
  'weakReferences.allocate': ({ mutator }, value) => mutator.weakReferences.allocate(value),
  'weakReferences.get': ({ mutator }, value) => mutator.weakReferences.get(value),
  'weakReferences.clear': ({ mutator }, value) => mutator.weakReferences.clear(value),
  'weakMaps.get': ({ mutator, node }, value) => mutator.weakMaps.get(value, node.ref),
  'weakMaps.get, key': ({ mutator, weakMap }, value) => mutator.weakMaps.get(mutator.get(weakMap), value),
  'weakMaps.has': ({ mutator, node }, value) => mutator.weakMaps.has(value, node.ref),
  'weakMaps.set': ({ mutator, node }, value) => mutator.weakMaps.set(value, node.ref, 0),
  'weakMaps.set, key': ({ mutator, weakMap }, value) => mutator.weakMaps.set(mutator.get(weakMap), value, 0),
  'weakMaps.set, value': ({ mutator, weakMap, node }, value) => mutator.weakMaps.set(mutator.get(weakMap), node.ref, value),
  'weakMaps.delete': ({ mutator, node }, value) => mutator.weakMaps.delete(value, node.ref),
  'weakMaps.delete, key': ({ mutator, weakMap }, value) => mutator.weakMaps.delete(mutator.get(weakMap), value),
  'arrays.push': ({ heap }, value) => heap.collections.arrays.push(value, 0),
  'arrays.push, value': ({ heap, array }, value) => heap.collections.arrays.push(array.ref, value),
  'arrays.set, value': ({ heap, array }, value) => heap.collections.arrays.set(array.ref, 0, value),
  'arrays.get': ({ heap }, value) => heap.collections.arrays.get(value, 0),
  'maps.get': ({ heap }, value) => heap.collections.maps.get(value, 'key'),
  'maps.set': ({ heap }, value) => heap.collections.maps.set(value, 'key', 0),
  'maps.set, value': ({ heap, map }, value) => heap.collections.maps.set(map.ref, 'key', value),
  'queues.enqueue': ({ heap }, value) => heap.collections.queues.enqueue(value, 0),
  'queues.enqueue, value': ({ heap, queue }, value) => heap.collections.queues.enqueue(queue.ref, value),
  'queues.dequeue': ({ heap }, value) => heap.collections.queues.dequeue(value),
  'locks.lock': ({ heap }, value) => heap.collections.locks.lock(value, 0),
  'conditions.wait': ({ heap, lock }, value) => heap.collections.conditions.wait(value, lock.ref, 0),
};
