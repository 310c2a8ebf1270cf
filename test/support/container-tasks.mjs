/**
 * Container tasks: what threads do to arrays and maps in tests; those that wait for each other are in container-waiting-tasks.mjs.
 *
 * Each task is `(heap, mutator, { data, running, ready }) => result`; the containers lie in the shared root slots.
 */
import { history } from './container-history.mjs';
import { BOX, KEYS_ROOT, SUBJECT_ROOT, at, coder, litter, valueOf } from './container-subjects.mjs';
import { WAITING_TASKS } from './container-waiting-tasks.mjs';
import { makeRandom } from './random.mjs';

/** Pushes and pops; answers what it pushed and what it got. */
function pushAndPop(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const array = at(heap, SUBJECT_ROOT);
  const { encode, decode } = coder(heap, array.kind);
  const popped = [];
  let pushed = 0;
  ready();
  while (running()) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      const many = random.below(40);
      for (let i = 0; i < many; i++) array.push(encode(valueOf(data.thread, pushed++)));
      for (let i = random.below(44); i > 0; i--) {
        const value = array.pop();
        if (value !== undefined) popped.push(decode(value));
      }
      const length = array.length;
      for (const value of array) {
        if (decode(value) < 0) throw new Error(`the array holds ${decode(value)}`);
        if (random.chance(1, 20)) break;
      }
      if (length < 0) throw new Error('a negative length');
    });
  }
  return { pushed, popped };
}

/** Writes growing numbers to elements of its own, and looks whether those of others grow, too. */
function setAndGet(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const array = at(heap, SUBJECT_ROOT);
  const { encode, decode } = coder(heap, array.kind);
  const seen = new Array(data.elements).fill(0);
  let written = 0;
  ready();
  while (running()) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      for (let i = 0; i < 20; i++) {
        const index = random.below(Math.floor(data.elements / data.threads)) * data.threads + data.thread;
        array.set(index, encode(++written));
        if (decode(array.get(index)) !== written) throw new Error(`element ${index} is not what its only writer stored`);
        seen[index] = written;
      }
      for (let i = 0; i < 40; i++) {
        const index = random.below(data.elements);
        const value = decode(array.get(index));
        if (value < seen[index]) throw new Error(`element ${index} was ${seen[index]} and is ${value}`);
        seen[index] = value;
      }
      // The end of the array comes and goes meanwhile.
      array.push(encode(0));
      array.pop();
    });
  }
  return { written };
}

/**
 * The first makes an array's only element come and go, and leaves it there at the end; the others look at it until they have seen it.
 * What is there is never nothing.
 */
function comeAndGo(heap, mutator, { data, running, ready }) {
  const { arrays } = heap.containers;
  const array = at(heap, SUBJECT_ROOT);
  const element = heap.create(heap.defineShape(BOX), { number: 1 });
  let seen = 0;
  ready();
  while (running() || (data.thread > 0 && seen === 0)) {
    mutator.poll();
    for (let i = 0; i < 200; i++) {
      if (data.thread === 0) {
        arrays.push(array.ref, element.ref);
        arrays.pop(array.ref);
        continue;
      }
      const found = arrays.find(array.ref, 0);
      if (found === 0) throw new Error('an element that nobody has stored');
      if (found !== undefined) seen++;
    }
  }
  if (data.thread === 0) arrays.push(array.ref, element.ref);
  return { seen };
}

/** Random operations on keys of its own, against a model; claims of keys that all want. */
function map(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const shared = at(heap, SUBJECT_ROOT);
  const { encode, decode } = coder(heap, shared.valueKind);
  const objects = [];
  if (shared.keyKind === 'ref') {
    for (let i = 0; i < data.keys * (data.threads + 1); i++) objects.push(at(heap, KEYS_ROOT).get(i));
  }
  const keyOf = (number) => ({ string: `key ${number}`, f64: number / 4, ref: objects[number] })[shared.keyKind];
  const numberOf = (key) => ({ string: () => Number(key.slice(4)), f64: () => key * 4, ref: () => key.number })[shared.keyKind]();
  const model = new Map();
  const claimed = [];
  let operations = 0;
  const own = () => data.keys * (data.thread + 1) + random.below(data.keys);
  ready();
  while (running() || operations < data.least) {
    mutator.scope(() => {
      litter(heap, mutator, random);
      for (let i = 0; i < 20; i++, operations++) {
        const number = own();
        const key = keyOf(number);
        const choice = random.below(4);
        if (choice === 0) {
          if (shared.delete(key) !== model.delete(number)) throw new Error(`delete of ${number} was wrong`);
        } else if (choice === 1) {
          shared.set(key, encode(operations));
          model.set(number, operations);
        } else if (choice === 2) {
          const made = shared.setIfAbsent(key, encode(operations));
          if (made === model.has(number)) throw new Error(`setIfAbsent of ${number} was wrong`);
          if (made) model.set(number, operations);
        }
        const value = shared.get(key);
        const found = value === undefined ? undefined : decode(value);
        if (found !== model.get(number)) throw new Error(`key ${number} holds ${found} instead of ${model.get(number)}`);
      }
      const wanted = random.below(data.keys);
      if (shared.setIfAbsent(keyOf(wanted), encode(data.thread))) claimed.push(wanted);
      if (random.chance(1, 4)) lookAtAll(shared, model, numberOf, data);
    });
  }
  return { claimed, left: [...model], operations };
}

/** Entries that nobody changes while the iteration runs come exactly once. */
function lookAtAll(shared, model, numberOf, { keys, thread }) {
  const times = new Map();
  for (const [key] of shared) {
    const number = numberOf(key);
    times.set(number, (times.get(number) ?? 0) + 1);
  }
  for (const [number, count] of times) if (count !== 1) throw new Error(`key ${number} came ${count} times`);
  for (const number of model.keys()) if (!times.has(number)) throw new Error(`key ${number} did not come`);
  for (const number of times.keys()) {
    if (Math.floor(number / keys) === thread + 1 && !model.has(number)) throw new Error(`key ${number} is not there and came`);
  }
}

/** Claims one number after the other, as the other threads do at the same moment. */
function claim(heap, mutator, { data, running, ready }) {
  const { maps } = heap.containers;
  const map = at(heap, SUBJECT_ROOT);
  let number = 0;
  let claimed = 0;
  ready();
  while (running()) {
    mutator.poll();
    for (let i = 0; i < 50 && number < data.most; i++) if (maps.setIfAbsent(map.ref, number++, data.thread)) claimed++;
  }
  return { claimed };
}

/** Makes and removes the same few entries as the other threads; how many more it made than removed. */
function contend(heap, mutator, { data, running, ready }) {
  const { maps } = heap.containers;
  const random = makeRandom(data.seed);
  const map = at(heap, SUBJECT_ROOT);
  let net = 0;
  let operations = 0;
  ready();
  for (; running(); operations++) {
    mutator.poll();
    for (let i = 0; i < 50; i++) {
      const key = random.below(data.keys);
      if (random.chance(1, 2)) net += maps.setIfAbsent(map.ref, key, i) ? 1 : 0;
      else net -= maps.delete(map.ref, key) ? 1 : 0;
    }
  }
  return { net, operations };
}

/** Counts in the same few entries as the other threads, in every way there is; how much it has added to each. */
function count(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const map = at(heap, SUBJECT_ROOT);
  const added = Array.from({ length: data.keys }, () => 0);
  ready();
  while (running()) {
    litter(heap, mutator, random);
    for (let i = 0; i < 50; i++) {
      const [key, by, way] = [random.below(data.keys), 1 + random.below(9), random.below(4)];
      if (way === 0) map.increment(key, by);
      else if (way === 1) map.update(key, (value = 0) => value + by);
      else {
        const before = map.get(key);
        if (way === 2 && !map.compareAndSet(key, before, (before ?? 0) + by)) continue;
        // Whoever removes an entry takes what is in it.
        if (way === 3 && (before === undefined || !map.compareAndSet(key, before, undefined))) continue;
        if (way === 3) {
          added[key] -= before;
          continue;
        }
      }
      added[key] += by;
    }
  }
  return { added };
}

/** Puts texts that say their key into a cache of all threads, looks for them and removes them. */
function useCache(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const cache = at(heap, SUBJECT_ROOT);
  let gets = 0;
  let operations = 0;
  const get = (key) => {
    gets++;
    return cache.get(key);
  };
  ready();
  while (running()) {
    litter(heap, mutator, random);
    for (let i = 0; i < 50; i++, operations++) {
      const key = `key ${random.below(data.keys)}`;
      const way = random.below(10);
      if (way === 0) cache.delete(key);
      else if (way < 4) cache.set(key, `${key} `.repeat(1 + random.below(20)));
      else {
        const found = get(key);
        if (found !== undefined && !found.startsWith(`${key} `)) throw new Error(`${key} has ${found}`);
      }
    }
  }
  return { gets, operations };
}

/** Moves its key up: first the next one, then the last one goes; and counts that in an entry of all threads. */
function sort(heap, mutator, { data, running, ready }) {
  const random = makeRandom(data.seed);
  const map = at(heap, SUBJECT_ROOT);
  let last = data.thread;
  let counted = 0;
  map.set(last, data.thread);
  ready();
  while (running()) {
    litter(heap, mutator, random);
    for (let i = 0; i < 20; i++) {
      map.set(last + 2, data.thread);
      map.delete(last);
      last += 2;
      map.update(-1, (n) => (n ?? 0) + 1);
      counted++;
    }
  }
  return { last, counted };
}

export const CONTAINER_TASKS = { ...WAITING_TASKS, history, pushAndPop, comeAndGo, setAndGet, map, claim, contend, count, useCache, sort };
