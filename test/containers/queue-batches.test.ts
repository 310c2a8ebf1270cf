/**
 * Several elements into a queue, or out of it, at one moment.
 */
import { describe, expect, it } from 'vitest';
import { code, LEAF } from '../objects/support.ts';
import { SUBJECT_ROOT, threadOf } from '../support/container-subjects.mjs';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

describe.each([{}, { checked: true }, { stressEvery: 500 }, { marker: 'satb' as const }])('batches, in a heap with %o', (options) => {
  it('go in and come out in order, among single elements, as far as there is room', () => {
    const random = makeRandom(seedOfTest());
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', ...options });
    const queue = heap.createQueue('string', 10);
    const model: (string | null)[] = [];
    let next = 0;
    for (let step = 0; step < ('checked' in options ? 200 : 2_000); step++) {
      mutator.scope(() => {
        const way = random.below(4);
        const count = random.below(6);
        const values = Array.from({ length: count }, () => (next % 7 === 0 ? (next++, null) : `text ${next++}`));
        if (way === 0) {
          expect(queue.enqueue(values[0] ?? null)).toBe(model.length < 10);
          if (model.length < 10) model.push(values[0] ?? null);
        } else if (way === 1) {
          const room = Math.min(count, 10 - model.length);
          expect(queue.enqueueMany(values)).toBe(room);
          model.push(...values.slice(0, room));
        } else if (way === 2) {
          expect(queue.dequeueMany(count + 1)).toEqual(model.splice(0, count + 1));
        } else {
          expect(queue.dequeue()).toBe(model.shift());
        }
        expect(queue.length).toBe(model.length);
      });
    }
    expect(queue.toArray()).toEqual(model);
    queue.close();
    expect(() => queue.enqueueMany(['late'])).toThrow(code('ERR_QUEUE_CLOSED'));
    expect([queue.dequeueManyWait(Infinity), queue.dequeueManyWait(5), queue.dequeueMany(5), queue.length]).toEqual([model, [], [], 0]);
  });
});

describe('a batch', () => {
  it('with a value of another kind is not appended, nor a part of it', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const queue = heap.createQueue('f64');
    for (const values of [[1, '2'], [1, undefined], null, 5]) expect(() => queue.enqueueMany(values as any)).toThrow(code('ERR_OPTION'));
    expect([queue.enqueueMany([]), queue.enqueueMany(new Set([1, 2])), queue.length]).toEqual([0, 2, 2]);
    for (const most of [0, NaN, '1' as any]) expect(() => queue.dequeueMany(most)).toThrow(code('ERR_OPTION'));
    expect(() => queue.dequeueManyWait(1, -1)).toThrow(code('ERR_OPTION'));
    expect(queue.length).toBe(2);
  });

  it('for which there are no handles stays where it is', () => {
    const { heap, mutator: first } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    first.detach();
    const mutator = heap.attachMutator({ handleCapacity: 8 });
    const Leaf = heap.defineShape(LEAF);
    const queue = heap.createQueue('ref');
    mutator.scope(() => queue.enqueueMany([1, 2, 3].map((number) => heap.create(Leaf, { number })) as any));
    const handles = [1, 2, 3, 4, 5].map(() => mutator.handle(0));
    expect(() => queue.dequeueMany(3)).toThrow(code('ERR_HANDLES_EXHAUSTED'));
    expect(queue.length).toBe(3);
    for (const handle of handles) mutator.release(handle);
    expect(queue.dequeueMany(3).map((leaf) => (leaf as any).number)).toEqual([1, 2, 3]);
  });

  it('is waited for in an event loop', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const queue = heap.createQueue('f64');
    const waiting = queue.dequeueManyAsync(5);
    queue.enqueueMany([1, 2, 3]);
    expect([await waiting, await queue.dequeueManyAsync(5, { timeoutMs: 0 })]).toEqual([[1, 2, 3], []]);
    expect(await queue.dequeueManyAsync(5, { timeoutMs: 5 })).toEqual([]);
    queue.close();
    expect(await queue.dequeueManyAsync(5)).toEqual([]);
  });

  it('of several threads is neither lost nor mixed with others', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '16M', delaySeed: seedOfTest() });
    const queue = heap.createQueue('f64', 100);
    heap.roots.slots[SUBJECT_ROOT] = queue.ref;
    const producers = new Threads();
    for (let thread = 1; thread <= 2; thread++) producers.start(heap.token, 'appendBatches', { thread, size: 7 });
    const consumers = new Threads();
    for (let thread = 0; thread < 2; thread++) consumers.start(heap.token, 'takeBatches', { most: 5 });
    await Promise.all([producers.ready(), consumers.ready()]);
    for (let i = 0; i < 4; i++) await heap.collect({ kind: 'full' });
    const appended = (await producers.finish<{ appended: number }>()).map(({ appended }) => appended);
    queue.close();
    const taken = (await consumers.finish<{ batches: number[][] }>()).map(({ batches }) => batches);
    for (const batches of taken) {
      for (const thread of [1, 2]) {
        const own = batches.flat().filter((value) => threadOf(value) === thread);
        expect(own.filter((value, i) => i > 0 && value <= own[i - 1]!)).toEqual([]);
      }
    }
    const all = taken.flat(2);
    expect(appended).toEqual([1, 2].map((thread) => all.filter((value) => threadOf(value) === thread).length));
    expect(new Set(all).size).toBe(all.length);
    expect(appended.every((count) => count > 0)).toBe(true);
  }, 30_000);
});
