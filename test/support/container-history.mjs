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
};

/** Rounds of a few calls on an empty container, together with another thread, and when each began and ended. */
export function history(heap, mutator, { data, ready }) {
  const { subject, clock, threads, thread, rounds, calls } = data;
  const random = makeRandom(data.seed);
  const container = at(heap, SUBJECT_ROOT);
  const names = Object.keys(CALLS[subject]);
  const tick = () => Atomics.add(clock, 0, 1);
  let met = 0;
  const meet = () => {
    Atomics.add(clock, 1, 1);
    for (met += threads; Atomics.load(clock, 1) < met; ) mutator.poll();
  };
  const found = [];
  ready();
  for (let round = 0; round < rounds; round++) {
    meet();
    if (thread === 0) {
      if (subject === 'map') container.clear();
      else while ((subject === 'array' ? container.pop() : container.dequeue()) !== undefined);
    }
    litter(heap, mutator, random);
    const planned = Array.from({ length: calls }, () => ({ name: random.pick(names), parameters: [random.below(1_000)] }));
    meet();
    found.push(
      planned.map(({ name, parameters }) => {
        const begin = tick();
        const answer = CALLS[subject][name](container, ...parameters);
        return { begin, end: tick(), name, parameters, answer };
      }),
    );
  }
  return { found };
}
