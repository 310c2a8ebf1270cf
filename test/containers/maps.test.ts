/**
 * Maps in one thread: against JavaScript's Map, with keys whose hashes are equal, and what they refuse.
 */
import { describe, expect, it } from 'vitest';
import { hashOfHeap } from '../support/hashes.ts';
import type { Heap } from '../support/faultline.ts';
import { code, LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { hashOfNumber, KeyedHash } from '../support/internals.ts';
import { MARKERS, MODES, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

/** Groups of texts whose 32-bit hashes are equal in that heap, found by trying with its secret. */
function collidingTexts(heap: Heap, wanted: number): string[][] {
  const hashOf = hashOfHeap(heap);
  const byHash = new Map<number, string>();
  const groups: string[][] = [];
  for (let i = 0; groups.length < wanted; i++) {
    const text = `t${i.toString(36)}`;
    const hash = hashOf.ofText(text);
    const other = byHash.get(hash);
    if (other === undefined) byHash.set(hash, text);
    else groups.push([other, text]);
  }
  return groups;
}

describe.each([
  ...MODES.map((fault) => ({ what: `fault mode ${fault}`, options: { fault } })),
  ...MARKERS.map((marker) => ({ what: `marker ${marker}`, options: { marker, barrieredStores: true } })),
])('a map ($what)', ({ options }) => {
  it('is what a JavaScript map would be, while it is compacted, also where hashes are equal', () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', stressEvery: 500, ...options });
    const map = heap.createMap('string', 'f64');
    const model = new Map<string, number>();
    const keys = [...collidingTexts(heap, 3).flat(), ...Array.from({ length: 200 }, (_, i) => `key ${i}`)];
    for (let step = 0; step < rounds(20_000, 4_000); step++) {
      const key = random.chance(1, 3) ? keys[random.below(6)]! : random.pick(keys);
      const choice = random.below(8);
      if (choice < 3) {
        map.set(key, step);
        model.set(key, step);
      } else if (choice === 3) {
        expect(map.setIfAbsent(key, step)).toBe(!model.has(key));
        if (!model.has(key)) model.set(key, step);
      } else if (choice < 6) {
        expect(map.delete(key)).toBe(model.delete(key));
      } else if (random.chance(1, 500)) {
        map.clear();
        model.clear();
      }
      expect([map.get(key), map.has(key), map.size]).toEqual([model.get(key), model.has(key), model.size]);
    }
    mutator.collect({ kind: 'full' });
    expect(new Map(map)).toEqual(model);
    expect([...map.keys()].length).toBe(model.size);
  });
});

describe('a map', () => {
  it('holds two and more keys with one hash, and each of them alone', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '16M', fault: 'stw' });
    const hash = hashOfHeap(heap);
    for (const [one, two] of collidingTexts(heap, 3) as [string, string][]) {
      expect(hash.ofText(one)).toBe(hash.ofText(two));
      const map = heap.createMap('string', 'string');
      map.set(one, 'one').set(two, 'two').set(one, 'ONE');
      expect([...map].sort()).toEqual(
        [
          [one, 'ONE'],
          [two, 'two'],
        ].sort(),
      );
      expect(map.delete(one)).toBe(true);
      expect(map.delete(one)).toBe(false);
      expect([map.get(one), map.get(two), map.size]).toEqual([undefined, 'two', 1]);
      expect(map.delete(two)).toBe(true);
      expect([...map, map.size]).toEqual([0]);
      map.set(two, null);
      expect([map.get(two), map.get(one)]).toEqual([null, undefined]);
    }
  });

  it('compares numbers by value', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const map = heap.createMap('f64', 'u32');
    const keys = [NaN, -0, Infinity, -Infinity, Number.MIN_VALUE, 2 ** 53, 0.1, -1];
    keys.forEach((key, i) => map.set(key, i));
    keys.forEach((key, i) => expect(map.get(key)).toBe(i));
    expect(map.get(0)).toBe(1);
    const hash = new KeyedHash({ low: 1, high: 2 });
    expect(hashOfNumber(NaN, hash)).toBe(hashOfNumber(-NaN, hash));
    expect(map.size).toBe(keys.length);
  });

  it('makes a key of -0 the key 0, as a JavaScript map does, and leaves a value as it is', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const map = heap.createMap('f64', 'f64');
    const key = (): unknown => [...map.keys()][0];
    map.set(-0, -0);
    expect([key(), map.get(0)]).toEqual([0, -0]);
    map.set(0, 1).set(-0, 2);
    expect([key(), map.size, map.get(-0)]).toEqual([0, 1, 2]);
    expect(map.delete(-0) && map.setIfAbsent(-0, 3)).toBe(true);
    expect([key(), map.get(0)]).toEqual([0, 3]);
  });

  it('knows an object by identity, wherever it moves, and keeps it alive', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const leaf = heap.defineShape(LEAF);
    const map = heap.createMap('ref', 'f64');
    const views = Array.from({ length: 300 }, (_, number) => heap.create(leaf, { number }));
    views.forEach((view, i) => map.set(view, i));
    for (let i = 0; i < 20_000; i++) mutator.allocate(leaf);
    mutator.collect({ kind: 'full' });
    views.forEach((view, i) => expect(map.get(view)).toBe(i));
    expect(map.has(heap.create(leaf, { number: 1 }))).toBe(false);
    for (const view of views) view.release();
    mutator.collect({ kind: 'full' });
    const found = [...map].map(([key, value]) => (key as unknown as { number: number }).number === value);
    expect(found.length).toBe(300);
    expect(found.every(Boolean)).toBe(true);
    expect(map.get(map as never)).toBe(undefined);
  });

  it('lets go of keys and values that are deleted or replaced', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const map = heap.createMap('string', 'string');
    const empty = await heap.verify();
    map.set('key', 'value');
    map.set('key', 'another value');
    // A table, an entry, the two strings.
    expect(await heap.verify()).toBe(empty + 4);
    map.delete('key');
    expect(await heap.verify()).toBe(empty + 1);
    for (let i = 0; i < 1_000; i++) map.set(`${i}`, `${i}`);
    map.clear();
    expect(await heap.verify()).toBe(empty + 1);
  });

  it('needs no more memory when its keys keep changing', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '16M', fault: 'stw' });
    const live = 200;
    const map = heap.createMap('f64', 'f64');
    const change = (from: number, to: number): void => {
      for (let key = from; key < to; key++) {
        map.set(key, key);
        map.delete(key - live);
      }
    };
    change(0, 10 * live);
    const before = await heap.verify();
    change(10 * live, rounds(100_000, 20_000));
    expect(map.size).toBe(live);
    expect(await heap.verify()).toBeLessThan(before * 1.2);
  });

  it('refuses keys and values of another kind, and stays as it was', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const elements = heap.defineShape({ name: 'with elements', elements: 'u8' });
    const hashed = heap.defineShape({ name: 'with a hash', elements: 'u8', identityHash: true });
    const maps = { string: heap.createMap('string', 'i64'), f64: heap.createMap('f64', 'f64'), ref: heap.createMap('ref', 'u32') };
    for (const [kind, wrong] of [
      ['string', [1, null, undefined]],
      ['f64', ['1', 1n, null]],
      ['ref', [1, 'x', null]],
    ] as const) {
      for (const key of wrong) {
        for (const operation of ['get', 'has', 'delete'] as const) {
          expect(() => maps[kind][operation](key as never)).toThrow(code('ERR_OPTION'));
        }
        expect(() => maps[kind].set(key as never, (kind === 'string' ? 1n : 1) as never)).toThrow(code('ERR_OPTION'));
      }
      expect(maps[kind].size).toBe(0);
    }
    expect(() => maps.string.set('x', 1 as never)).toThrow(code('ERR_OPTION'));
    expect(() => maps.ref.set(heap.create(elements, {}, 3), 1)).toThrow(code('ERR_NO_IDENTITY'));
    expect(maps.ref.set(heap.create(hashed, {}, 3), 1).size).toBe(1);
    expect(() => heap.createMap('i32' as never, 'f64')).toThrow(code('ERR_OPTION'));
    expect(() => heap.createMap('f64', 'u8' as never)).toThrow(code('ERR_OPTION'));
  });

  it('goes on where it was when it is changed during an iteration', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const map = heap.createMap('f64', 'f64');
    for (let i = 0; i < 500; i++) map.set(i, i);
    const times = new Map<number, number>();
    for (const [key] of map) {
      times.set(key, (times.get(key) ?? 0) + 1);
      map.delete((key + 250) % 500);
      map.set(1_000 + key, 0);
    }
    expect([...times.values()].every((count) => count === 1)).toBe(true);
    // Of each pair that removes one another the first came.
    for (let i = 0; i < 250; i++) expect(times.has(i) || times.has(i + 250)).toBe(true);
    let steps = 0;
    for (const _ of map) {
      if (++steps === 3) map.clear();
    }
    expect(steps).toBeGreaterThanOrEqual(3);
    expect(map.size).toBe(0);
  });

  it('does the same by raw references', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked: true });
    const { maps } = heap.containers;
    mutator.scope(() => {
      const map = mutator.local(maps.allocate('string', 'ref'));
      for (let i = 0; i < 200; i++) {
        const value = mutator.local(heap.string(`value ${i}`).ref);
        maps.set(mutator.get(map), `key ${i}`, mutator.get(value));
      }
      mutator.collect({ kind: 'full' });
      const found = maps.get(mutator.get(map), 'key 150') as number;
      expect(heap.view(found)!.toString()).toBe('value 150');
      const ref = mutator.get(map);
      expect([maps.has(ref, 'no'), maps.size(ref), maps.delete(ref, 'key 3')]).toEqual([false, 200, true]);
    });
  });
});
