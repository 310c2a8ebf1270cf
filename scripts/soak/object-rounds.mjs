/**
 * Object rounds: views, cursors, strings and tokens of one thread, and containers that all threads of a heap share. What a thread has put
 * into a shared map under its own keys must be there; what a shared cache has under a key belongs to that key; each thread's entries come
 * out of the shared queue in the order in which it put them in; and what the shared lock protects is consistent unless its owner was
 * terminated.
 */

const NODE = {
  name: 'soak-node',
  fields: { next: 'self', text: 'string', number: 'f64', mixed: 'tagged', wide: 'i64', bytes: { array: 'u8', length: 8 } },
  elements: 'ref',
};
const SHARED = {
  name: 'soak-shared',
  fields: { map: 'ref', cache: 'ref', queue: 'ref', array: 'ref', lock: 'ref', one: 'f64', two: 'f64' },
};
/** The shared root slot of the shared containers; those below are the other programs'. */
const SHARED_ROOT = 1_000;
const QUEUE_CAPACITY = 200;
const ARRAY_LENGTH = 500;
const OWN_KEYS = 40;
const CACHE_ENTRIES = 100;
/** Threads that may be storing at the same moment. */
const CACHE_SLACK = 64;
const LOCK_MS = 100;
/** Values are told apart by life and by number. */
const PER_LIFE = 2 ** 32;

const fail = (what) => {
  throw new Error(`objects: ${what}`);
};
const textOf = (n) => `text ${n} ${n % 7 === 0 ? '\u{1f600}' : 'ä'}`.repeat(1 + (n % 5));

/** A list of nodes, made in scopes, walked by a cursor, and read back. */
export function objectRound(heap, mutator, random, most) {
  const shape = heap.defineShape(NODE);
  const count = Math.min(most, 5 + random.below(200));
  return mutator.scope(() => {
    const first = heap.create(shape, { number: -1 });
    const line = heap.cursor(shape, first);
    for (let i = 0; i < count; i++) {
      mutator.scope(() => {
        const node = heap.create(shape, { text: textOf(i), number: i / 2, mixed: i % 2 === 0 ? i : first, wide: BigInt(i) << 40n }, [
          first,
          null,
          line,
        ]);
        node.bytes.copyFrom([i & 255], i & 7);
        line.next = node;
        line.follow('next');
      });
    }
    mutator.poll();
    const walk = heap.cursor(shape, first);
    for (let i = 0; walk.follow('next'); i++) {
      mutator.scope(() => {
        if (walk.text !== textOf(i) || walk.number !== i / 2 || walk.wide !== BigInt(i) << 40n || walk.bytes.get(i & 7) !== (i & 255))
          fail(`node ${i} is another`);
        const mixed = walk.mixed;
        if (i % 2 === 0 ? mixed !== i : !first.isSame(mixed)) fail(`the tagged field of node ${i} is another`);
        if (!first.isSame(walk.elements.get(0)) || walk.elements.get(1) !== null) fail(`the elements of node ${i} are others`);
      });
      if (i >= count) fail(`${i + 1} nodes instead of ${count}`);
    }
    const token = heap.offer(first);
    if (!heap.redeem(token).isSame(first)) fail('a token leads to another object');
    const text = `interned ${random.below(50)}`;
    if (heap.intern(text).toString() !== text) fail('an interned text is another');
    if (random.chance(1, 3)) heap.dropInterned(text);
    return count * 2;
  });
}

/** The part that one life has in the containers that the threads of a heap share. */
export class SharedContainers {
  #heap;
  #mutator;
  #random;
  #life;
  #model = new Map();
  #enqueued = 0;
  #seen = new Map();

  constructor(heap, mutator, random) {
    this.#heap = heap;
    this.#mutator = mutator;
    this.#random = random;
    this.#life = random.below(2 ** 20);
  }

  round() {
    return this.#mutator.scope(() => {
      const { map, cache, queue, array, lock, ...rest } = this.#shared();
      for (let i = 0; i < 20; i++) {
        this.#mutator.scope(() => {
          switch (this.#random.below(5)) {
            case 0:
              return this.#inMap(map);
            case 1:
              return this.#inQueue(queue);
            case 2:
              return this.#inArray(array);
            case 3:
              return this.#inCache(cache);
            default:
              return this.#underLock(lock, rest.shared);
          }
        });
      }
      return 20;
    });
  }

  /** What is this life's own is there; then it is taken out, as far as there is memory for that. */
  finish() {
    if (this.#model.size === 0) return;
    this.#mutator.scope(() => {
      const { map } = this.#shared();
      for (const [key, value] of this.#model)
        if (map.get(key) !== value) fail(`the map has ${map.get(key)} under ${key} instead of ${value}`);
      try {
        for (const key of this.#model.keys()) map.delete(key);
      } catch (error) {
        if (error.code !== 'ERR_HEAP_EXHAUSTED' && error.code !== 'ERR_NO_MEMORY') throw error;
      }
      this.#model.clear();
    });
  }

  #shared() {
    const { slots } = this.#heap.roots;
    const shape = this.#heap.defineShape(SHARED);
    if (Atomics.load(slots, SHARED_ROOT) === 0) {
      const heap = this.#heap;
      const array = heap.createArray('f64');
      const made = heap.create(shape, {
        map: heap.createMap('string', 'f64'),
        cache: heap.createCache('string', 'string', { maxEntries: CACHE_ENTRIES }),
        queue: heap.createQueue('f64', QUEUE_CAPACITY),
        array,
        lock: heap.createLock(),
      });
      Atomics.compareExchange(slots, SHARED_ROOT, 0, made.ref);
    }
    const shared = this.#heap.view(Atomics.load(slots, SHARED_ROOT));
    const { map, cache, queue, array, lock } = shared;
    return { shared, map, cache, queue, array, lock };
  }

  #inMap(map) {
    const key = `${this.#life}: ${this.#random.below(OWN_KEYS)}`;
    const known = this.#model.get(key);
    if (map.get(key) !== known) fail(`the map has ${map.get(key)} under ${key} instead of ${known}`);
    if (this.#random.chance(1, 3)) {
      if (map.delete(key) !== (known !== undefined)) fail(`the map deletes ${key} and says otherwise`);
      this.#model.delete(key);
      return;
    }
    const value = this.#random.below(2 ** 30);
    map.set(key, value);
    this.#model.set(key, value);
  }

  #inCache(cache) {
    const key = `key ${this.#random.below(3 * CACHE_ENTRIES)}`;
    if (this.#random.chance(1, 3)) {
      cache.set(key, `${key}: ${textOf(this.#life)}`);
      if (cache.size > CACHE_ENTRIES + CACHE_SLACK) fail(`the cache has ${cache.size} entries`);
    } else if (this.#random.chance(1, 9)) cache.delete(key);
    else if (cache.get(key)?.startsWith(`${key}: `) === false) fail(`the cache has ${cache.get(key)} under ${key}`);
  }

  #inQueue(queue) {
    const next = this.#life * PER_LIFE + this.#enqueued + 1;
    if (this.#random.chance(1, 2)) {
      if (this.#random.chance(1, 3)) this.#enqueued += queue.enqueueMany([next, next + 1, next + 2]);
      else if (queue.enqueue(next)) this.#enqueued++;
      return;
    }
    for (const value of queue.dequeueMany(this.#random.chance(1, 3) ? 3 : 1)) this.#came(value);
  }

  #came(value) {
    const [life, number] = [Math.floor(value / PER_LIFE), value % PER_LIFE];
    if ((this.#seen.get(life) ?? 0) >= number) fail(`the queue gives number ${number} of ${life} after ${this.#seen.get(life)}`);
    this.#seen.set(life, number);
  }

  #inArray(array) {
    const value = this.#random.below(1_000);
    if (array.length < ARRAY_LENGTH) array.push(value + 0.5);
    const taken = this.#random.chance(1, 2) ? array.pop() : undefined;
    if (taken !== undefined && taken % 1 !== 0.5) fail(`the array gives ${taken}, which nobody has pushed`);
  }

  #underLock(lock, shared) {
    if (!lock.lock(LOCK_MS)) return;
    try {
      if (shared.one !== shared.two) {
        if (!lock.abandoned) fail(`the lock protects ${shared.one} and ${shared.two}, and no owner was lost`);
        shared.two = shared.one;
      }
      lock.declareRepaired();
      shared.one++;
      shared.two = shared.one;
    } finally {
      lock.unlock();
    }
  }
}
