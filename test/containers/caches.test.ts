/**
 * Caches: what they keep and what they drop, in one thread against a model, and in several.
 */
import { describe, expect, it } from 'vitest';
import { code, LEAF } from '../objects/support.ts';
import { SUBJECT_ROOT } from '../support/container-subjects.mjs';
import type { CacheOptions, Heap, HeapCache } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const make = (options: CacheOptions, heapOptions = {}): { heap: Heap; cache: HeapCache<'f64', 'f64'> } => {
  const { heap } = makeHeapWithMutator({ capacityBytes: '8M', ...heapOptions });
  return { heap, cache: heap.createCache('f64', 'f64', options) };
};
const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

describe('a full cache', () => {
  it.each([{}, { checked: true }, { stressEvery: 700 }, { marker: 'satb' as const }])(
    'has the entries that were used last, if they are few, in a heap with %o',
    (options) => {
      const random = makeRandom(seedOfTest());
      const { cache } = make({ maxEntries: 8 }, options);
      /** In the order of use. */
      const model = new Map<number, number>();
      const use = (key: number, value: number): void => void (model.delete(key) && model.set(key, value));
      for (let step = 0; step < ('checked' in options ? 300 : 3_000); step++) {
        const key = random.below(20);
        const present = model.get(key);
        const way = random.below(8);
        if (way < 3) {
          cache.set(key, step);
          model.delete(key);
          model.set(key, step);
        } else if (way < 6) {
          expect(cache.get(key)).toBe(present);
          if (present !== undefined) use(key, present);
        } else if (way === 6) {
          expect([cache.peek(key), cache.has(key)]).toEqual([present, present !== undefined]);
        } else {
          expect(cache.delete(key)).toBe(model.delete(key));
        }
        if (model.size > 8) model.delete(model.keys().next().value!);
        expect(cache.size).toBe(model.size);
      }
      expect(new Map(cache)).toEqual(model);
      expect(sorted(cache.keys())).toEqual(sorted(model.keys()));
      expect(sorted(cache.values())).toEqual(sorted(model.values()));
    },
  );

  it('keeps what is read all the time, however much comes and goes', () => {
    const { cache } = make({ maxEntries: 1_000 });
    for (let hot = 0; hot < 500; hot++) cache.set(hot, hot);
    for (let cold = 1_000; cold < 11_000; cold++) {
      cache.set(cold, cold);
      for (let i = 0; i < 5; i++) cache.get((5 * cold + i) % 500);
    }
    const kept = Array.from({ length: 500 }, (_, hot) => cache.has(hot)).filter(Boolean).length;
    expect([kept > 480, cache.size]).toEqual([true, 1_000]);
    const { evictions, hits } = cache.statistics();
    expect([evictions, hits > 48_000]).toEqual([9_500, true]);
  });

  it('has at most so many bytes, and knows how many', () => {
    const random = makeRandom(seedOfTest());
    const { heap } = make({ maxEntries: 1 });
    const cache = heap.createCache('string', 'string', { maxBytes: '64K' });
    expect(cache.limits).toEqual({ maxEntries: Infinity, maxBytes: 65_536, ttlMs: Infinity });
    let most = 0;
    for (let step = 0; step < 3_000; step++) {
      cache.set(`key ${random.below(1_000)}`, 'x'.repeat(random.below(600)));
      most = Math.max(most, cache.bytes);
    }
    expect(most).toBeLessThanOrEqual(65_536);
    expect(cache.bytes).toBeGreaterThan(60_000);
    for (const key of [...cache.keys()]) cache.delete(key);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
    cache.set('a', 'b');
    cache.clear();
    expect([cache.size, cache.bytes, cache.get('a')]).toEqual([0, 0, undefined]);
  });

  it('counts for an entry what the program says of it, and does not keep one that is larger than the cache', () => {
    const { heap, cache } = make({ maxBytes: '8K' });
    cache.set(1, 1);
    const own = cache.bytes;
    cache.set(2, 2, { bytes: 4_000 });
    expect(cache.bytes).toBe(2 * own + 4_000);
    cache.set(3, 3, { bytes: 4_000 });
    expect([cache.size <= 2, cache.get(3)]).toEqual([true, 3]);
    cache.set(3, 4, { bytes: 9_000 });
    expect([cache.has(3), cache.getOrInsertComputed(3, () => 5, { bytes: 9_000 }), cache.has(3)]).toEqual([false, 5, false]);
    const texts = heap.createCache('string', 'string', { maxBytes: '8K' });
    texts.set('ab', 'x'.repeat(1_000));
    texts.set('ab', 'é'.repeat(1_000)).set('cd', '€'.repeat(1_000));
    expect(texts.bytes).toBeGreaterThan(3_000);
    expect(texts.bytes).toBeLessThan(3_400);
  });
});

describe('a cache', () => {
  it('has values and keys of every kind', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', stressEvery: 500 });
    const Leaf = heap.defineShape(LEAF);
    const [byText, byObject] = [heap.createCache('string', 'ref', { maxEntries: 9 }), heap.createCache('ref', 'i64', { maxEntries: 9 })];
    mutator.scope(() => {
      const leaf = heap.create(Leaf, { number: 7 });
      byText.set('a', leaf as any).set('null', null);
      byObject.set(leaf as any, 5n).set(byText, 6n);
      const same = byText.get('a') as any;
      expect([same.number, byText.get('null'), byText.get('b')]).toEqual([7, null, undefined]);
      expect([byObject.get(same), byObject.get(byText), byObject.delete(same), byObject.get(leaf as any)]).toEqual([
        5n,
        6n,
        true,
        undefined,
      ]);
    });
    const redeemed = heap.redeem(heap.offer(byText)) as unknown as HeapCache<'string', 'ref'>;
    expect([redeemed.keyKind, redeemed.valueKind, redeemed.size]).toEqual(['string', 'ref', 2]);
    expect(redeemed.toObject()).toEqual(
      new Map<string, unknown>([
        ['a', { number: 7 }],
        ['null', null],
      ]),
    );
    expect(() => byText.set(5 as any, null)).toThrow(code('ERR_OPTION'));
    expect(() => byObject.set(byText, 5 as any)).toThrow(code('ERR_OPTION'));
    expect(() => byObject.get(null as any)).toThrow(code('ERR_OPTION'));
  });

  it('no longer has what its time is over for, and drops it', async () => {
    const { cache } = make({ maxEntries: 5, ttlMs: 1 });
    cache.set(1, 1).set(2, 2, { ttlMs: Infinity }).set(3, 3, { ttlMs: 3_600_000 }).set(4, 4);
    while (cache.has(4) || cache.has(1)) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([sorted(cache.keys()), cache.size]).toEqual([[2, 3], 4]);
    expect([cache.get(1), cache.size, cache.peek(4), cache.size]).toEqual([undefined, 3, undefined, 3]);
    for (let key = 5; key <= 7; key++) cache.set(key, key, { ttlMs: 3_600_000 });
    expect([sorted(cache.keys()), cache.statistics()]).toEqual([[2, 3, 5, 6, 7], { hits: 0, misses: 1, evictions: 0, expirations: 2 }]);
    expect(cache.getOrInsertComputed(4, () => 8)).toBe(8);
  });

  it('computes a value once, and gives what came first', () => {
    const { cache } = make({ maxEntries: 5 });
    expect([cache.getOrInsertComputed(1, (key) => key + 1), cache.getOrInsertComputed(1, () => 5)]).toEqual([2, 2]);
    const late = cache.getOrInsertComputed(2, (key) => {
      cache.set(key, 7);
      return 8;
    });
    expect([late, cache.get(2)]).toEqual([7, 7]);
  });

  it('fetches a value once for all who wait for it, and again if that fails', async () => {
    const { heap } = make({ maxEntries: 5 });
    const cache = heap.createCache('string', 'string', { maxEntries: 5 });
    let calls = 0;
    const load = async (key: string): Promise<string> => {
      await new Promise(setImmediate);
      if (calls++ === 0) throw new RangeError('on purpose');
      return `${key} ${calls}`;
    };
    const failing = [cache.fetch('a', load), cache.fetch('a', load)];
    for (const each of failing) await expect(each).rejects.toThrow('on purpose');
    expect(cache.size).toBe(0);
    expect(await Promise.all([cache.fetch('a', load), cache.fetch('b', load), cache.fetch('a', load)])).toEqual(['a 2', 'b 3', 'a 2']);
    expect([await cache.fetch('a', load), calls, cache.get('b')]).toEqual(['a 2', 3, 'b 3']);
    const first = cache.fetch('c', async () => {
      await new Promise(setImmediate);
      return 'late';
    });
    cache.set('c', 'early');
    expect(await first).toBe('early');
  });

  it('refuses limits and entries that cannot be', () => {
    const { heap, cache } = make({ maxEntries: 5 });
    const refused = [
      {},
      undefined,
      { ttlMs: 5 },
      { maxEntries: 0 },
      { maxEntries: 1.5 },
      { maxBytes: 'much' },
      { maxEntries: 5, ttlMs: 0 },
    ];
    for (const options of refused) expect(() => heap.createCache('f64', 'f64', options as any)).toThrow(code('ERR_OPTION'));
    for (const options of [null, { bytes: -1 }, { bytes: '5' }, { ttlMs: 0 }, { ttlMs: NaN }]) {
      expect(() => cache.set(1, 1, options as any)).toThrow(code('ERR_OPTION'));
    }
    expect(() => heap.createCache('u8' as any, 'f64', { maxEntries: 5 })).toThrow(code('ERR_OPTION'));
    expect(cache.size).toBe(0);
  });
});

describe('a cache of several threads', () => {
  it('stays within its limits, mixes nothing up, and knows what it has', async () => {
    const seed = seedOfTest();
    const { heap } = makeHeapWithMutator({ capacityBytes: '16M', delaySeed: seed });
    const cache = heap.createCache('string', 'string', { maxEntries: 200, maxBytes: '40K' });
    heap.roots.slots[SUBJECT_ROOT] = cache.ref;
    const threads = new Threads();
    for (let thread = 0; thread < 2; thread++) threads.start(heap.token, 'useCache', { seed: seed + thread, keys: 400 });
    await threads.ready();
    for (let i = 0; i < 4; i++) await heap.collect({ kind: 'full' });
    const used = await threads.finish<{ gets: number; operations: number }>();
    expect(cache.size).toBeLessThanOrEqual(200);
    expect(cache.bytes).toBeLessThanOrEqual(40_960);
    const { hits, misses } = cache.statistics();
    expect(hits + misses).toBe(used.reduce((sum, { gets }) => sum + gets, 0));
    expect([...cache].length).toBe(cache.size);
    for (const key of [...cache.keys()]) expect(cache.delete(key)).toBe(true);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  }, 30_000);
});
