/**
 * Container histories: calls of several threads with the ticks at which they began and ended, for linearizability.ts.
 */
import { SUBJECT_ROOT, at, litter } from './container-subjects.mjs';
import { makeRandom } from './random.mjs';

/** What a thread may call on each kind of container, and what it answers. Numbers and keys are few, so that calls meet. */
const CALLS = {
  array: {
    push: (array, value) => array.push(value),
    pop: (array) => array.pop(),
    set: (array, value) => {
      try {
        array.set(0, value);
        return true;
      } catch {
        return false;
      }
    },
    get: (array) => [...array][0],
    length: (array) => array.length,
  },
  queue: {
    enqueue: (queue, value) => queue.enqueue(value),
    dequeue: (queue) => queue.dequeue(),
    length: (queue) => queue.length,
    enqueueMany: (queue, value) => queue.enqueueMany([value, value + 0.5]),
    dequeueMany: (queue) => queue.dequeueMany(2),
  },
  'queue that ends': {
    enqueue: (queue, value) => queue.enqueue(value),
    dequeue: (queue) => queue.dequeue(),
    length: (queue) => queue.length,
    closed: (queue) => queue.closed,
    close: (queue) => queue.close(),
    enqueueWait: (queue, value) => queue.enqueueWait(value, value % 2),
    dequeueWait: (queue, value) => queue.dequeueWait(value % 2),
    enqueueAsync: (queue, value) => queue.enqueueAsync(value, { timeoutMs: value % 2 }),
    dequeueAsync: (queue, value) => queue.dequeueAsync({ timeoutMs: value % 2 }),
    enqueueMany: (queue, value) => queue.enqueueMany([value, value + 0.5]),
    dequeueMany: (queue, value) => queue.dequeueManyAsync(2, { timeoutMs: value % 2 }),
  },
  map: {
    set: (map, value) => void map.set(value % 2, value),
    setIfAbsent: (map, value) => map.setIfAbsent(value % 2, value),
    get: (map, value) => map.get(value % 2),
    setSmall: (map, value) => void map.set(value % 2, value % 4),
    compareAndSet: (map, value) => map.compareAndSet(value % 2, value % 4, value),
    compareAndDelete: (map, value) => map.compareAndSet(value % 2, value % 4, undefined),
    increment: (map, value) => map.increment(value % 2, value),
    update: (map, value) => map.update(value % 2, (old) => (old ?? 0) * 2 + 1),
    getOrInsert: (map, value) => map.getOrInsert(value % 2, value),
    delete: (map, value) => map.delete(value % 2),
    clear: (map) => map.clear(),
  },
  'sorted map': {
    set: (map, value) => void map.set(value % 2, value),
    setIfAbsent: (map, value) => map.setIfAbsent(value % 2, value),
    get: (map, value) => map.get(value % 2),
    setSmall: (map, value) => void map.set(value % 2, value % 4),
    compareAndSet: (map, value) => map.compareAndSet(value % 2, value % 4, value),
    compareAndDelete: (map, value) => map.compareAndSet(value % 2, value % 4, undefined),
    update: (map, value) => map.update(value % 2, (old) => (old ?? 0) * 2 + 1),
    delete: (map, value) => map.delete(value % 2),
    clear: (map) => map.clear(),
    size: (map) => map.size,
    last: (map) => map.last()?.[1],
    all: (map) => map.toArray().map(([, value]) => value),
  },
  // Large enough for all that comes: what is dropped is not in the model.
  cache: {
    set: (cache, value) => void cache.set(value % 2, value),
    get: (cache, value) => cache.get(value % 2),
    getOrInsert: (cache, value) => cache.getOrInsertComputed(value % 2, () => value),
    delete: (cache, value) => cache.delete(value % 2),
    clear: (cache) => cache.clear(),
  },
  // Not one moment each: what the search for an order must find out.
  'map in two steps': {
    get: (map, value) => map.get(value % 2),
    increment: (map, value, pause) => {
      const sum = (map.get(value % 2) ?? 0) + value;
      pause();
      map.set(value % 2, sum);
      return sum;
    },
  },
  'queue in two steps': {
    enqueue: (queue, value) => queue.enqueue(value),
    dequeue: (queue, _value, pause) => {
      const [first] = queue;
      pause();
      queue.dequeue();
      return first;
    },
  },
  'batches in two steps': {
    dequeue: (queue) => queue.dequeue(),
    enqueueMany: (queue, value, pause) => {
      const first = queue.enqueue(value);
      pause();
      return Number(first) + Number(queue.enqueue(value + 0.5));
    },
  },
};

/** Makes the container empty, and open. */
function empty(heap, container) {
  if ('clear' in container) container.clear();
  else if (!('close' in container)) while (container.pop() !== undefined);
  // Who has closed a queue cannot open it again.
  else heap.roots.slots[SUBJECT_ROOT] = heap.createQueue(container.kind, container.capacity).ref;
}

/** Rounds of a few calls on an empty container, together with another thread, and when each began and ended. */
export async function history(heap, mutator, { data, ready }) {
  const { subject, clock, threads, thread, rounds, calls } = data;
  const random = makeRandom(data.seed);
  const names = Object.keys(CALLS[subject]);
  const tick = () => Atomics.add(clock, 0, 1);
  let met = 0;
  const meet = () => {
    Atomics.add(clock, 1, 1);
    for (met += threads; Atomics.load(clock, 1) < met; ) mutator.poll();
  };
  /** Until another thread has begun or ended a call, or for a moment if none does. */
  const pause = () => {
    const from = Atomics.load(clock, 0);
    for (let i = 0; i < 20_000 && Atomics.load(clock, 0) === from; i++) mutator.poll();
  };
  const call = async (container, { name, parameters }) => {
    const begin = tick();
    let answer;
    try {
      answer = CALLS[subject][name](container, ...parameters, pause);
      if (answer instanceof Promise) answer = await answer;
    } catch (error) {
      if (error.code !== 'ERR_QUEUE_CLOSED') throw error;
      answer = 'closed';
    }
    return { begin, end: tick(), name, parameters, answer };
  };
  const found = [];
  ready();
  for (let round = 0; round < rounds; round++) {
    meet();
    if (thread === 0) mutator.scope(() => empty(heap, at(heap, SUBJECT_ROOT)));
    litter(heap, mutator, random);
    const planned = Array.from({ length: calls }, () => ({ name: random.pick(names), parameters: [random.below(1_000)] }));
    meet();
    const container = at(heap, SUBJECT_ROOT);
    const made = [];
    for (const each of planned) made.push(await call(container, each));
    found.push(made);
    container.release();
  }
  return { found };
}
