/**
 * Random programs over views hold the graph that plain objects hold, while everything moves beneath them.
 */
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MOVING_MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { ViewProgram } from './view-program.ts';

const CONFIGURATIONS = [
  ...MOVING_MODES.map((fault) => ({ what: `fault mode ${fault}`, options: { fault } })),
  ...MARKERS.map((marker) => ({ what: `marker ${marker}`, options: { marker, barrieredStores: true } })),
  { what: 'checked', options: { checked: true } },
];

describe.each(CONFIGURATIONS)('a random program over views ($what)', ({ options }) => {
  it.each([1, 97])(
    'holds its graph with a collection at every %i. allocation',
    (stressEvery) => {
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', stressEvery, ...options });
      const program = new ViewProgram(heap, mutator, seedOfTest());
      for (let round = 0; round < 4; round++) {
        program.run(stressEvery === 1 ? rounds(100, 30) : rounds(1_500, 500));
        program.check();
      }
      expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
    },
    60_000,
  );

  it('holds its graph while the control thread compacts one time after the other', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', ...options });
    const program = new ViewProgram(heap, mutator, seedOfTest());
    let over = false;
    const collections = (async () => {
      while (!over) await heap.collect({ kind: 'full' });
    })();
    for (let round = 0; round < rounds(60, 20); round++) {
      program.run(200);
      if (round % 10 === 0) program.check();
      await new Promise((resolve) => setImmediate(resolve));
    }
    over = true;
    await collections;
    program.check();
  }, 60_000);
});
