/**
 * Sorted maps in one thread: against JavaScript's Map in the order of its keys, while everything is moved; and several threads at once.
 */
import { describe, expect, it } from 'vitest';
import { SUBJECT_ROOT } from '../support/container-subjects.mjs';
import type { SortedKeyKind } from '../support/faultline.ts';
import { code, LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds, third } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

type Key = string | number;

const order = (a: Key, b: Key): number => (a < b ? -1 : a > b ? 1 : 0);
const sorted = <V>(model: ReadonlyMap<Key, V>): [Key, V][] => [...model].sort(([a], [b]) => order(a, b));

/** Keys that have others before, behind and between them; texts with a common beginning, of one byte a unit and of two. */
const KEYS: Readonly<Record<SortedKeyKind, (n: number) => Key>> = {
  string: (n) => (n % 3 === 0 ? `key ${n}` : n % 3 === 1 ? `key ${n}\u0000` : `☃${n}`),
  f64: (n) => (n % 2 === 0 ? n / 3 : -n),
};

describe.each(third(MODES))('a sorted map (fault mode %s)', (fault) => {
  it.each(['string', 'f64'] as const)('is what a Map is whose keys are in order: %s', (kind) => {
    const random = makeRandom(seedOfTest());
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, stressEvery: 3_000 });
    const map = heap.createSortedMap(kind, 'string');
    const model = new Map<Key, string>();
    // Grows over several levels, and shrinks to nothing.
    for (const [steps, growth] of [
      [rounds(3_000, 1_500), 8],
      [rounds(3_000, 1_500), 2],
    ] as const) {
      for (let step = 0; step < steps; step++) {
        const key = KEYS[kind](random.below(800)) as never;
        const text = `value ${step}`;
        if (random.below(10) < growth) {
          if (random.chance(1, 2)) map.set(key, text);
          else expect(map.setIfAbsent(key, text)).toBe(!model.has(key));
          if (map.get(key) === text) model.set(key, text);
        } else expect(map.delete(key)).toBe(model.delete(key));
        expect([map.get(key), map.has(key), map.size]).toEqual([model.get(key), model.has(key), model.size]);
      }
      mutator.collect({ kind: 'full' });
      expect([...map]).toEqual(sorted(model));
      const bounds = [random.below(800), random.below(800)].map((n) => KEYS[kind](n)).sort(order);
      const [from, to] = bounds as [never, never];
      const within = sorted(model).filter(([key]) => order(key, from) >= 0 && order(key, to) < 0);
      expect(map.toArray({ from, to })).toEqual(within);
      expect([...map.entries({ from, to })]).toEqual(within);
      expect([...map.entries({ from, to, reverse: true })]).toEqual(within.toReversed());
      expect([...map.keys({ from })]).toEqual([...sorted(model).map(([key]) => key)].filter((key) => order(key, from) >= 0));
      expect([map.first(), map.last()]).toEqual([sorted(model)[0], sorted(model).at(-1)]);
    }
    for (const key of model.keys()) expect(map.delete(key as never)).toBe(true);
    expect([map.size, [...map], map.first(), map.last()]).toEqual([0, [], undefined, undefined]);
  });
});

describe('a sorted map', () => {
  const make = (capacityBytes = '8M') => makeHeapWithMutator({ capacityBytes, fault: 'stw', workers: 0 });

  it.each([{ checked: true }, { marker: 'satb' as const }])('has its entries in order in a heap with %o', (options) => {
    const random = makeRandom(seedOfTest());
    const { heap } = makeHeapWithMutator({ capacityBytes: '16M', ...options });
    const map = heap.createSortedMap('string', 'ref');
    const model = new Map<Key, null>();
    for (let step = 0; step < 150; step++) {
      const key = `key ${random.below(60)}`;
      if (random.chance(1, 4)) expect(map.delete(key)).toBe(model.delete(key));
      else map.set(key, model.set(key, null).get(key)!);
    }
    expect(map.toArray()).toEqual(sorted(model));
    expect(map.toArray({ from: 'key 3', reverse: true })).toEqual(
      sorted(model)
        .filter(([key]) => key >= 'key 3')
        .toReversed(),
    );
  });

  it('has numbers in the order of their values, NaN behind all of them, and -0 as 0', () => {
    const { heap } = make();
    const map = heap.createSortedMap('f64', 'f64');
    for (const key of [5, NaN, -Infinity, -0, Infinity, 0.1, -1]) map.set(key, key);
    expect([...map.keys()]).toEqual([-Infinity, -1, 0, 0.1, 5, Infinity, NaN]);
    expect([map.get(0), map.get(NaN), map.get(-0)]).toEqual([-0, NaN, -0]);
    expect(map.toArray({ from: 0, to: NaN }).map(([key]) => key)).toEqual([0, 0.1, 5, Infinity]);
    expect(map.toArray({ from: NaN }).length).toBe(1);
  });

  it('has texts in the order of their code units, as sort() has them', () => {
    const { heap } = make();
    const texts = ['', 'a', 'A', 'aa', 'a\u0000', 'ä', 'z', '☃', '\ud800', '😀', '\uffff', 'ab'];
    const map = heap.createSortedMap('string', 'u32');
    texts.forEach((text, i) => map.set(text, i));
    expect([...map.keys()]).toEqual(texts.toSorted());
    expect([...map.keys({ from: 'a', to: 'b' })]).toEqual(['a', 'a\u0000', 'aa', 'ab']);
  });

  it('has an empty range where the bounds leave nothing, and ends a range before its upper bound', () => {
    const { heap } = make();
    const map = heap.createSortedMap('f64', 'f64');
    for (let i = 0; i < 100; i++) map.set(i, i);
    const keys = (range: object): number[] => [...map.keys(range)];
    expect([keys({ from: 5, to: 5 }), keys({ from: 9, to: 3 }), keys({ from: 100 }), keys({ to: 0 })]).toEqual([[], [], [], []]);
    expect([keys({ from: 97 }), keys({ to: 2 }), keys({ from: 15, to: 18 })]).toEqual([
      [97, 98, 99],
      [0, 1],
      [15, 16, 17],
    ]);
    expect([keys({ from: 97, reverse: true }), keys({ to: 2, reverse: true })]).toEqual([
      [99, 98, 97],
      [1, 0],
    ]);
    expect(map.toArray({ from: 3.5, to: 5.5, reverse: true })).toEqual([
      [5, 5],
      [4, 4],
    ]);
    expect([...map.values({ from: 98 })]).toEqual([98, 99]);
  });

  it('visits what is there from beginning to end while others come and go', () => {
    const { heap } = make();
    const map = heap.createSortedMap('f64', 'f64');
    for (let i = 0; i < 200; i += 2) map.set(i, i);
    const seen: number[] = [];
    for (const [key] of map) {
      seen.push(key);
      map.set(key + 1, 0);
      map.delete(key - 1);
      if (key % 2 === 0 && key > 100) map.delete(key);
    }
    expect(seen.filter((key) => key % 2 === 0)).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('changes a value in one moment, and only one that is what was expected', () => {
    const { heap } = make();
    const [numbers, texts] = [heap.createSortedMap('string', 'f64'), heap.createSortedMap('f64', 'string')];
    expect([numbers.compareAndSet('a', undefined, 1), numbers.compareAndSet('a', 2, 3), numbers.compareAndSet('a', 1, 2)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([numbers.update('a', (n = 0) => n + 1), numbers.update('b', (n = 0) => n + 1), numbers.size]).toEqual([3, 1, 2]);
    expect([numbers.update('a', () => undefined), numbers.has('a'), numbers.compareAndSet('c', undefined, undefined)]).toEqual([
      undefined,
      false,
      true,
    ]);
    texts.set(1, 'text').set(2, null);
    expect([texts.compareAndSet(1, ['te', 'xt'].join(''), 'b'), texts.compareAndSet(2, null, 'c'), texts.get(1)]).toEqual([
      true,
      true,
      'b',
    ]);
  });

  it('holds objects, and lets go of what is replaced, deleted or cleared', async () => {
    const { heap, mutator } = make();
    const Leaf = heap.defineShape(LEAF);
    const map = heap.createSortedMap('f64', Leaf);
    const empty = await heap.verify();
    mutator.scope(() => {
      for (let i = 0; i < 2_000; i++) map.set(i % 500, heap.create(Leaf, { number: i }));
      expect(map.get(7)?.number).toBe(1_507);
    });
    // 500 entries and their values; a node for every eight entries or more, and one for each of those.
    expect(await heap.verify()).toBeLessThan(empty + 1_000 + 500 / 7 + 500 / 28);
    for (let i = 0; i < 500; i++) if (i % 16 !== 0) map.delete(i);
    // 32 entries and their values; nodes that have become small were joined.
    expect(await heap.verify()).toBeLessThan(empty + 64 + 32 / 4 + 4);
    map.clear();
    expect([await heap.verify(), map.size]).toEqual([empty, 0]);
  });

  it('refuses keys and values of another kind, and bounds, and stays as it was', () => {
    const { heap } = make();
    const map = heap.createSortedMap('string', 'f64').set('a', 1);
    for (const wrong of [1, null, undefined, {}] as never[]) {
      for (const act of [
        () => map.get(wrong),
        () => map.has(wrong),
        () => map.set(wrong, 1),
        () => map.delete(wrong),
        () => map.compareAndSet(wrong, 1, 1),
      ]) {
        expect(act).toThrow(code('ERR_OPTION'));
      }
    }
    expect(() => map.set('a', '1' as never)).toThrow(code('ERR_OPTION'));
    expect(() => map.toArray({ from: 1 as never })).toThrow(code('ERR_OPTION'));
    expect(() => map.toArray({ reverse: 1 as never })).toThrow(code('ERR_OPTION'));
    expect(() => map.toArray(5 as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.createSortedMap('ref' as never, 'f64')).toThrow(code('ERR_OPTION'));
    expect(() => heap.createSortedMap('f64', 'u8' as never)).toThrow(code('ERR_OPTION'));
    expect([...map]).toEqual([['a', 1]]);
  });

  it('is copied as a Map in order, and shown as one', () => {
    const { heap } = make();
    const map = heap.createSortedMap('f64', 'string').set(2, 'two').set(1, 'one');
    expect([...map.toObject()]).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    expect(JSON.stringify(map)).toBe('{"1":"one","2":"two"}');
  });
});

describe('a sorted map of several threads', () => {
  it('has what all of them have put there, and at each moment what one of them has left', async () => {
    const seed = seedOfTest();
    const { heap } = makeHeapWithMutator({ capacityBytes: '24M', delaySeed: seed });
    const map = heap.createSortedMap('f64', 'f64');
    heap.roots.slots[SUBJECT_ROOT] = map.ref;
    const threads = new Threads();
    for (let thread = 0; thread < 2; thread++) threads.start(heap.token, 'sort', { thread, seed: seed + thread });
    await threads.ready();
    // Each thread has one key, which it moves up by making the next and removing the last.
    for (let i = 0; i < 300; i++) {
      const all = map.toArray();
      for (const thread of [0, 1]) {
        const own = all.filter(([, owner]) => owner === thread).map(([key]) => key);
        expect([1, 2]).toContain(own.length);
        if (own.length === 2) expect(own[1]! - own[0]!).toBe(2);
      }
      if (i % 30 === 0) await heap.collect();
    }
    const results = await threads.finish<{ last: number; counted: number }>();
    expect(map.toArray({ from: 0 })).toEqual(results.map(({ last }, thread) => [last, thread]).sort(([a], [b]) => a! - b!));
    expect(map.get(-1)).toBe(results.reduce((sum, { counted }) => sum + counted, 0));
  }, 60_000);
});
