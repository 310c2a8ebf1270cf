/**
 * The integrity matrix, for every state but those of a cycle (phases.test.ts): idle, checked or not; the heap closed, the mutator
 * detached or parked, the views released; and arguments of another heap.
 */
import { describe, it } from 'vitest';
import { MODES, third } from '../support/modes.ts';
import { expectOutcomes } from './matrix.ts';
import { OPERATIONS, REPEATABLE } from './operations.ts';
import { makeSubject, viewsOf } from './subject.ts';

describe.each(third(MODES))('the integrity matrix (fault mode %s)', (fault) => {
  it.each([false, true])('idle, checked %s: every operation works, in a scope and without', async (checked) => {
    const subject = makeSubject({ fault, checked });
    await expectOutcomes(REPEATABLE, subject, () => 'works');
    await expectOutcomes(OPERATIONS, subject, () => 'works');
  });

  it.each([false, true])('closed, checked %s: every operation works or says so', async (checked) => {
    const subject = makeSubject({ fault, checked });
    await subject.heap.close();
    await expectOutcomes(OPERATIONS, subject, ({ closed, unchecked }) => (unchecked && !checked ? 'works' : closed));
  });

  it.each([false, true])('detached, checked %s: every operation works or says so', async (checked) => {
    const subject = makeSubject({ fault, checked });
    subject.mutator.detach();
    await expectOutcomes(OPERATIONS, subject, ({ detached, unchecked }) => (unchecked && !checked ? 'works' : detached));
  });

  it('parked, in a checked heap: every operation works or says so', async () => {
    const subject = makeSubject({ fault, checked: true });
    subject.mutator.park();
    await expectOutcomes(REPEATABLE, subject, ({ parked }) => parked);
    subject.mutator.unpark();
    await expectOutcomes(OPERATIONS, subject, () => 'works');
  });

  it.each([false, true])('released, checked %s: what needs a view says that it is released', async (checked) => {
    const subject = makeSubject({ fault, checked });
    for (const view of viewsOf(subject)) view.release();
    await expectOutcomes(OPERATIONS, subject, ({ released }) => released);
  });

  it('foreign: nothing that belongs to another heap is taken', async () => {
    const subject = makeSubject({ fault, checked: true });
    const other = makeSubject({ fault, checked: true });
    // So that the shapes of the two have different ids.
    for (const name of ['p', 'q', 'r']) other.heap.defineShape({ name, fields: {} });
    await expectOutcomes(REPEATABLE, subject, ({ foreign }) => foreign, other);
  });
});
