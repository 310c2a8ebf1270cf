/**
 * Events and statistics: what the heap reports about its collections, in which order, and through which channels.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DIAGNOSTICS, type HeapEvent, type HeapStatistics } from '../support/faultline.ts';
import { LinkedList, makeHeap, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import { MARKERS, MODES } from '../support/modes.ts';

const label = (event: HeapEvent): string =>
  event.type === 'phase' ? event.phase : event.type === 'pause' ? `${event.pause} pause` : event.type;

function withGarbage(options: Parameters<typeof makeHeapWithMutator>[0]) {
  const { heap, mutator } = makeHeapWithMutator(options);
  const list = new LinkedList(heap, mutator, 40);
  for (let i = 0; i < 60_000; i++) list.push(i);
  list.keepEach(5);
  return { heap, mutator, list };
}

describe.each(MODES)('the events of a collection (fault mode %s)', (fault) => {
  it('come in the documented order: started, per cycle its phases and pauses, then the sum', async () => {
    for (const marker of MARKERS) {
      const { heap } = withGarbage({ capacityBytes: '16M', fault, marker });
      const events = recordEvents(heap);
      // The barrier-free marker copies the roots again for every round.
      const labels = (): string[] => events.map(label).filter((name, i, all) => name !== 'mark-start pause' || all[i - 1] !== name);
      const marking = {
        stopped: ['mark', 'mark pause'],
        satb: ['mark-start pause', 'mark', 'remark', 'remark pause'],
        'barrier-free': ['mark-start pause', 'mark', 'mark-start pause', 'preclean', 'remark', 'remark pause'],
      }[marker];
      await heap.collect();
      expect(labels()).toEqual([
        'collection-started',
        'cycle-started',
        'prepare',
        ...marking,
        'plan',
        'release',
        'flip',
        'flip pause',
        'compact',
        'finish',
        'cycle',
        'reclaim',
        'collection',
      ]);
      // A cycle that finds nothing to evacuate has no flip.
      events.length = 0;
      await heap.collect();
      expect(labels()).toEqual([
        'collection-started',
        'cycle-started',
        'prepare',
        ...marking,
        'plan',
        'release',
        'finish',
        'cycle',
        'reclaim',
        'collection',
      ]);
    }
  });

  it('say what the statistics say', async () => {
    const { heap, list } = withGarbage({ capacityBytes: '16M', fault });
    const before = heap.statistics();
    const events = recordEvents(heap);
    const collection = await heap.collect({ kind: 'full' });
    const after = heap.statistics();
    const cycles = events.filter((event) => event.type === 'cycle');
    const sum = (of: (cycle: (typeof cycles)[number]) => number): number => cycles.reduce((total, cycle) => total + of(cycle), 0);
    expect(collection).toMatchObject({ kind: 'full', reason: 'explicit', cycles: cycles.length, liveBytes: after.liveBytes });
    expect(cycles.at(-1)!.markedObjects).toBe(list.length);
    expect(after.liveBytes).toBe(list.length * 56);
    expect(sum(({ copiedBytes }) => copiedBytes)).toBe(after.cycles.copiedBytes - before.cycles.copiedBytes);
    expect(sum(({ sourceRegions }) => sourceRegions) * 2 ** 20).toBe(after.cycles.evacuatedBytes - before.cycles.evacuatedBytes);
    expect(sum(({ faults }) => faults.count)).toBe(after.faults.count - before.faults.count);
    expect(sum(({ pagesByWorkers }) => pagesByWorkers)).toBe(after.pages.builtByWorkers - before.pages.builtByWorkers);
    const markings = ({ pauses }: HeapStatistics): number => pauses.mark.count + pauses.remark.count;
    expect(markings(after) - markings(before)).toBe(cycles.length);
    expect(after.marking.objects - before.marking.objects).toBe(sum(({ markedObjects }) => markedObjects));
    expect(after.marking.rounds - before.marking.rounds).toBe(sum(({ markingRounds }) => markingRounds));
    expect(after.marking.writtenPages - before.marking.writtenPages).toBe(
      sum(({ writtenPages, remarkPages }) => writtenPages + remarkPages),
    );
    expect(after.pauses.flip.count - before.pauses.flip.count).toBe(sum(({ waves }) => waves));
    for (const { waves, targetRegions } of cycles) expect(waves > 0).toBe(targetRegions > 0);
    expect(after.fault.mode).toBe(fault);
    for (let i = 1; i < events.length; i++) expect(events[i]!.timeMs).toBeGreaterThanOrEqual(events[i - 1]!.timeMs - 1);
  });

  it('leave counts that only grow', async () => {
    const { heap, list } = withGarbage({ capacityBytes: '16M', fault, trackUtilization: true });
    const counts = ({ cycles, pages, pauses, faults, stalls, peakFileBytes }: HeapStatistics): number[] => [
      ...Object.values(cycles),
      ...Object.values(pages),
      ...Object.values(pauses).flatMap(({ count, totalUs, maxUs }) => [count, totalUs, maxUs]),
      faults.count,
      faults.totalUs,
      stalls.count,
      stalls.totalUs,
      peakFileBytes,
    ];
    let last = counts(heap.statistics());
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 30_000; j++) list.push(j);
      list.keepEach(9);
      await heap.collect({ kind: i % 2 === 0 ? 'compact' : 'full' });
      const now = counts(heap.statistics());
      expect(
        now.every((count, index) => count >= last[index]!),
        `${last}\n${now}`,
      ).toBe(true);
      last = now;
    }
    const { pauses } = heap.statistics();
    for (const { p50Us, p99Us, p999Us, maxUs } of Object.values(pauses)) {
      expect(p50Us).toBeLessThanOrEqual(p99Us);
      expect(p99Us).toBeLessThanOrEqual(p999Us);
      expect(p999Us).toBeLessThanOrEqual(maxUs * 1.04);
    }
  });
});

describe('the events of a collection', () => {
  it('are published on diagnostics channels while somebody subscribes', async () => {
    const { heap } = withGarbage({ capacityBytes: '16M', marker: 'stopped' });
    const heard: Record<string, number> = {};
    const listeners = Object.entries(DIAGNOSTICS).map(([name, channel]) => {
      const listener = (): void => void (heard[name] = (heard[name] ?? 0) + 1);
      subscribe(channel, listener);
      return { channel, listener };
    });
    await heap.collect();
    expect(heard).toEqual({ cycle: 1, phase: 8, pause: 2, collection: 1 });
    for (const { channel, listener } of listeners) unsubscribe(channel, listener);
    await heap.collect();
    expect(heard).toEqual({ cycle: 1, phase: 8, pause: 2, collection: 1 });
  });

  it.each([true, false])('become one performance measure a cycle when that is asked for (%s)', async (performanceMeasures) => {
    const heap = makeHeap({ capacityBytes: '4M', performanceMeasures });
    const names: string[] = [];
    const observer = new PerformanceObserver((list) => names.push(...list.getEntries().map(({ name }) => name)));
    observer.observe({ entryTypes: ['measure'] });
    await heap.collect();
    await heap.collect();
    await wait(20);
    observer.disconnect();
    const ours = names.filter((name) => name.startsWith('faultline'));
    expect(ours).toEqual(performanceMeasures ? ['faultline cycle 1', 'faultline cycle 2'] : []);
  });

  it('say why it came: memory, the program, or stress; and the statistics count it', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '2M' });
    const events = recordEvents(heap);
    const list = new LinkedList(heap, mutator, 1000);
    for (let i = 0; i < 20_000; i++) list.garbage();
    // Requests that wait for the same collection become one; the larger kind says why.
    mutator.collect({ kind: 'full', reason: 'stress' });
    await heap.collect({ kind: 'full' });
    const reasons = new Set<string>(events.flatMap((event) => (event.type === 'collection' ? [event.reason] : [])));
    expect([...reasons]).toEqual(expect.arrayContaining(['explicit', 'stress']));
    // Which of them depends on how soon the control thread is there.
    expect(['occupancy', 'allocation-rate', 'exhausted'].some((reason) => reasons.has(reason))).toBe(true);
    const ended = events.filter((event) => event.type === 'collection');
    const { count, byReason } = heap.statistics().collections;
    expect(count).toBe(ended.length);
    for (const [reason, times] of Object.entries(byReason)) expect(ended.filter((event) => event.reason === reason).length).toBe(times);
  });
});
