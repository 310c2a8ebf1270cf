/**
 * Subjects of interruptions that are containers: each is changed step by step, beside a model of it.
 */
import { expect } from 'vitest';
import type { AnyView, Heap, HeapMap, HeapQueue, HeapSortedMap, Mutator } from '../support/faultline.ts';
import type { Outcome } from '../support/interruptions.ts';

interface Subject {
  step(): void;
  /** Holds the heap to what the steps may have come to. */
  look(outcome: Outcome): void;
  /** When all is over. */
  atEnd?(): void;
}

export type Subjects = Record<string, (heap: Heap, mutator: Mutator) => Subject>;

/** A list of numbers that is changed at its ends, beside what it should be: each change has happened as a whole, or not at all. */
function listSubject(
  { add, remove, read }: { add(value: number): void; remove(): number | undefined; read(): number[] },
  firstOut: boolean,
): Subject {
  const model: number[] = [];
  let next = 1;
  let change: 'none' | 'add' | 'remove' = 'none';
  const removeFromModel = (): number | undefined => (firstOut ? model.shift() : model.pop());
  return {
    step() {
      const grows = model.length < 3 || (model.length < 40 && next % 3 !== 0);
      change = grows ? 'add' : 'remove';
      if (grows) {
        add(next);
        model.push(next);
      } else {
        const value = remove();
        const wanted = removeFromModel();
        if (value !== wanted) throw new Error(`${value} was taken, not ${wanted}`);
      }
      change = 'none';
      next++;
    },
    look(outcome) {
      const found = read();
      if (change === 'add' && found.length === model.length + 1) model.push(next);
      const mayBeLost = outcome === 'cut' || outcome === 'threw late';
      if (change === 'remove' && found.length === model.length - 1 && mayBeLost) removeFromModel();
      expect(found).toEqual(model);
      if (change !== 'none') next++;
      change = 'none';
    },
  };
}

/** Entries that are made, replaced and removed. */
function entriesSubject(map: HeapMap<'string', 'f64'> | HeapSortedMap<'string', 'f64'>): Subject {
  const model = new Map<string, number>();
  let n = 0;
  let key = '';
  return {
    step() {
      key = `${(n * 7) % 61}`;
      if (n % 3 === 0) map.delete(key);
      else map.set(key, n);
      if (n % 3 === 0) model.delete(key);
      else model.set(key, n);
      n++;
    },
    look() {
      const found = map.get(key);
      expect(found === undefined || found === n || found === model.get(key) || found === n - 1).toBe(true);
      if (found === undefined) model.delete(key);
      else model.set(key, found);
      expect(new Map(map)).toEqual(model);
      expect(map.size).toBe(model.size);
      n++;
    },
  };
}

export const CONTAINER_SUBJECTS: Subjects = {
  'an array of numbers'(heap) {
    const array = heap.createArray('f64');
    return listSubject({ add: (value) => void array.push(value), remove: () => array.pop(), read: () => array.toArray() }, false);
  },

  'an array of objects'(heap, mutator) {
    const array = heap.createArray('ref');
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const numberOf = (view: unknown): number => (view as { number: number }).number;
    return listSubject(
      {
        add: (value) => mutator.scope(() => void array.push(heap.create(Leaf, { number: value }) as AnyView)),
        remove: () => mutator.scope(() => numberOf(array.pop())),
        read: () => mutator.scope(() => array.toArray().map(numberOf)),
      },
      false,
    );
  },

  'an array of texts'(heap) {
    const array = heap.createArray('string');
    return listSubject(
      { add: (value) => void array.push(`${value}`), remove: () => Number(array.pop()), read: () => array.toArray().map(Number) },
      false,
    );
  },

  'a queue of numbers'(heap) {
    const queue = heap.createQueue('f64');
    return listSubject({ add: (value) => void queue.enqueue(value), remove: () => queue.dequeue(), read: () => queue.toArray() }, true);
  },

  'a queue of texts, with a capacity'(heap) {
    const queue = heap.createQueue('string', 100);
    return listSubject(
      {
        add: (value) => void queue.enqueueWait(`${value}`),
        remove: () => Number(queue.dequeueWait()),
        read: () => queue.toArray().map(Number),
      },
      true,
    );
  },

  'a map': (heap) => entriesSubject(heap.createMap('string', 'f64')),

  'a sorted map': (heap) => entriesSubject(heap.createSortedMap('string', 'f64')),

  'a map that is changed by what is in it'(heap) {
    const map = heap.createMap('string', 'f64');
    const model = new Map<string, number>();
    const changes: {
      after: (before: number | undefined) => number | undefined;
      run: (key: string, before: number | undefined) => unknown;
    }[] = [
      { after: () => n, run: (key, before) => map.compareAndSet(key, before, n) },
      { after: (before = 0) => before + 1_000, run: (key) => map.increment(key, 1_000) },
      { after: (before) => before, run: (key) => map.compareAndSet(key, -1, 5) },
      { after: (before = 0) => before + 1, run: (key) => map.update(key, (value = 0) => value + 1) },
      { after: () => undefined, run: (key, before) => map.compareAndSet(key, before, undefined) },
      { after: (before) => before ?? n, run: (key) => map.getOrInsert(key, n) },
      { after: () => undefined, run: (key) => map.update(key, () => undefined) },
      { after: (before) => before ?? n, run: (key) => map.getOrInsertComputed(key, () => n) },
    ];
    let n = 0;
    let key = '';
    let after: number | undefined;
    const become = (value: number | undefined): void => void (value === undefined ? model.delete(key) : model.set(key, value));
    return {
      step() {
        n++;
        const { after: afterOf, run } = changes[n % changes.length]!;
        const next = `${(n * 7) % 61}`;
        const before = model.get(next);
        [key, after] = [next, afterOf(before)];
        run(key, before);
        become(after);
      },
      look() {
        const found = map.get(key);
        expect([model.get(key), after]).toContain(found);
        become(found);
        expect(new Map(map)).toEqual(model);
        expect(map.size).toBe(model.size);
        after = found;
      },
    };
  },

  'a cache'(heap) {
    const cache = heap.createCache('string', 'f64', { maxEntries: 20, maxBytes: '1M' });
    const keyOf = (number: number): string => `${10 + ((number * 7) % 61)}`;
    cache.set(keyOf(0), 0);
    const bytesOfEntry = cache.bytes;
    let n = 0;
    return {
      step() {
        const key = keyOf(++n);
        if (n % 5 === 0) cache.delete(key);
        else if (n % 5 === 1) cache.getOrInsertComputed(key, () => n);
        else cache.set(key, n);
        if (n % 3 === 0) cache.get(keyOf(n + 1));
      },
      look() {
        const entries = [...cache];
        for (const [key, value] of entries) expect([keyOf(value), value <= n]).toEqual([key, true]);
        // The counts are what is there, whatever was cut short; and until the next `set` one entry may be too many.
        expect([cache.size, cache.bytes]).toEqual([entries.length, entries.length * bytesOfEntry]);
        expect(entries.length).toBeLessThanOrEqual(21);
        cache.set(keyOf(++n), n);
        expect([cache.get(keyOf(n)), cache.size <= 20]).toEqual([n, true]);
      },
    };
  },

  'a queue that ends'(heap, mutator) {
    const place = mutator.createRootRange(1);
    place.used = 1;
    const begin = (): void => void (place.slots[0] = heap.createQueue('f64').ref);
    const queue = () => heap.view(place.slots[0]!) as unknown as HeapQueue<'f64'>;
    mutator.scope(begin);
    return {
      step: () =>
        mutator.scope(() => {
          queue().enqueue(1);
          queue().enqueueMany([2, 3]);
          queue().close();
          const taken = queue().dequeueManyWait(2);
          if (taken.length !== 2) throw new Error(`${taken} was taken`);
          while (queue().dequeueWait() !== undefined);
          begin();
        }),
      look: () =>
        mutator.scope(() => {
          const { closed, length } = queue();
          const items = queue().toArray();
          const possible = closed ? [[1, 2, 3], [3], []] : [[], [1], [1, 2, 3]];
          expect(possible).toContainEqual(items);
          expect(length).toBe(items.length);
          if (closed) expect(() => queue().enqueue(4)).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_CLOSED' }));
          else expect([queue().enqueueMany([4, 5]), queue().length]).toEqual([2, items.length + 2]);
          expect(queue().dequeueMany(9)).toEqual(closed ? items : [...items, 4, 5]);
          queue().close();
          expect(queue().dequeueWait()).toBe(undefined);
          begin();
        }),
      atEnd: () => place.release(),
    };
  },
};
