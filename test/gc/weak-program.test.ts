/**
 * Random programs on weak structures against a model: in every fault mode, with every marker, with a collection at every n-th allocation
 * and with collections that nobody waits for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Heap } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, pairs, RAW_LOAD_MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { WeakProgram } from '../support/weak-program.mjs';

/** Hands tokens to the program whenever the event loop turns. */
function listen(heap: Heap, program: WeakProgram): Promise<void> {
  return (async () => {
    for await (const finalizable of heap.finalizable()) expect(program.take(finalizable)).toBe(true);
  })();
}

describe.each(pairs(RAW_LOAD_MODES, MARKERS))('weak structures in mode %s with marker %s', (fault, marker) => {
  it.each([
    { stressEvery: 3, steps: rounds(400, 150) },
    { stressEvery: 40, steps: rounds(4_000, 1_000) },
  ])('are right with a collection each time that so many objects were made: $stressEvery', async ({ stressEvery, steps }) => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, marker, barrieredStores: true, stressEvery });
    const program = new WeakProgram(heap, mutator, { seed, slots: 40, mapSlot: 0, owner: 1 });
    const listening = listen(heap, program);
    for (let i = 1; i <= steps; i++) {
      program.step();
      if (i % 50 === 0) await nextTurn();
    }
    for (let i = 0; i < 3; i++) await heap.collect({ kind: 'full' });
    await nextTurn();
    program.checkExactly();
    expect(program.seenDead).toBeGreaterThan(0);
    expect(program.taken).toBe(heap.statistics().weak.finalizable);
    await heap.close();
    await listening;
  });

  it('are right while one collection after the other runs beside the program', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, marker, barrieredStores: true, delaySeed: seed });
    const program = new WeakProgram(heap, mutator, { seed, slots: 100, mapSlot: 0, owner: 1 });
    const listening = listen(heap, program);
    const cycles = rounds(30, 4);
    let pending: Promise<unknown> | undefined;
    for (let i = 0; heap.statistics().cycles.compacting < cycles; i++) {
      pending ??= heap.collect().then(() => (pending = undefined));
      for (let steps = 0; steps < 100; steps++) program.step();
      await nextTurn();
    }
    await pending;
    for (let i = 0; i < 3; i++) await heap.collect();
    await nextTurn();
    program.checkExactly();
    expect(program.taken).toBeGreaterThan(0);
    await heap.close();
    await listening;
  });
});
