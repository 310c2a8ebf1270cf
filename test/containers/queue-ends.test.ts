/**
 * The end of a queue, and waiting for a queue in an event loop.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { code } from '../objects/support.ts';
import { SUBJECT_ROOT, threadOf } from '../support/container-subjects.mjs';
import type { Heap, HeapQueue } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { Threads } from '../support/threads.ts';

const MANY = 3_000;

function make(capacity = Infinity, options = {}): { heap: Heap; queue: HeapQueue<'f64'> } {
  const { heap } = makeHeapWithMutator({ capacityBytes: '8M', ...options });
  const queue = heap.createQueue('f64', capacity);
  heap.roots.slots[SUBJECT_ROOT] = queue.ref;
  return { heap, queue };
}

describe.each([{}, { checked: true }, { stressEvery: 300 }])('a closed queue, in a heap with %o', (options) => {
  it('takes nothing more, and gives what it has', () => {
    const { queue } = make(3, options);
    for (const value of [1, 2, 3]) queue.enqueue(value);
    expect(queue.closed).toBe(false);
    queue.close();
    queue.close();
    expect(() => queue.enqueue(4)).toThrow(code('ERR_QUEUE_CLOSED'));
    expect([queue.closed, queue.length, [...queue], queue.dequeue()]).toEqual([true, 3, [1, 2, 3], 1]);
    expect(() => queue.enqueueWait(4)).toThrow(code('ERR_QUEUE_CLOSED'));
    expect([queue.dequeueWait(), queue.dequeueWait(), queue.length, queue.closed, queue.toArray()]).toEqual([2, 3, 0, true, []]);
    expect([queue.dequeueWait(), queue.dequeue(), queue.length]).toEqual([undefined, undefined, 0]);
  });

  it('that was empty is so for ever', () => {
    const { heap, queue } = make(1, options);
    queue.close();
    heap.createQueue('string').close();
    expect([queue.dequeueWait(), queue.length, queue.toArray(), queue.closed]).toEqual([undefined, 0, [], true]);
    expect(() => queue.enqueue(1)).toThrow(code('ERR_QUEUE_CLOSED'));
  });
});

describe('closing a queue', () => {
  it('wakes every thread that waits for an element, and those that wait for room', async () => {
    const { heap, queue } = make(1);
    const consumers = new Threads();
    for (let thread = 0; thread < 2; thread++) consumers.start(heap.token, 'waitForElement', { thread });
    await consumers.ready();
    await wait(50);
    queue.close();
    expect((await consumers.finish<{ value?: number }>()).map(({ value }) => value)).toEqual([undefined, undefined]);
    const full = make(1);
    full.queue.enqueue(1);
    const producers = new Threads();
    producers.start(full.heap.token, 'appendUntilClosed', { thread: 1 });
    await producers.ready();
    await wait(50);
    full.queue.close();
    expect((await producers.finish<{ appended: number }>())[0]).toEqual({ appended: 0 });
  });

  it('loses no element that was appended, and gives none twice', async () => {
    const { heap, queue } = make();
    const producers = new Threads();
    for (let thread = 1; thread <= 2; thread++) producers.start(heap.token, 'appendUntilClosed', { thread });
    const consumers = new Threads();
    consumers.start(heap.token, 'takeUntilEnded', {});
    await Promise.all([producers.ready(), consumers.ready()]);
    await heap.collect({ kind: 'full' });
    await heap.collect({ kind: 'full' });
    queue.close();
    const appended = (await producers.finish<{ appended: number }>()).map(({ appended }) => appended);
    const [{ taken }] = (await consumers.finish<{ taken: number[] }>()) as [{ taken: number[] }];
    expect(appended.every((count) => count > 0)).toBe(true);
    expect(appended).toEqual([1, 2].map((thread) => taken.filter((value) => threadOf(value) === thread).length));
    expect(new Set(taken).size).toBe(taken.length);
  });
});

describe('an event loop', () => {
  it('gets elements as they come, and turns meanwhile', async () => {
    const { heap, queue } = make(50);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const producers = new Threads();
    producers.start(heap.token, 'appendUntilClosed', { thread: 1, most: MANY });
    const taken: number[] = [];
    for await (const value of queue) taken.push(value);
    clearInterval(turning);
    expect((await producers.finish<{ appended: number }>())[0]).toEqual({ appended: MANY });
    expect(taken.map((value, i) => value - taken[0]! === i)).not.toContain(false);
    expect([taken.length, turns > 0]).toEqual([MANY, true]);
  });

  it('waits for room as for elements', async () => {
    const { queue } = make(1);
    expect(await queue.enqueueAsync(1)).toBe(true);
    expect(await queue.enqueueAsync(2, { timeoutMs: 0 })).toBe(false);
    expect(await queue.enqueueAsync(2, { timeoutMs: 5 })).toBe(false);
    const second = queue.enqueueAsync(2);
    expect([await queue.dequeueAsync(), await second, await queue.dequeueAsync()]).toEqual([1, true, 2]);
    expect(await queue.dequeueAsync({ timeoutMs: 5 })).toBe(undefined);
    queue.close();
    expect(await queue.dequeueAsync()).toBe(undefined);
    await expect(queue.enqueueAsync(3)).rejects.toThrow(code('ERR_QUEUE_CLOSED') as Error);
    await expect(queue.dequeueAsync({ timeoutMs: -1 })).rejects.toThrow(code('ERR_OPTION') as Error);
  });

  it('ends a wait when the signal aborts, with its reason, and has taken nothing', async () => {
    const { queue } = make();
    const reason = new RangeError('on purpose');
    const controller = new AbortController();
    const waiting = queue.dequeueAsync({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(waiting).rejects.toBe(reason);
    queue.enqueue(1);
    await expect(queue.dequeueAsync({ signal: controller.signal })).rejects.toBe(reason);
    expect(queue.length).toBe(1);
  });

  it('sleeps while nothing happens: it looks now and then, and not all the time', async () => {
    const { queue } = make();
    let looks = 0;
    const { dequeue } = queue;
    Object.defineProperty(queue, 'dequeue', { value: () => (looks++, dequeue.call(queue)) });
    const begin = performance.now();
    await queue.dequeueAsync({ timeoutMs: 300 });
    expect(looks).toBeLessThan(3 + (performance.now() - begin) / 20);
  });

  it('rejects a wait for a queue whose view was released', async () => {
    const { queue } = make();
    const waiting = queue.dequeueAsync();
    queue.release();
    await expect(waiting).rejects.toThrow(code('ERR_VIEW_RELEASED') as Error);
  });
});
