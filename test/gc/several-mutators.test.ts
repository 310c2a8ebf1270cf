/**
 * Several mutators on one heap, with one cycle after the other underneath them.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CycleSummary, Heap } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MOVING_MODES, rounds, third } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { ShadowProgram } from '../support/shadow-program.mjs';
import { exchange, increment, makeCounters, makeTable, sumOfCounters } from '../support/shared-structures.mjs';
import { Threads } from '../support/threads.ts';

/** True until so many cycles have moved something. Asks for them too, so that they come without a break. */
function untilCompacted(heap: Heap, cycles: number): () => boolean {
  let calls = 0;
  return () => {
    if (++calls % 50 !== 0) return true;
    if (heap.statistics().cycles.compacting >= cycles) return false;
    // Not waited for: the program goes on underneath it, and may close the heap before the collection is over.
    if (calls % 500 === 0) heap.collect().catch((error: { code?: string }) => expect(error.code).toBe('ERR_HEAP_CLOSED'));
    return true;
  };
}

describe.each(third(MOVING_MODES))('several mutators (fault mode %s)', (fault) => {
  it('keep graphs of their own, each against its model', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '24M', fault, delaySeed: seed });
    const threads = new Threads();
    for (let thread = 1; thread <= 2; thread++) {
      threads.start(heap.token, 'shadow', { seed: seed + thread, liveWordsLimit: 250_000, idBase: thread << 24 });
    }
    await threads.ready();
    const program = new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 250_000 });
    for (const goesOn = untilCompacted(heap, rounds(12, 4)); goesOn(); ) program.step();
    program.compare();
    mutator.detach();
    const results = await threads.finish<{ operations: number }>();
    expect(Math.min(...results.map(({ operations }) => operations))).toBeGreaterThan(0);
  });

  it('exchange objects through a shared table and never see one that is half moved', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, delaySeed: seed });
    makeTable(heap, mutator, 2_000);
    const threads = new Threads();
    for (let thread = 1; thread <= 2; thread++) {
      threads.start(heap.token, 'table', { thread, threads: 3, seed: seed + thread });
    }
    await threads.ready();
    const running = untilCompacted(heap, rounds(30, 8));
    const { reads } = exchange(heap, mutator, { thread: 0, threads: 3, seed, running });
    expect(reads).toBeGreaterThan(0);
    mutator.detach();
    for (const result of await threads.finish<{ written: number }>()) expect(result.written).toBeGreaterThan(0);
  });

  it('lose no atomic increment of a field while its object moves', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault, delaySeed: seed });
    const threads = new Threads();
    makeCounters(heap, mutator, 30_000);
    for (let thread = 1; thread <= 2; thread++) threads.start(heap.token, 'counters', { seed: seed + thread });
    await threads.ready();
    const { added } = increment(heap, mutator, { seed, running: untilCompacted(heap, rounds(30, 8)) });
    mutator.park();
    const others = await threads.finish<{ added: number }>();
    mutator.unpark();
    expect(sumOfCounters(heap, mutator)).toBe(others.reduce((sum, other) => sum + other.added, added));
  });

  it('are stopped and resumed when all of them wait: in the event loop, parked, and computing', async () => {
    const heap = makeHeap({ capacityBytes: '4M', fault });
    heap.attachMutator();
    const threads = new Threads();
    threads.start(heap.token, 'idle');
    threads.start(heap.token, 'parked');
    threads.start(heap.token, 'allocate');
    await threads.ready();
    for (let i = 0; i < 5; i++) await heap.collect({ kind: 'full' });
    expect(heap.statistics().cycles.count).toBeGreaterThanOrEqual(5);
    await threads.finish();
  });

  it('attach and detach all the time while cycles run', async () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    let collecting = true;
    const collections = (async () => {
      while (collecting) await heap.collect({ kind: random.chance(1, 4) ? 'full' : 'compact' });
    })();
    for (let round = 0; round < rounds(4, 2); round++) {
      const threads = new Threads();
      for (let i = 0; i < 2; i++) {
        threads.start(heap.token, 'shadow', { seed: random.next(), liveWordsLimit: 50_000, idBase: i << 24 });
      }
      await threads.ready();
      await wait(random.below(60));
      await threads.finish();
    }
    collecting = false;
    await collections;
    mutator.detach();
    // Nothing of theirs is a root any more.
    await heap.collect({ kind: 'full' });
    expect(heap.statistics().liveBytes).toBe(0);
  });

  it('share one summary per cycle with every thread that listens', async () => {
    const heap = makeHeap({ capacityBytes: '4M', fault });
    const other = (await import('../support/faultline.ts')).Heap.attach(heap.token);
    const here: CycleSummary[] = [];
    const there: CycleSummary[] = [];
    heap.on('cycle', (event) => here.push(event));
    other.on('cycle', (event) => there.push(event));
    await heap.collect();
    await other.collect();
    await wait(20);
    expect(here.map(({ cycle }) => cycle)).toEqual([1, 2]);
    expect(there).toEqual(here);
    await other.close();
  });
});
