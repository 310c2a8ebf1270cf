/**
 * Tables that a program can make long: the cost of an entry does not depend on their number.
 */
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { leastProcessorMs, processorMs } from '../support/processor-time.ts';

describe('among many others', () => {
  it('a shape is defined, and found by its name, as fast as among few', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    let number = 0;
    const define = (count: number): void => {
      for (let i = 0; i < count; i++) heap.defineShape({ name: `class ${number++}`, fields: { code: 'ref' }, elements: 'tagged' });
    };
    define(2_000);
    const few = leastProcessorMs(() => define(1_000));
    define(40_000);
    // 20 when a list is searched.
    expect(leastProcessorMs(() => define(1_000))).toBeLessThan(5 * few);
    expect(heap.shape('class 7').id).toBe(heap.shape('class 6').id + 1);
  });

  it('a root range is released as fast as among few, in any order', () => {
    const { mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const release = (count: number, backwards: boolean): number => {
      const ranges = Array.from({ length: count }, () => mutator.createRootRange(1));
      if (backwards) ranges.reverse();
      return processorMs(() => ranges.forEach((range) => range.release())) / count;
    };
    for (const backwards of [false, true]) {
      release(2_000, backwards);
      const few = Math.min(...[0, 1, 2].map(() => release(2_000, backwards)));
      // 15 when a list is searched.
      expect(Math.min(release(40_000, backwards), release(40_000, backwards))).toBeLessThan(6 * few);
    }
  });

  it('what is left of the root ranges holds its objects when others are released', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const ranges = Array.from({ length: 50 }, (_, number) => {
      const range = mutator.createRootRange(2);
      mutator.scope(() => (range.slots[1] = heap.create(leaf, { number }).ref));
      range.used = 2;
      return range;
    });
    for (const i of [0, 49, 7, 8, 25]) ranges[i]!.release();
    ranges[7]!.release();
    mutator.collect({ kind: 'full' });
    const numbers = ranges.map(({ slots }, i) => ([0, 49, 7, 8, 25].includes(i) ? i : mutator.u32[slots[1]! * 2 + leaf.offsets.number]));
    expect(numbers).toEqual(ranges.map((_, i) => i));
  });

  it('a key of a weak map is found as fast, however identity hashes were chosen', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault: 'stw' });
    const key = heap.defineShape({ name: 'key', fields: { number: 'u32' } });
    const { weakMaps } = mutator;
    const count = 8_192;
    const keys = mutator.createRootRange(count);
    /** The identity hash of an object without elements lies in its header, doubled. */
    const fill = (identityOf: (i: number) => number): number => {
      keys.used = 0;
      for (let i = 0; i < count; i++) {
        const ref = mutator.allocate(key);
        mutator.u32[ref * 2 + 1] = identityOf(i) * 2;
        keys.slots[i] = ref;
        keys.used = i + 1;
      }
      return leastProcessorMs(() =>
        mutator.scope(() => {
          const map = mutator.local(weakMaps.allocate());
          for (let i = 0; i < count; i++) weakMaps.set(mutator.get(map), keys.slots[i]!, 0);
        }),
      );
    };
    const scattered = fill((i) => (Math.imul(i + 1, 0x9e3779b1) >>> 1) | 1);
    expect(fill((i) => (i + 1) << 14)).toBeLessThan(4 * scattered);
  });
});
