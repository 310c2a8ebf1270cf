/**
 * Random programs against a shadow model: whatever a program does, and whenever the collector comes, the heap holds the same graph
 * as plain JavaScript objects do.
 */
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MOVING_MODES, rounds, SHORT, third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { ShadowProgram } from '../support/shadow-program.mjs';

describe.each(MOVING_MODES.map((fault, number) => [fault, number] as const))('a random program (fault mode %s)', (fault, number) => {
  /** All of them in the first mode, in the short form each in every third of the others. */
  const when = (test: number): boolean => !SHORT || number === 0 || (number + test) % 3 === 0;
  const stresses = [
    { stressEvery: 1, steps: rounds(700, 200) },
    { stressEvery: 7, steps: rounds(4_000, 1_000) },
    { stressEvery: 101, steps: rounds(20_000, 5_000) },
  ];
  it.each(third(stresses, number))('keeps its graph with a collection at every $stressEvery. allocation', ({ stressEvery, steps }) => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, stressEvery });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 200_000 }).run(steps);
    const { cycles } = heap.statistics();
    expect(cycles.compacting).toBeGreaterThan(0);
    expect(cycles.copiedBytes).toBeGreaterThan(0);
  });

  it.runIf(when(0))('keeps its graph with random delays at every critical point', () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, stressEvery: 60, delaySeed: seed });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 200_000 }).run(rounds(15_000, 5_000));
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
  });

  it.runIf(when(1))('keeps its graph when large objects come and go in a heap that is nearly full', () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '24M', fault, faultAroundPages: 1 });
    const program = new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 900_000, largeWords: 70_000 });
    program.run(rounds(45_000, 12_000), 2_000);
    expect(heap.statistics().cycles.count).toBeGreaterThan(0);
  });

  it.runIf(when(2))('keeps its graph in a heap of one region, without GC workers', () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault, workers: 0 });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 30_000 }).run(rounds(10_000, 4_000), 50);
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
  });

  it.runIf(when(3))('keeps its graph when 64 pages are shown at a time and four workers build', () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({
      capacityBytes: '32M',
      fault,
      workers: 4,
      faultAroundPages: 64,
      tlabBytes: '4K',
      stressEvery: 300,
    });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 1_000_000 }).run(rounds(30_000, 8_000), 5_000);
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
  });
});
