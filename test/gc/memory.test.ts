/**
 * Memory: what a heap takes from the system, and what it gives back.
 */
import { describe, expect, it } from 'vitest';
import type { CycleSummary } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeapWithMutator } from '../support/heaps.ts';
import { traitsOf } from '../../src/gc/fault-modes.ts';
import { RAW_LOAD_MODES, rounds } from '../support/modes.ts';

const MIB = 2 ** 20;

describe.each(RAW_LOAD_MODES)('the memory of a heap (fault mode %s)', (fault) => {
  const nodes = rounds(400_000, 150_000);

  it('after a full collection is at most 5 % and 16 MiB more than what is alive', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', fault });
    const list = new LinkedList(heap, mutator, 48);
    for (let i = 0; i <= nodes; i++) {
      list.push(i);
      list.garbage();
    }
    expect((await heap.collect({ kind: 'full' })).fileBytes).toBeLessThanOrEqual(1.05 * heap.statistics().liveBytes + 16 * MIB);
    list.keepEach(10);
    const { fileBytes, liveBytes } = await heap.collect({ kind: 'full' });
    expect(liveBytes).toBeGreaterThan((nodes / 10) * 64 - 64);
    expect(fileBytes).toBeLessThanOrEqual(1.05 * liveBytes + 16 * MIB);
    // Not only in our own figures: the space between the objects is gone too.
    expect(fileBytes).toBeLessThan(liveBytes + 3 * MIB);
    expect(list.values()).toEqual(countdown(nodes, 10));
  });

  it('during a cycle is at most what it was, the targets, and 16 MiB', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', fault });
    const list = new LinkedList(heap, mutator, 48);
    for (let i = 0; i <= nodes; i++) list.push(i);
    list.keepEach(3);
    await heap.collect();
    list.keepEach(2);
    const cycles: CycleSummary[] = [];
    heap.on('cycle', (cycle) => cycles.push(cycle));
    const before = heap.statistics();
    await heap.collect();
    const after = heap.statistics();
    const peak = after.peakFileBytes;
    expect(peak).toBeLessThanOrEqual(Math.max(before.peakFileBytes, before.fileBytes + cycles[0]!.targetRegions * MIB + 16 * MIB));
    expect(peak).toBeGreaterThanOrEqual(after.fileBytes);
  });

  it('is copied by UFFDIO_COPY only where the mode says so, and side tables take at most 4.5 % of it', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '64M', fault });
    const list = new LinkedList(heap, mutator, 48);
    for (let i = 0; i <= nodes / 2; i++) list.push(i);
    list.keepEach(4);
    await heap.collect();
    await heap.collect({ kind: 'full' });
    const { pages, metadataBytes, reservedBytes, cycles } = heap.statistics();
    expect(cycles.compacting).toBeGreaterThan(0);
    const copies = traitsOf(fault).filledBy === 'UFFDIO_COPY';
    expect(pages.copyCalls > 0).toBe(copies);
    expect(pages.mappedByCopy > 0).toBe(copies);
    expect(metadataBytes).toBeLessThanOrEqual(0.045 * reservedBytes);
  });

  it('does not grow over a hundred collections of a program that keeps as much as it drops', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const list = new LinkedList(heap, mutator, 100);
    for (let round = 0; round < rounds(60, 25); round++) {
      for (let i = 0; i < 5_000; i++) list.push(i);
      list.keepEach(7);
      mutator.collect({ kind: round % 5 === 0 ? 'full' : 'compact' });
      mutator.set(list.head, 0);
      list.length = 0;
    }
    await heap.collect({ kind: 'full' });
    expect(heap.statistics()).toMatchObject({ liveBytes: 0 });
    expect(heap.statistics().fileBytes).toBeLessThan(3 * MIB);
    expect(heap.statistics().regions.charged).toBeLessThanOrEqual(2);
  });
});
