/**
 * Operations of shared containers that nobody else is using, each against JavaScript's own container in the same run. By views,
 * except in the rows that say otherwise.
 */
import { Heap } from 'faultline';
import { type Arms, compare, type OperationFigures } from './object-operations.ts';

const KEYS = 1_024;
const at = (i: number): number => i & (KEYS - 1);

export async function measureContainerOperations(turns: number): Promise<OperationFigures[]> {
  const heap = Heap.create({ capacityBytes: '64M' });
  const mutator = heap.attachMutator();
  const { arrays, maps, queues } = heap.containers;
  const array = heap.createArray('f64');
  const plainArray: number[] = [];
  for (let i = 0; i < KEYS; i++) plainArray.push(array.push(i));
  const [numbers, texts, objects] = [heap.createMap('f64', 'f64'), heap.createMap('string', 'f64'), heap.createMap('ref', 'f64')];
  const [plainNumbers, plainTexts, plainObjects] = [new Map<number, number>(), new Map<string, number>(), new Map<object, number>()];
  const Key = heap.defineShape({ name: 'key', fields: { number: 'u32' } });
  const keys = Array.from({ length: KEYS }, (_, i) => `key ${i}`);
  const views = keys.map((_, number) => heap.create(Key, { number }).keep());
  for (let i = 0; i < KEYS; i++) {
    numbers.set(i, i);
    plainNumbers.set(i, i);
    texts.set(keys[i]!, i);
    plainTexts.set(keys[i]!, i);
    objects.set(views[i]!, i);
    plainObjects.set(views[i]!, i);
  }
  const queue = heap.createQueue('f64');
  const lock = heap.createLock();
  const condition = heap.createCondition();

  const operations: Record<string, Arms> = {
    'array: get, raw': { heap: (i) => arrays.get(array.ref, at(i)), plain: (i) => plainArray[at(i)] },
    'array: get': { heap: (i) => array.get(at(i)), plain: (i) => plainArray[at(i)] },
    'array: set': { heap: (i) => array.set(at(i), i), plain: (i) => (plainArray[at(i)] = i) },
    'array: push and pop': {
      heap: (i) => (array.push(i), array.pop()),
      plain: (i) => (plainArray.push(i), plainArray.pop()),
    },
    'map of numbers: get, raw': { heap: (i) => maps.get(numbers.ref, at(i)), plain: (i) => plainNumbers.get(at(i)) },
    'map of numbers: get': { heap: (i) => numbers.get(at(i)), plain: (i) => plainNumbers.get(at(i)) },
    'map of numbers: set': { heap: (i) => numbers.set(at(i), i), plain: (i) => plainNumbers.set(at(i), i) },
    'map of texts: get': { heap: (i) => texts.get(keys[at(i)]!), plain: (i) => plainTexts.get(keys[at(i)]!) },
    'map of texts: set': { heap: (i) => texts.set(keys[at(i)]!, i), plain: (i) => plainTexts.set(keys[at(i)]!, i) },
    'map of objects: get': { heap: (i) => objects.get(views[at(i)]!), plain: (i) => plainObjects.get(views[at(i)]!) },
    ...sortedMapOperations(heap),
    ...cacheOperations(heap, keys),
    'queue: enqueue and dequeue, raw': {
      against: 'push and pop',
      heap: (i) => (queues.enqueue(queue.ref, i), queues.dequeue(queue.ref)),
      plain: (i) => (plainArray.push(i), plainArray.pop()),
    },
    'queue: enqueue and dequeue': {
      against: 'push and pop',
      heap: (i) => (queue.enqueue(i), queue.dequeue()),
      plain: (i) => (plainArray.push(i), plainArray.pop()),
    },
    'lock and unlock': { heap: () => (lock.lock(), lock.unlock()) },
    'condition: notify, nobody waiting': { heap: () => condition.notifyAll() },
    'map of numbers: a new key and its deletion': {
      heap: (i) => (numbers.set(KEYS + i, i), numbers.delete(KEYS + i)),
      plain: (i) => (plainNumbers.set(KEYS + i, i), plainNumbers.delete(KEYS + i)),
    },
    'map of numbers: all entries, each': {
      heap: (i) => (i % KEYS === 0 ? [...numbers] : 0),
      plain: (i) => (i % KEYS === 0 ? [...plainNumbers] : 0),
    },
  };
  const figures = compare(mutator, operations, turns);
  mutator.detach();
  await heap.close();
  return figures;
}

/** A cache that has room, and one that is full. */
function cacheOperations(heap: Heap, keys: readonly string[]): Record<string, Arms> {
  const cache = heap.createCache('string', 'f64', { maxEntries: 2 * KEYS });
  const full = heap.createCache('f64', 'f64', { maxEntries: KEYS });
  const [plain, plainFull] = [new Map<string, number>(), new Map<number, number>()];
  for (let i = 0; i < KEYS; i++) {
    cache.set(keys[i]!, i);
    plain.set(keys[i]!, i);
    full.set(i, i);
    plainFull.set(i, i);
  }
  let [fresh, plainFresh, oldest] = [KEYS, KEYS, 0];
  return {
    'cache of texts: get': { against: 'Map.get', heap: (i) => cache.get(keys[at(i)]!), plain: (i) => plain.get(keys[at(i)]!) },
    'cache of texts: set': { against: 'Map.set', heap: (i) => cache.set(keys[at(i)]!, i), plain: (i) => plain.set(keys[at(i)]!, i) },
    'cache of numbers, full: a new key': {
      against: 'a Map that drops its oldest key',
      heap: (i) => full.set(fresh++, i),
      plain: (i) => (plainFull.delete(oldest++), plainFull.set(plainFresh++, i)),
    },
  };
}

/** JavaScript has nothing of the kind; beside it, a Map that has no order. */
function sortedMapOperations(heap: Heap): Record<string, Arms> {
  const sorted = heap.createSortedMap('f64', 'f64');
  const plain = new Map<number, number>();
  for (let i = 0; i < KEYS; i++) {
    sorted.set(i, i);
    plain.set(i, i);
  }
  return {
    'sorted map of numbers: get': { against: 'Map.get', heap: (i) => sorted.get(at(i)), plain: (i) => plain.get(at(i)) },
    'sorted map of numbers: set': { against: 'Map.set', heap: (i) => sorted.set(at(i), i), plain: (i) => plain.set(at(i), i) },
  };
}
