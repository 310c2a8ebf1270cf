/**
 * Which public operations are safepoints: the only list. safepoints.test.ts checks the library's behaviour, its doc comments and
 * docs/embedding.md against it. An operation that may reach a safepoint counts as one, whether it reaches one this time or not.
 */
import { refOf, type Subject } from './subject.ts';

export interface Member {
  readonly safepoint: boolean;
  readonly run: (subject: Subject) => unknown;
}

const yes = (run: Member['run']): Member => ({ safepoint: true, run });
const no = (run: Member['run']): Member => ({ safepoint: false, run });

/** Containers by raw reference, with roots to make them from. Arrays and queues hold references: what comes out of them is one. */
const raw = (subject: Subject) => {
  const { heap, mutator, handle, rawArray, rawMap, rawQueue, rawLock, rawCondition } = subject as RawSubject;
  const at = (of: number): number => mutator.get(of);
  return {
    ...heap.containers,
    node: () => at(handle),
    array: () => at(rawArray),
    map: () => at(rawMap),
    queue: () => at(rawQueue),
    lock: () => at(rawLock),
    condition: () => at(rawCondition),
  };
};

export interface RawSubject extends Subject {
  readonly rawArray: number;
  readonly spareWeak: number;
  readonly rawMap: number;
  readonly rawQueue: number;
  readonly rawLock: number;
  readonly rawCondition: number;
}

export function withRaw(subject: Subject): RawSubject {
  const { heap, mutator } = subject;
  const { arrays, maps, queues, locks, conditions } = heap.containers;
  const rawArray = mutator.handle(arrays.allocate('ref'));
  arrays.push(mutator.get(rawArray), mutator.get(subject.handle));
  subject.queue.enqueue(subject.node);
  return {
    ...subject,
    rawArray,
    spareWeak: mutator.handle(mutator.weakReferences.allocate(mutator.get(subject.handle))),
    rawMap: mutator.handle(maps.allocate('f64', 'ref')),
    rawQueue: mutator.handle(queues.allocate('ref')),
    rawLock: mutator.handle(locks.allocate()),
    rawCondition: mutator.handle(conditions.allocate()),
  };
}

/** By what the documents call the object. */
export const SAFEPOINTS: Readonly<Record<string, Readonly<Record<string, Member>>>> = {
  mutator: {
    allocate: yes(({ mutator, shape }) => mutator.allocate(shape, 1)),
    allocatePinnable: yes(({ mutator, large }) => mutator.allocatePinnable(large, 3)),
    poll: yes(({ mutator }) => mutator.poll()),
    park: yes(({ mutator }) => {
      mutator.park();
      mutator.unpark();
    }),
    unpark: yes(({ mutator }) => {
      mutator.park();
      mutator.unpark();
    }),
    parked: yes(({ mutator }) => mutator.parked(() => 0)),
    parkAll: yes(({ mutator }) => mutator.parkAll(() => 0)),
    collect: yes(({ mutator }) => mutator.collect({ kind: 'mark' })),
    finalizeLater: yes(({ mutator, handle }) => mutator.finalizeLater(mutator.get(handle), 7)),
    identityHash: no(({ mutator, handle }) => mutator.identityHash(mutator.get(handle))),
    handle: no(({ mutator }) => mutator.release(mutator.handle(0))),
    release: no(({ mutator }) => mutator.release(mutator.handle(0))),
    get: no(({ mutator, handle }) => mutator.get(handle)),
    set: no(({ mutator, handle }) => mutator.set(handle, mutator.get(handle))),
    scope: no(({ mutator }) => mutator.scope(() => 0)),
    local: no(({ mutator, handle }) => mutator.scope(() => mutator.local(mutator.get(handle)))),
    createRootRange: no(({ mutator }) => mutator.createRootRange(1).release()),
    utilization: no(({ mutator }) => mutator.utilization(10)),
    getReference: no(({ mutator, handle }) => mutator.getReference(mutator.get(handle) * 2 + 2)),
    setReference: no(({ mutator, handle, shape }) => mutator.setReference(mutator.get(handle) * 2 + shape.offsets.any, 0)),
    compareExchangeReference: no(({ mutator, handle, shape }) =>
      mutator.compareExchangeReference(mutator.get(handle) * 2 + shape.offsets.any, 0, 0),
    ),
    copyReferences: no(({ mutator, handle, shape }) => {
      const slot = mutator.get(handle) * 2 + shape.elementsOffset;
      mutator.copyReferences(slot + 1, slot, 1);
    }),
    readWeak: no(({ mutator, weakReference }) =>
      mutator.readWeak(mutator.get(weakReference) * 2 + mutator.weakReferences.shape.elementsOffset),
    ),
  },
  weakReferences: {
    allocate: yes(({ mutator, handle }) => mutator.weakReferences.allocate(mutator.get(handle))),
    get: no(({ mutator, weakReference }) => mutator.weakReferences.get(mutator.get(weakReference))),
    clear: no((subject) => subject.mutator.weakReferences.clear(subject.mutator.get((subject as RawSubject).spareWeak))),
  },
  weakMaps: {
    allocate: yes(({ mutator }) => mutator.weakMaps.allocate()),
    get: yes(({ mutator, weakMap, handle }) => mutator.weakMaps.get(mutator.get(weakMap), mutator.get(handle))),
    has: yes(({ mutator, weakMap, handle }) => mutator.weakMaps.has(mutator.get(weakMap), mutator.get(handle))),
    set: yes(({ mutator, weakMap, handle }) => mutator.weakMaps.set(mutator.get(weakMap), mutator.get(handle), 0)),
    delete: yes(({ mutator, weakMap, handle }) => mutator.weakMaps.delete(mutator.get(weakMap), mutator.get(handle))),
  },
  heap: {
    create: yes(({ heap, shape }) => heap.create(shape, { number: 1 }).release()),
    fromObject: yes(({ heap, shape }) => heap.fromObject(shape, { number: 1 }).release()),
    fromJSON: yes(({ heap, shape }) => heap.fromJSON(shape, '{}').release()),
    createPinnable: yes(({ heap, large }) => heap.createPinnable(large, 3).release()),
    string: yes(({ heap }) => heap.string('text').release()),
    intern: yes(({ heap }) => heap.intern('text').release()),
    createArray: yes(({ heap }) => heap.createArray('f64').release()),
    createMap: yes(({ heap }) => heap.createMap('f64', 'f64').release()),
    createSortedMap: yes(({ heap }) => heap.createSortedMap('f64', 'f64').release()),
    createCache: yes(({ heap }) => heap.createCache('f64', 'f64', { maxEntries: 2 }).release()),
    createQueue: yes(({ heap }) => heap.createQueue('f64').release()),
    createLock: yes(({ heap }) => heap.createLock().release()),
    createCondition: yes(({ heap }) => heap.createCondition().release()),
    dropInterned: no(({ heap }) => heap.dropInterned('nothing')),
    pin: no(({ heap, pinnable }) => heap.pin(pinnable).release()),
    cursor: no(({ heap, shape, node }) => heap.cursor(shape, node).release()),
    view: no(({ heap, node }) => heap.view(refOf(node))!.release()),
    offer: no(({ heap, node }) => heap.withdraw(heap.offer(node))),
    withdraw: no(({ heap, node }) => heap.withdraw(heap.offer(node))),
    redeem: no(({ heap, node }) => heap.redeem(heap.offer(node)).release()),
    defineShape: no(({ heap }) => heap.defineShape({ name: 'another', fields: {} })),
    shape: no(({ heap }) => heap.shape('node')),
    statistics: no(({ heap }) => heap.statistics()),
  },
  array: {
    get: yes(({ array }) => array.get(0)),
    set: yes(({ array }) => array.set(0, 'first')),
    push: yes(({ array }) => array.push('more')),
    pop: yes(({ array }) => array.pop()),
    toArray: yes(({ array }) => array.toArray()),
    jsonPieces: yes(({ array }) => array.jsonPieces().next()),
    appendJSON: yes(({ array }) => void array.appendJSON('[]').catch(() => {})),
    at: yes(({ array }) => array.at(-1)),
    forEach: yes(({ array }) => array.forEach(() => 0)),
    slice: yes(({ array }) => array.slice()),
    toObject: no(({ array }) => array.toObject()),
    length: no(({ array }) => array.length),
    kind: no(({ array }) => array.kind),
  },
  map: {
    set: yes(({ map, node }) => map.set('key', node)),
    setIfAbsent: yes(({ map, node }) => map.setIfAbsent('key', node)),
    compareAndSet: yes(({ map }) => map.compareAndSet('nothing', null, null)),
    update: yes(({ map }) => map.update('nothing', () => undefined)),
    increment: yes(({ objects, node }) => objects.increment(node)),
    getOrInsert: yes(({ map }) => map.getOrInsert('key', null)),
    getOrInsertComputed: yes(({ map }) => map.getOrInsertComputed('key', () => null)),
    jsonPieces: yes(({ heap }) => heap.createMap('f64', 'f64').jsonPieces().next()),
    mergeJSON: yes(({ objects }) => void objects.mergeJSON('{}').catch(() => {})),
    delete: yes(({ map }) => map.delete('nothing')),
    clear: yes(({ objects }) => objects.clear()),
    entries: yes(({ map }) => map.entries().next()),
    forEach: yes(({ map }) => map.forEach(() => 0)),
    keys: yes(({ map }) => map.keys().next()),
    values: yes(({ map }) => map.values().next()),
    get: no(({ map }) => map.get('key')),
    toObject: no(({ map }) => map.toObject()),
    has: no(({ map }) => map.has('key')),
    size: no(({ map }) => map.size),
    keyKind: no(({ map }) => map.keyKind),
    valueKind: no(({ map }) => map.valueKind),
  },
  sortedMap: {
    set: yes(({ sortedMap, node }) => sortedMap.set('key', node)),
    setIfAbsent: yes(({ sortedMap, node }) => sortedMap.setIfAbsent('key', node)),
    compareAndSet: yes(({ sortedMap }) => sortedMap.compareAndSet('nothing', null, null)),
    update: yes(({ sortedMap }) => sortedMap.update('nothing', () => undefined)),
    delete: yes(({ sortedMap }) => sortedMap.delete('nothing')),
    clear: yes(({ heap }) => heap.createSortedMap('f64', 'f64').clear()),
    entries: yes(({ sortedMap }) => sortedMap.entries().next()),
    forEach: yes(({ sortedMap }) => sortedMap.forEach(() => 0)),
    keys: yes(({ sortedMap }) => sortedMap.keys().next()),
    values: yes(({ sortedMap }) => sortedMap.values().next()),
    get: no(({ sortedMap }) => sortedMap.get('key')),
    has: no(({ sortedMap }) => sortedMap.has('key')),
    size: no(({ sortedMap }) => sortedMap.size),
    first: no(({ sortedMap }) => sortedMap.first()),
    last: no(({ sortedMap }) => sortedMap.last()),
    toArray: no(({ sortedMap }) => sortedMap.toArray()),
    toObject: no(({ sortedMap }) => sortedMap.toObject()),
    keyKind: no(({ sortedMap }) => sortedMap.keyKind),
    valueKind: no(({ sortedMap }) => sortedMap.valueKind),
  },
  cache: {
    get: yes(({ cache }) => cache.get('key')),
    set: yes(({ cache, node }) => cache.set('key', node)),
    getOrInsertComputed: yes(({ cache }) => cache.getOrInsertComputed('key', () => null)),
    fetch: yes(({ cache }) => void cache.fetch('key', () => null)),
    delete: yes(({ cache }) => cache.delete('nothing')),
    clear: yes(({ heap }) => heap.createCache('f64', 'f64', { maxEntries: 2 }).clear()),
    entries: yes(({ cache }) => cache.entries().next()),
    forEach: yes(({ cache }) => cache.forEach(() => 0)),
    keys: yes(({ cache }) => cache.keys().next()),
    values: yes(({ cache }) => cache.values().next()),
    peek: no(({ cache }) => cache.peek('key')),
    has: no(({ cache }) => cache.has('key')),
    size: no(({ cache }) => cache.size),
    bytes: no(({ cache }) => cache.bytes),
    limits: no(({ cache }) => cache.limits),
    statistics: no(({ cache }) => cache.statistics()),
    toObject: no(({ cache }) => cache.toObject()),
    keyKind: no(({ cache }) => cache.keyKind),
    valueKind: no(({ cache }) => cache.valueKind),
  },
  queue: {
    enqueue: yes(({ queue, node }) => queue.enqueue(node)),
    enqueueWait: yes(({ queue }) => queue.enqueueWait(null)),
    dequeue: yes(({ queue }) => queue.dequeue()),
    dequeueWait: yes(({ queue }) => queue.dequeueWait(0)),
    dequeueAsync: yes(({ queue }) => void queue.dequeueAsync({ timeoutMs: 0 })),
    enqueueAsync: yes(({ queue }) => void queue.enqueueAsync(null, { timeoutMs: 0 })),
    enqueueMany: yes(({ queue, node }) => queue.enqueueMany([node])),
    dequeueMany: yes(({ queue }) => queue.dequeueMany(1)),
    dequeueManyWait: yes(({ queue }) => queue.dequeueManyWait(1, 0)),
    dequeueManyAsync: yes(({ queue }) => void queue.dequeueManyAsync(1, { timeoutMs: 0 })),
    close: yes(({ heap }) => heap.createQueue('f64').close()),
    closed: no(({ queue }) => queue.closed),
    toArray: yes(({ queue }) => queue.toArray()),
    toObject: no(({ queue }) => queue.toObject()),
    length: no(({ queue }) => queue.length),
    capacity: no(({ queue }) => queue.capacity),
    kind: no(({ queue }) => queue.kind),
  },
  lock: {
    lock: yes(({ lock }) => lock.lock()),
    unlock: no(({ lock }) => lock.unlock()),
    run: yes(({ lock }) => lock.run(() => 0)),
    lockAsync: yes(({ heap }) => void heap.createLock().lockAsync()),
    acquire: yes(({ heap }) => void heap.createLock().acquire()),
    runAsync: yes(({ heap }) => void heap.createLock().runAsync(() => 0)),
    owned: no(({ lock }) => lock.owned),
    abandoned: no(({ lock }) => lock.abandoned),
    declareRepaired: no(() => 0), // Needs the lock: with the raw level.
  },
  condition: {
    wait: yes(({ condition, lock }) => lock.run(() => condition.wait(lock, 0))),
    waitAsync: yes(({ condition, lock }) => {
      lock.lock();
      void condition.waitAsync(lock, { timeoutMs: 0 });
    }),
    notifyAll: no(({ condition }) => condition.notifyAll()),
  },
  arrays: {
    allocate: yes((subject) => raw(subject).arrays.allocate('f64')),
    get: yes((subject) => raw(subject).arrays.get(raw(subject).array(), 0)),
    find: yes((subject) => raw(subject).arrays.find(raw(subject).array(), 9)),
    set: yes((subject) => raw(subject).arrays.set(raw(subject).array(), 0, raw(subject).node())),
    push: yes((subject) => raw(subject).arrays.push(raw(subject).array(), raw(subject).node())),
    pop: yes((subject) => raw(subject).arrays.pop(raw(subject).array())),
    length: no((subject) => raw(subject).arrays.length(raw(subject).array())),
  },
  maps: {
    allocate: yes((subject) => raw(subject).maps.allocate('f64', 'f64')),
    set: yes((subject) => raw(subject).maps.set(raw(subject).map(), 1, raw(subject).node())),
    setIfAbsent: yes((subject) => raw(subject).maps.setIfAbsent(raw(subject).map(), 1, raw(subject).node())),
    delete: yes((subject) => raw(subject).maps.delete(raw(subject).map(), 2)),
    compareAndSet: yes((subject) => raw(subject).maps.compareAndSet(raw(subject).map(), 2, undefined, raw(subject).node())),
    increment: yes((subject) => raw(subject).maps.increment(subject.objects.ref, raw(subject).node(), 1)),
    clear: yes((subject) => raw(subject).maps.clear(raw(subject).map())),
    get: no((subject) => raw(subject).maps.get(raw(subject).map(), 1)),
    has: no((subject) => raw(subject).maps.has(raw(subject).map(), 1)),
    size: no((subject) => raw(subject).maps.size(raw(subject).map())),
  },
  queues: {
    allocate: yes((subject) => raw(subject).queues.allocate('f64')),
    enqueue: yes((subject) => raw(subject).queues.enqueue(raw(subject).queue(), raw(subject).node())),
    enqueueWait: yes((subject) => raw(subject).queues.enqueueWait(raw(subject).queue(), raw(subject).node())),
    close: yes((subject) => raw(subject).queues.close(subject.heap.createQueue('f64').ref)),
    isClosed: no((subject) => raw(subject).queues.isClosed(raw(subject).queue())),
    dequeueWait: yes((subject) => raw(subject).queues.dequeueWait(raw(subject).queue())),
    dequeue: no((subject) => raw(subject).queues.dequeue(raw(subject).queue())),
    length: no((subject) => raw(subject).queues.length(raw(subject).queue())),
    capacity: no((subject) => raw(subject).queues.capacity(raw(subject).queue())),
    values: no((subject) => raw(subject).queues.values(raw(subject).queue())),
  },
  locks: {
    allocate: yes((subject) => raw(subject).locks.allocate()),
    lock: yes((subject) => raw(subject).locks.lock(raw(subject).lock())),
    isOwned: no((subject) => raw(subject).locks.isOwned(raw(subject).lock())),
    isAbandoned: no((subject) => raw(subject).locks.isAbandoned(raw(subject).lock())),
    declareRepaired: no((subject) => raw(subject).locks.declareRepaired(raw(subject).lock())),
  },
  conditions: {
    allocate: yes((subject) => raw(subject).conditions.allocate()),
    wait: yes((subject) => raw(subject).conditions.wait(raw(subject).condition(), raw(subject).lock(), 0)),
    notifyAll: no((subject) => raw(subject).conditions.notifyAll(raw(subject).condition())),
  },
  'locks, at last': {
    unlock: no((subject) => raw(subject).locks.unlock(raw(subject).lock())),
  },
  view: {
    'text =': yes(({ node }) => (node.text = 'another text')),
    text: no(({ node }) => node.text),
    'number =': no(({ node }) => (node.number = 3)),
    'next =': no(({ node }) => (node.next = node)),
    next: no(({ node }) => node.next!.release()),
    ref: no(({ node }) => node.ref),
    elements: no(({ elements, node }) => elements.set(0, node)),
    keep: no(({ node }) => node.keep()),
    isSame: no(({ node }) => node.isSame(node)),
  },
};
