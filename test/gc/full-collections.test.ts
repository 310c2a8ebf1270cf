/**
 * Full collections: every region that wastes memory is evacuated, once and by one marking, in as many waves as memory asks for.
 */
import { describe, expect, it } from 'vitest';
import { countdown, LinkedList, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import type { CycleSummary, Heap } from '../support/faultline.ts';

/** In words; a region has room for two, and for nearly a third. */
const ARRAY_WORDS = 45_000;

function cyclesOf(heap: Heap): CycleSummary[] {
  const cycles: CycleSummary[] = [];
  heap.on('cycle', (cycle) => cycles.push(cycle));
  return cycles;
}

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
    const cycles = cyclesOf(heap);
    await heap.collect({ kind: 'full' });
    expect(cycles).toMatchObject([{ sourceRegions: free - 3 }]);
    expect(cycles[0]!.waves).toBeGreaterThan(1);
    for (const [i, array] of arrays.entries()) {
      expect(mutator.get(array)).not.toBe(places[i]);
      expect(mutator.f64[mutator.get(array) + ARRAY_WORDS - 1]).toBe(i);
    }
  });

  it('marks once, and enlarges the heap file by 15 % at most', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '256M', sizing: 'fixed', verify: false });
    const list = new LinkedList(heap, mutator, 48);
    for (let i = 0; i <= 1_500_000; i++) {
      list.push(i);
      if (i % 4 === 0) list.garbage();
    }
    const before = heap.statistics();
    expect(before.fileBytes).toBeGreaterThan(100 * 2 ** 20);
    expect(before.peakFileBytes).toBeLessThan(1.01 * before.fileBytes);
    const events = recordEvents(heap);
    await heap.collect({ kind: 'full' });
    const after = heap.statistics();
    expect(after.peakFileBytes).toBeLessThan(1.15 * before.fileBytes);
    expect(after.usedBytes).toBeLessThan(1.05 * after.liveBytes);
    const cycles = events.filter((event) => event.type === 'cycle');
    expect(cycles).toHaveLength(1);
    expect(cycles[0]!.waves).toBeGreaterThan(2);
    // All of it moved once.
    expect(cycles[0]!.copiedBytes).toBeGreaterThan(0.95 * after.liveBytes);
    expect(cycles[0]!.copiedBytes).toBeLessThanOrEqual(after.liveBytes);
    const phases = events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
    expect(phases.filter((phase) => phase === 'flip')).toHaveLength(cycles[0]!.waves);
    expect(phases.filter((phase) => phase === 'prepare')).toHaveLength(1);
    // The cycle's figures are of all its waves.
    const flips = events.flatMap((event) => (event.type === 'pause' && event.pause === 'flip' ? [event.pauseUs] : []));
    expect(flips).toHaveLength(cycles[0]!.waves);
    expect(cycles[0]!.flipPauseUs).toBeCloseTo(flips.reduce((sum, pause) => sum + pause, 0));
    expect(cycles[0]!.longestFlipPauseUs).toBeCloseTo(Math.max(...flips));
    expect(list.values()).toEqual(countdown(1_500_000));
  });
});
