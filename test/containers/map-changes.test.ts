/**
 * Changes of a map that depend on the value that is there, in one thread: against JavaScript's Map, for every kind of value.
 */
import { describe, expect, it } from 'vitest';
import type { Heap, ValueKind } from '../support/faultline.ts';
import { code, LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

const KEYS = 60;

/** Values by number, equal ones being equal to the map and not the same JavaScript value where that can be. */
function valuesOf(heap: Heap, kind: ValueKind): (n: number) => any {
  if (kind === 'string') return (n) => (n === 0 ? null : ['te', 'xt ', String(n)].join(''));
  if (kind === 'i64' || kind === 'u64') return BigInt;
  if (kind !== 'ref') return (n) => n;
  const Leaf = heap.defineShape(LEAF);
  const made = Array.from({ length: 4 }, (_, number) => heap.create(Leaf, { number }));
  return (n) => (n === 0 ? null : heap.view(made[n]!.ref));
}

describe.each(['f64', 'f32', 'u32', 'i64', 'string', 'ref'] as const)('a map of values of the kind %s', (kind) => {
  it.each([{ checked: false }, { checked: true }, { marker: 'satb' as const }])(
    'changes exactly what has the expected value, in a heap with %o',
    (options) => {
      const random = makeRandom(seedOfTest());
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', stressEvery: options.checked === true ? 0 : 700, ...options });
      const map = heap.createMap('f64', kind);
      const model = new Map<number, number>();
      const valueOf = valuesOf(heap, kind);
      for (let step = 0; step < (options.checked === true ? 300 : 3_000); step++) {
        mutator.scope(() => {
          const key = random.below(KEYS);
          const [expected, value] = [random.below(4) || undefined, random.below(4) || undefined];
          const holds = model.get(key) === expected;
          const given = (n: number | undefined): any => (n === undefined ? undefined : valueOf(n - 1));
          expect([step, map.compareAndSet(key, given(expected), given(value))]).toEqual([step, holds]);
          if (holds && value !== undefined) model.set(key, value);
          else if (holds) model.delete(key);
        });
      }
      expect(map.size).toBe(model.size);
      for (const [key, n] of model) {
        const [found, wanted] = [map.get(key) as any, valueOf(n - 1)];
        if (kind === 'ref' && wanted !== null) expect(wanted.isSame(found)).toBe(true);
        else expect(found).toBe(wanted);
      }
    },
  );
});

describe('a map', () => {
  const make = () => makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });

  it('counts, from nothing on, with sums as they are stored', () => {
    const { heap } = make();
    const [counts, bytes, wide] = [heap.createMap('string', 'f64'), heap.createMap('f64', 'i32'), heap.createMap('f64', 'i64')];
    expect([counts.increment('a'), counts.increment('a', 2.5), counts.get('a'), counts.size]).toEqual([1, 3.5, 3.5, 1]);
    expect([bytes.increment(1, 2 ** 31 - 1), bytes.increment(1), bytes.get(1)]).toEqual([2 ** 31 - 1, -(2 ** 31), -(2 ** 31)]);
    expect([wide.increment(NaN), wide.increment(NaN, 2n ** 62n)]).toEqual([1n, 2n ** 62n + 1n]);
    counts.set('nan', NaN);
    expect([counts.increment('nan'), counts.size]).toEqual([NaN, 2]);
    expect(() => heap.createMap('f64', 'string').increment(1)).toThrow(code('ERR_OPTION'));
    expect(() => wide.increment(1, 1 as any)).toThrow(code('ERR_OPTION'));
  });

  it('compares numbers as keys of a Map are compared, and texts by what they say', () => {
    const { heap } = make();
    const [numbers, texts] = [heap.createMap('f64', 'f64'), heap.createMap('f64', 'string')];
    numbers.set(1, NaN).set(2, -0);
    texts.set(1, 'text').set(2, null);
    expect([numbers.compareAndSet(1, NaN, 5), numbers.compareAndSet(2, 0, 6), numbers.get(2)]).toEqual([true, true, 6]);
    expect([texts.compareAndSet(1, 'te' + 'xt', 'b'), texts.compareAndSet(1, null, 'c'), texts.compareAndSet(2, null, 'd')]).toEqual([
      true,
      false,
      true,
    ]);
    expect(() => numbers.compareAndSet(1, 'a' as any, 1)).toThrow(code('ERR_OPTION'));
    expect(() => texts.compareAndSet(1, 5 as any, 'a')).toThrow(code('ERR_OPTION'));
  });

  it('is updated by a function of the value, again if that has changed meanwhile', () => {
    const { heap } = make();
    const map = heap.createMap('string', 'f64');
    expect(map.update('a', (value) => (value ?? 10) + 1)).toBe(11);
    let calls = 0;
    const updated = map.update('a', (value) => {
      if (calls++ === 0) map.set('a', 100);
      return value! + 1;
    });
    expect([updated, calls, map.get('a')]).toEqual([101, 2, 101]);
    expect([map.update('a', () => undefined), map.has('a'), map.update('a', () => undefined)]).toEqual([undefined, false, undefined]);
    map.set('a', 7);
    expect(() =>
      map.update('a', () => {
        throw new RangeError('on purpose');
      }),
    ).toThrow('on purpose');
    expect(map.get('a')).toBe(7);
  });

  it('gives the value that is there, or puts one there', () => {
    const { heap } = make();
    const map = heap.createMap('string', 'ref');
    const [one, two] = [heap.createArray('f64'), heap.createArray('f64')];
    expect(map.getOrInsert('a', one)).toBe(one);
    expect(one.isSame(map.getOrInsert('a', two) as typeof one)).toBe(true);
    let calls = 0;
    const compute = (key: string) => {
      calls++;
      // As if another thread came first.
      map.set(key, one);
      return two;
    };
    expect(one.isSame(map.getOrInsertComputed('b', compute) as typeof one)).toBe(true);
    expect(one.isSame(map.getOrInsertComputed('b', compute) as typeof one)).toBe(true);
    expect(calls).toBe(1);
  });
});
