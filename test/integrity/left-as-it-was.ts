/**
 * Left as it was: interrupts the steps of a subject, and checks that the heap and its mutator are as before.
 */
import { expect } from 'vitest';
import type { Heap } from '../support/faultline.ts';
import { freeHandles } from '../support/heaps.ts';
import type { Interruption } from '../support/interruptions.ts';
import { SUBJECTS } from './interruption-subjects.ts';

const RUNNING = 1;
const STATE = 0;
const LOCALS_USED = 3;
const HANDLES = 96;

/** Interrupts the steps of that subject, and looks after each. How many were interrupted. The heap has no mutator of this thread yet. */
export async function expectLeftAsItWas(heap: Heap, name: string, way: Interruption, seed: number): Promise<number> {
  const mutator = heap.attachMutator({ handleCapacity: HANDLES, localCapacity: 64 });
  const { control } = mutator.allocationBuffer;
  const subject = SUBJECTS[name]!(heap, mutator);
  for (let i = 0; i < 50; i++) subject.step();
  const handles = freeHandles(mutator);
  let unparked = 0;
  const interrupted = way.run(
    subject.step,
    (outcome) => {
      if ((control[STATE]! & RUNNING) === 0) unparked++;
      expect(control[LOCALS_USED]).toBe(0);
      subject.look(outcome);
    },
    seed,
  );
  expect(unparked).toBe(0);
  subject.look('ended');
  mutator.collect({ kind: 'full' });
  subject.look('ended');
  subject.atEnd?.();
  expect(await heap.verify()).toBeGreaterThanOrEqual(0);
  expect(freeHandles(mutator)).toBeGreaterThanOrEqual(handles);
  return interrupted;
}
