/**
 * Arguments of the wrong type, shape or range: each call works or throws a documented error, and the heap is intact afterwards.
 */
import { describe, expect, it } from 'vitest';
import { type HeapOptions, tagSmallInteger } from '../support/faultline.ts';
import { ARGUMENTS, type Call, HOSTILE, RAW_ARGUMENTS } from './arguments.ts';
import { expectOutcomes, outcomeOf } from './matrix.ts';
import { OPERATIONS } from './operations.ts';
import { makeSubject, type Subject } from './subject.ts';

const text = (value: unknown): string => {
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null) return 'an object without prototype';
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
};

async function expectDocumented(calls: Readonly<Record<string, Call>>, options: Partial<HeapOptions>, values = HOSTILE): Promise<void> {
  const wrong: string[] = [];
  let subject = makeSubject({ fault: 'stw', ...options });
  for (const [name, call] of Object.entries(calls)) {
    for (const value of values) {
      const outcome = await outcomeOf(() => call(subject, value));
      if (outcome !== 'works' && !/^ERR_\w+$/.test(outcome)) wrong.push(`${name}, ${text(value)}: ${outcome}`);
      if (subject.mutator.attached) continue;
      await subject.heap.close();
      subject = makeSubject({ fault: 'stw', ...options });
    }
  }
  expect(wrong).toEqual([]);
  await expectWhole(subject);
}

async function expectWhole(subject: Subject): Promise<void> {
  subject.node.next = subject.node;
  subject.elements.set(0, subject.node);
  subject.mutator.set(subject.handle, subject.node.ref);
  subject.mutator.weakMaps.set(subject.mutator.get(subject.weakMap), subject.node.ref, subject.node.ref);
  while (subject.queue.dequeue() !== undefined);
  while (subject.array.length > 2) subject.array.pop();
  subject.array.set(0, 'first');
  subject.map.clear();
  subject.map.set('key', subject.array);
  subject.sortedMap.clear();
  subject.sortedMap.set('key', subject.array);
  subject.cache.clear();
  subject.cache.set('key', subject.array);
  await subject.heap.collect({ kind: 'full' });
  expect(await subject.heap.verify()).toBeGreaterThan(10);
  await expectOutcomes(OPERATIONS, subject, () => 'works');
}

describe('arguments that are not meant', () => {
  it.each([false, true])('work or are documented errors, checked %s', async (checked) => {
    await expectDocumented(ARGUMENTS, { checked });
  });

  it('work or are documented errors by raw reference, in a checked heap', async () => {
    await expectDocumented(RAW_ARGUMENTS, { checked: true });
  });

  it('of null, small integers and whatever else is no reference are documented errors by raw reference, in every heap', async () => {
    const stores =
      /^mutator\.(set|get|getReference|release|setReference(, reference)?|compareExchange\w+(, reference)?|copyReferences(, count)?)$/;
    const others = Object.entries(RAW_ARGUMENTS).filter(([name]) => !stores.test(name));
    // In the page before the first object, a small integer, behind the end of the heap.
    const numbers = [0, 5, tagSmallInteger(5), tagSmallInteger(-5), 2 ** 30, 2 ** 31 - 1];
    await expectDocumented(Object.fromEntries(others), { checked: false }, [...numbers, ...HOSTILE]);
  });

  it('of another shape by raw reference are ERR_WRONG_SHAPE, in every heap', async () => {
    for (const checked of [false, true]) {
      const subject = makeSubject({ fault: 'stw', checked });
      const shaped = /^(weakReferences\.(get|clear)|(weakMaps|arrays|maps|queues|locks|conditions)\.\w+)$/;
      const named = Object.entries(RAW_ARGUMENTS).filter(([name]) => shaped.test(name));
      expect(named.length).toBeGreaterThan(12);
      const wrong: string[] = [];
      for (const [name, call] of named) {
        if (/allocate/.test(name)) continue;
        const outcome = await outcomeOf(() => call(subject, subject.node.ref));
        if (outcome !== 'ERR_WRONG_SHAPE') wrong.push(`${name}: ${outcome}`);
      }
      expect(wrong).toEqual([]);
    }
  });
});

describe('a range to pin', () => {
  it('is read before the object is looked for, whatever reading it does', () => {
    const acts: [string, (subject: Subject) => void][] = [
      ['ERR_VIEW_RELEASED', ({ pinnable }) => pinnable.release()],
      ['ERR_MUTATOR_PARKED', ({ mutator }) => mutator.park()],
      ['ERR_MUTATOR_DETACHED', ({ mutator }) => mutator.detach()],
    ];
    for (const [code, act] of acts) {
      const subject = makeSubject({ fault: 'stw' });
      const { count } = subject.heap.statistics().pins;
      const reading = {
        get byteOffset(): number {
          act(subject);
          return 1;
        },
      };
      expect(() => subject.heap.pin(subject.pinnable, reading)).toThrow(expect.objectContaining({ code }));
      expect(subject.heap.statistics().pins.count).toBeLessThanOrEqual(count);
    }
  });

  it('that is wrong by itself is no reason to look at the object', () => {
    const { heap, mutator, pinnable } = makeSubject({ fault: 'stw' });
    mutator.park();
    expect(() => heap.pin(pinnable, { byteLength: -1 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    mutator.unpark();
  });
});
