/**
 * Pacing: real heaps that collect, grow, shrink and give memory back by themselves.
 */
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { COLLECTION_KINDS } from '../../src/gc/requests.ts';
import type { CollectionSummary, HeapEvent, MemoryReturned, Triggered } from '../support/faultline.ts';
import { LinkedList, makeHeap, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import { MODES, third } from '../support/modes.ts';

const MIB = 2 ** 20;
const NODE_BYTES = 1024;

const triggersIn = (events: readonly HeapEvent[]): Triggered[] => events.filter((event) => event.type === 'trigger');
const collectionsIn = (events: readonly HeapEvent[]): CollectionSummary[] => events.filter((event) => event.type === 'collection');

/** Allocates garbage, and lets the event loop turn now and then. */
async function litter(list: LinkedList, mib: number, pauseMs?: number): Promise<void> {
  for (let i = 0; i < mib; i++) {
    for (let bytes = 0; bytes < MIB; bytes += NODE_BYTES) list.garbage();
    await (pauseMs === undefined ? nextTurn() : wait(pauseMs));
  }
}

function withList(options: Parameters<typeof makeHeapWithMutator>[0]) {
  const { heap, mutator } = makeHeapWithMutator(options);
  return { heap, mutator, list: new LinkedList(heap, mutator, NODE_BYTES - 16), events: recordEvents(heap) };
}

describe.each(third(MODES))('a heap that is allocated into (fault mode %s)', (fault) => {
  it('collects by itself and tells which rule started it, with what the rule knew', async () => {
    const { heap, list, events } = withList({ capacityBytes: '32M', fault });
    await heap.collect({ kind: 'mark' });
    await litter(list, 200, 1);
    const triggers = triggersIn(events);
    expect(triggers.length).toBeGreaterThan(2);
    for (const trigger of triggers) {
      const { rule, reason, inputs, verdicts, timeMs } = trigger;
      expect(verdicts.map((verdict) => verdict.rule)).toEqual(['warm-up', 'allocation-rate', 'high-usage', 'quiet']);
      expect(inputs).toMatchObject({ capacityBytes: 32 * MIB, limitBytes: 32 * MIB, returnAfterMs: 300_000 });
      if (trigger.noticedBy === 'sample') expect(verdicts.find((verdict) => verdict.rule === rule)?.due).toBe(true);
      // The collection it started comes next.
      const next = events.slice(events.indexOf(trigger) + 1)[0];
      if (next !== undefined) expect(next).toMatchObject({ type: 'collection-started', kind: 'compact', reason });
      expect(timeMs).toBeGreaterThan(0);
    }
    const byReason = heap.statistics().collections.byReason;
    const bySelf = byReason.occupancy + byReason['allocation-rate'] + byReason.quiet;
    expect(Math.abs(bySelf - triggers.length)).toBeLessThanOrEqual(1);
  });

  it('starts by itself what a steady program needs, so that hardly anybody runs out', async () => {
    const { heap, list } = withList({ capacityBytes: '64M', fault });
    await heap.collect();
    await litter(list, 300, 2);
    const { occupancy, 'allocation-rate': rate, exhausted } = heap.statistics().collections.byReason;
    expect(occupancy + rate).toBeGreaterThan(3);
    // A control thread that gets no CPU may be late once.
    expect(exhausted).toBeLessThan(occupancy + rate);
  });

  it('marks and frees but moves nothing when it is asked to mark', async () => {
    const { heap, mutator, list, events } = withList({ capacityBytes: '32M', fault });
    for (let i = 0; i < 10_000; i++) list.push(i);
    list.keepEach(5);
    const at = mutator.get(list.head);
    const { cycles: before } = heap.statistics();
    const summary = await heap.collect({ kind: 'mark', reason: 'stress' });
    expect(summary).toMatchObject({ kind: 'mark', reason: 'stress', cycles: 1 });
    expect(summary.liveBytes).toBe(list.length * NODE_BYTES);
    const { cycles: after } = heap.statistics();
    expect(after.count).toBe(before.count + 1);
    expect(after.copiedBytes).toBe(before.copiedBytes);
    expect(mutator.get(list.head)).toBe(at);
    expect(events.some((event) => event.type === 'phase' && event.phase === 'flip')).toBe(false);
    // What marking left behind, compaction takes up.
    expect((await heap.collect({ kind: 'compact' })).liveBytes).toBe(summary.liveBytes);
    expect(heap.statistics().cycles.copiedBytes).toBeGreaterThan(after.copiedBytes);
  });

  it('hands memory back when it has been quiet for long, after collecting what was new', async () => {
    const { heap, mutator, list, events } = withList({ capacityBytes: '64M', fault, returnAfterMs: 150 });
    await heap.collect();
    for (let i = 0; i < 20_000; i++) list.push(i);
    list.keepEach(100);
    const full = heap.statistics().fileBytes;
    const [event] = (await once(heap, 'memory-returned')) as [MemoryReturned];
    const { liveBytes, fileBytes } = heap.statistics();
    expect(triggersIn(events).at(-1)).toMatchObject({ rule: 'quiet', reason: 'quiet', noticedBy: 'sample' });
    expect(collectionsIn(events).at(-1)).toMatchObject({ reason: 'quiet', kind: 'compact' });
    expect(event.fileBytes).toBeLessThan(full / 2);
    expect(fileBytes).toBeLessThanOrEqual(liveBytes + 3 * MIB);
    // Nothing is new, nothing is left to give back: it stays quiet.
    const { length } = events;
    await wait(500);
    expect(events.slice(length)).toEqual([]);
    expect(list.values().length).toBe(list.length);
    mutator.set(list.head, 0);
  });
});

describe('a heap', () => {
  it('serves the largest kind that is asked for', async () => {
    const heap = makeHeap({ capacityBytes: '8M' });
    for (const [first, second] of [
      ['mark', 'compact'],
      ['full', 'mark'],
      ['compact', 'full'],
      ['mark', 'full'],
    ] as const) {
      const [a, b] = await Promise.all([heap.collect({ kind: first }), heap.collect({ kind: second })]);
      const larger = COLLECTION_KINDS.indexOf(first) > COLLECTION_KINDS.indexOf(second) ? first : second;
      expect([a.kind, b.kind]).toContain(larger);
    }
  });

  it('keeps the pages that were taken since the collection before, and no more', async () => {
    const { heap, mutator, list } = withList({ capacityBytes: '512M', sizing: 'growable', minBytes: '8M', returnAfterMs: 0 });
    const takenMib = 24;
    for (let tries = 0; tries < 10; tries++) {
      // Much is alive, so there is room until the next collection.
      for (let i = 0; i < 150_000; i++) list.push(i);
      await heap.collect({ kind: 'full' });
      const { count } = heap.statistics().collections;
      mutator.set(list.head, 0);
      list.length = 0;
      await litter(list, takenMib, 20);
      await heap.collect({ kind: 'compact' });
      // If the heap began one by itself all the same, what was taken before it does not count.
      if (heap.statistics().collections.count === count + 1) break;
    }
    expect(heap.statistics()).toMatchObject({ limitBytes: 8 * MIB });
    expect(heap.statistics().fileBytes).toBeGreaterThanOrEqual(takenMib * MIB);
    expect(heap.statistics().fileBytes).toBeLessThan(100 * MIB);
    await heap.collect({ kind: 'compact' });
    expect(heap.statistics().fileBytes).toBeLessThan(takenMib * MIB);
  });

  it('never hands memory back in its quiet times when it is told not to', async () => {
    const { heap, list, events } = withList({ capacityBytes: '32M', returnAfterMs: 0 });
    for (let i = 0; i < 5_000; i++) list.push(i);
    await heap.collect();
    await wait(400);
    expect(events.filter(({ type }) => type === 'memory-returned' || type === 'trigger')).toEqual([]);
  });

  it('that may grow starts small, grows with what is alive and shrinks with it', async () => {
    const { heap, mutator, list, events } = withList({ capacityBytes: '128M', sizing: 'growable', minBytes: '8M' });
    await heap.collect();
    expect(heap.statistics()).toMatchObject({ limitBytes: 8 * MIB, capacityBytes: 128 * MIB });
    // Little is alive: it stays small, and so does its file. How small depends on what threads take while a cycle runs.
    await litter(list, 100, 1);
    expect(heap.statistics().limitBytes).toBeLessThanOrEqual(32 * MIB);
    expect(heap.statistics().peakFileBytes).toBeLessThan(64 * MIB);
    for (let i = 0; i < 40_000; i++) list.push(i);
    await heap.collect();
    const { limitBytes, liveBytes } = heap.statistics();
    expect(limitBytes).toBeGreaterThan(1.5 * liveBytes);
    expect(limitBytes).toBeLessThan(128 * MIB);
    mutator.set(list.head, 0);
    await heap.collect({ kind: 'full' });
    expect(heap.statistics().limitBytes).toBe(8 * MIB);
    expect(collectionsIn(events).at(-1)).toMatchObject({ limitBytes: 8 * MIB });
  });

  it.each(['growable', 'adaptive'] as const)(
    'with %s sizing uses its whole capacity before anybody is told that it is full',
    async (sizing) => {
      const { heap, mutator, list } = withList({ capacityBytes: '24M', sizing, minBytes: '2M' });
      await heap.collect();
      const fill = (): void => {
        for (;;) list.push(list.length);
      };
      expect(fill).toThrow(expect.objectContaining({ code: 'ERR_HEAP_EXHAUSTED' }) as Error);
      expect(heap.statistics().liveBytes).toBeGreaterThan(22 * MIB);
      mutator.set(list.head, 0);
      await heap.collect({ kind: 'full' });
      for (let i = 0; i < 20_000; i++) list.push(i);
    },
  );

  it('with adaptive sizing uses more of its capacity the cheaper memory is', async () => {
    const limits: number[] = [];
    for (const memoryPricePerMib of [1, 0.0001]) {
      const { heap, list } = withList({ capacityBytes: '256M', sizing: 'adaptive', minBytes: '1M', memoryPricePerMib });
      for (let i = 0; i < 10_000; i++) list.push(i);
      for (let i = 0; i < 4; i++) {
        await litter(list, 20);
        await heap.collect();
      }
      limits.push(heap.statistics().limitBytes);
    }
    expect(limits[1]).toBeGreaterThan(limits[0]!);
  });

  it('counts each wait for memory as a stall', async () => {
    const { heap, mutator, list } = withList({ capacityBytes: '8M', workers: 0 });
    const before = heap.statistics().stalls;
    expect(() => {
      for (;;) list.push(list.length);
    }).toThrow(expect.objectContaining({ code: 'ERR_HEAP_EXHAUSTED' }) as Error);
    // Whoever gets the error has waited for a compaction and for a full collection.
    const { stalls } = heap.statistics();
    expect(stalls.count - before.count).toBeGreaterThanOrEqual(2);
    expect(stalls.maxUs).toBeGreaterThan(0);
    expect(stalls.totalUs).toBeGreaterThanOrEqual(stalls.maxUs);
    // Waiting for a collection that one has asked for is no stall.
    mutator.set(list.head, 0);
    mutator.collect({ kind: 'full' });
    expect(heap.statistics().stalls.count).toBe(stalls.count);
  });

  it('copies no more in a cycle than its budget, and everything in a full collection', async () => {
    const { heap, list, events } = withList({ capacityBytes: '64M', evacuationBudgetBytes: '512K' });
    for (let i = 0; i < 20_000; i++) list.push(i);
    list.keepEach(5);
    await heap.collect();
    for (const cycle of events.filter((event) => event.type === 'cycle')) expect(cycle.copiedBytes).toBeLessThanOrEqual(MIB / 2);
    await heap.collect({ kind: 'full' });
    expect(heap.statistics().usedBytes).toBeLessThan(list.length * NODE_BYTES + 2 * MIB);
  });
});
