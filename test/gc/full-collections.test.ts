/**
 * Full collections: every region that wastes memory is evacuated, and once.
 */
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator, recordEvents } from '../support/heaps.ts';

/** In words; a region has room for two, and for nearly a third. */
const ARRAY_WORDS = 45_000;

describe('a full collection', () => {
  it('moves each region once, also those that a plan had to leave out', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '12M' });
    const shape = heap.defineShape({ name: 'array', elements: 'f64' });
    const { free } = heap.statistics().regions;
    // By their words, the arrays of four regions fit three targets; but no array goes into two.
    const arrays: number[] = [];
    while (heap.statistics().regions.free > 3) arrays.push(mutator.handle(mutator.allocate(shape, ARRAY_WORDS - 1)));
    arrays.push(mutator.handle(mutator.allocate(shape, ARRAY_WORDS - 1)));
    expect(heap.statistics().regions.free).toBe(3);
    for (const [i, array] of arrays.entries()) mutator.f64[mutator.get(array) + ARRAY_WORDS - 1] = i;
    const places = arrays.map((array) => mutator.get(array));
    const events = recordEvents(heap);
    await heap.collect({ kind: 'full' });
    const sources = events.reduce((sum, event) => sum + (event.type === 'cycle' ? event.sourceRegions : 0), 0);
    expect(sources).toBe(free - 3);
    for (const [i, array] of arrays.entries()) {
      expect(mutator.get(array)).not.toBe(places[i]);
      expect(mutator.f64[mutator.get(array) + ARRAY_WORDS - 1]).toBe(i);
    }
  });
});
