/**
 * Chains of ephemerons: entries of weak maps whose values lead to the keys of others, in any order and over several maps. What they keep
 * alive survives, what nothing keeps alive dies, and deciding that takes time proportional to their number.
 */
import { describe, expect, it } from 'vitest';
import { type Heap, type Mutator, type Ref, tagSmallInteger } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, SHORT } from '../support/modes.ts';
import { leastProcessorMs } from '../support/processor-time.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

interface Chain {
  readonly heap: Heap;
  readonly mutator: Mutator;
  /** Of the key that everything hangs on. */
  readonly first: number;
  /** Numbers of the nodes that the chain leads to, from the first on. */
  follow(): number[];
}

const MAPS = 8;

/**
 * `count` entries, each of which leads to the key of the next; `order` says which is made when, and entries are dealt to several maps, that
 * lead to each other in a circle.
 */
function chainOf(count: number, order: readonly number[], options: object): Chain {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', barrieredStores: true, verify: false, ...options });
  const node = heap.defineShape({ name: 'node', fields: { number: 'u32', map: 'ref' } });
  const { weakMaps } = mutator;
  const nodes = mutator.createRootRange(count + 1);
  const maps = mutator.createRootRange(MAPS);
  for (let i = 0; i < MAPS; i++) {
    maps.slots[i] = weakMaps.allocate();
    maps.used = i + 1;
  }
  for (let i = 0; i <= count; i++) {
    const ref = mutator.allocate(node);
    mutator.u32[ref * 2 + node.offsets.number] = i;
    mutator.u32[ref * 2 + node.offsets.map] = maps.slots[(i * 7) % MAPS]!;
    nodes.slots[i] = ref;
    nodes.used = i + 1;
  }
  for (const i of order) weakMaps.set(maps.slots[(i * 7) % MAPS]!, nodes.slots[i]!, nodes.slots[i + 1]!);
  const first = mutator.handle(nodes.slots[0]!);
  nodes.release();
  maps.release();
  const mapOf = (ref: Ref): Ref => mutator.u32[ref * 2 + node.offsets.map]!;
  const follow = (): number[] => {
    const found: number[] = [];
    mutator.scope(() => {
      const at = mutator.local(mutator.get(first));
      while (mutator.get(at) !== 0) {
        const ref = mutator.get(at);
        found.push(mutator.u32[ref * 2 + node.offsets.number]!);
        mutator.set(at, weakMaps.get(mapOf(ref), ref));
      }
    });
    return found;
  };
  return { heap, mutator, first, follow };
}

/** As many entries and objects, each of whose keys is held by a chain of plain references. */
function pairsOf(count: number, options: object): { heap: Heap; mutator: Mutator } {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', barrieredStores: true, verify: false, ...options });
  const node = heap.defineShape({ name: 'node', fields: { number: 'u32', next: 'ref' } });
  const { weakMaps } = mutator;
  const maps = mutator.createRootRange(MAPS);
  for (let i = 0; i < MAPS; i++) {
    maps.slots[i] = weakMaps.allocate();
    maps.used = i + 1;
  }
  const last = mutator.handle(mutator.allocate(node));
  for (let i = 0; i < count; i++) {
    const key = mutator.allocate(node);
    mutator.u32[key * 2 + node.offsets.number] = i;
    mutator.setReference(key * 2 + node.offsets.next, mutator.get(last));
    mutator.scope(() => {
      const held = mutator.local(mutator.get(last));
      mutator.set(last, key);
      weakMaps.set(maps.slots[(i * 7) % MAPS]!, mutator.get(last), mutator.get(held));
    });
  }
  return { heap, mutator };
}

const forwards = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each(MARKERS)('a chain of ephemerons (marker %s)', (marker) => {
  it('is alive as a whole, in whatever order it was made, and is followed by a check and a snapshot', async () => {
    const count = 3_000;
    const random = makeRandom(seedOfTest());
    const orders = [
      forwards(count),
      forwards(count).reverse(),
      forwards(count)
        .map((i) => [random.below(2 ** 30), i])
        .sort((a, b) => a[0]! - b[0]!)
        .map(([, i]) => i!),
    ];
    for (const order of orders) {
      const { heap, mutator, follow } = chainOf(count, order, { marker, verify: true });
      for (const kind of ['mark', 'full'] as const) {
        mutator.collect({ kind });
        expect(follow()).toEqual(forwards(count + 1));
      }
      expect(await heap.verify()).toBeGreaterThan(count);
      expect((await heap.writeSnapshot('/dev/null')).objects).toBeGreaterThan(count);
      await heap.close();
    }
  });

  it('dies behind the entry that is taken out of it, and as a whole with its first key', async () => {
    const { heap, mutator, first, follow } = chainOf(1_000, forwards(1_000).reverse(), { marker, verify: true });
    mutator.collect({ kind: 'full' });
    const cleared = (): number => heap.statistics().weak.clearedEntries;
    const { weakMaps } = mutator;
    mutator.scope(() => {
      const at = mutator.local(mutator.get(first));
      const mapOf = (ref: Ref): Ref => mutator.u32[ref * 2 + heap.shape('node').fields.get('map')!.offset]!;
      for (let i = 0; i < 400; i++) mutator.set(at, weakMaps.get(mapOf(mutator.get(at)), mutator.get(at)));
      expect(weakMaps.delete(mapOf(mutator.get(at)), mutator.get(at))).toBe(true);
    });
    mutator.collect({ kind: 'full' });
    expect(follow()).toEqual(forwards(401));
    expect(cleared()).toBe(599);
    mutator.set(first, 0);
    mutator.collect({ kind: 'full' });
    expect(await heap.verify()).toBeLessThan(100);
  });

  it('takes time proportional to its length', () => {
    const millisecondsOf = (count: number): number => {
      const { mutator } = chainOf(count, forwards(count).reverse(), { marker });
      mutator.collect({ kind: 'mark' });
      return leastProcessorMs(() => mutator.collect({ kind: 'mark' }));
    };
    // 4 when it is; 16 when each link is a look at all of them.
    expect(millisecondsOf(16_000)).toBeLessThan(8 * Math.max(2, millisecondsOf(4_000)));
  });

  it.skipIf(SHORT)('of 100,000 takes at most twice the time of as many entries that do not lead to each other', () => {
    const count = 100_000;
    const millisecondsOf = (make: () => { mutator: Mutator }): number => {
      const { mutator } = make();
      mutator.collect({ kind: 'mark' });
      return leastProcessorMs(() => mutator.collect({ kind: 'mark' }));
    };
    const chained = millisecondsOf(() => chainOf(count, forwards(count).reverse(), { marker }));
    expect(chained).toBeLessThan(2 * millisecondsOf(() => pairsOf(count, { marker })));
  });
});

describe('small integers where weak slots and tables hold objects', () => {
  it.each(MARKERS)('are no objects: they do not die, and nothing follows them (marker %s)', async (marker) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', marker, barrieredStores: true });
    const weak = heap.defineShape({ name: 'weak', elements: 'weak' });
    const table = heap.defineShape({ name: 'table', elements: 'ephemeron' });
    const leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const { u32 } = mutator;
    const [five, minusFive] = [tagSmallInteger(5), tagSmallInteger(-5)];
    const held = mutator.handle(mutator.allocate(weak, 3));
    const pairs = mutator.handle(mutator.allocate(table, 2));
    const kept = mutator.handle(mutator.allocate(leaf));
    for (const [i, value] of [five, minusFive, mutator.get(kept)].entries()) u32[mutator.get(held) * 2 + weak.elementsOffset + i] = value;
    const first = (): number => mutator.get(pairs) * 2 + table.elementsOffset * 2;
    u32[first()] = five;
    u32[first() + 1] = mutator.get(kept);
    u32[first() + 2] = mutator.get(kept);
    u32[first() + 3] = minusFive;
    const weakSlots = (): number[] => [0, 1, 2].map((i) => mutator.readWeak(mutator.get(held) * 2 + weak.elementsOffset + i));
    for (const kind of ['mark', 'full', 'compact'] as const) {
      mutator.collect({ kind });
      expect(weakSlots()).toEqual([five, minusFive, mutator.get(kept)]);
      expect([...u32.subarray(first(), first() + 4)]).toEqual([five, mutator.get(kept), mutator.get(kept), minusFive]);
    }
    mutator.release(kept);
    mutator.collect({ kind: 'full' });
    // The value of a key that does not die is alive.
    const value = u32[first() + 1]!;
    expect(u32[value * 2]).toBe(leaf.id);
    expect(weakSlots()).toEqual([five, minusFive, value]);
    await heap.writeSnapshot('/dev/null');
    expect(await heap.verify()).toBeGreaterThan(2);
  });
});
