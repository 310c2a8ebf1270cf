/**
 * Locks and conditions, and what is left when a thread ends in the middle of something.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { code } from '../objects/support.ts';
import { LOCK_ROOT, SUBJECT_ROOT, threadOf } from '../support/container-subjects.mjs';
import type { AnyView, Heap } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const share = (heap: Heap, root: number, view: AnyView): void => void (heap.roots.slots[root] = view.ref);

describe('a lock', () => {
  it('is had by one thread, until that gives it back', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const lock = heap.createLock();
    expect([lock.owned, lock.abandoned]).toEqual([false, false]);
    expect(() => lock.unlock()).toThrow(code('ERR_LOCK_NOT_OWNED'));
    expect(() => lock.declareRepaired()).toThrow(code('ERR_LOCK_NOT_OWNED'));
    expect(lock.lock()).toBe(true);
    expect(lock.owned).toBe(true);
    expect(() => lock.lock()).toThrow(code('ERR_LOCK_OWNED'));
    expect(() => lock.lock(0)).toThrow(code('ERR_LOCK_OWNED'));
    lock.unlock();
    expect(lock.run(() => lock.owned)).toBe(true);
    expect(() =>
      lock.run(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(lock.owned).toBe(false);
    for (const timeout of [-1, NaN, '1']) expect(() => lock.lock(timeout as never)).toThrow(code('ERR_OPTION'));
  });

  it('is not had while another thread has it, however long one waits', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M' });
    const lock = heap.createLock();
    share(heap, LOCK_ROOT, lock);
    const threads = new Threads();
    threads.start(heap.token, 'holdLock');
    await threads.ready();
    const begin = performance.now();
    expect([lock.lock(0), lock.lock(50), lock.owned]).toEqual([false, false, false]);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(49);
    expect(() => lock.unlock()).toThrow(code('ERR_LOCK_NOT_OWNED'));
    // That thread ends, detached, without giving it back.
    await threads.finish();
    expect([lock.lock(), lock.abandoned]).toEqual([true, true]);
    lock.unlock();
    expect([lock.lock(), lock.abandoned]).toEqual([true, true]);
    lock.declareRepaired();
    lock.unlock();
    expect(lock.abandoned).toBe(false);
  });

  it('goes to those who wait when its owner is terminated', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M' });
    const lock = heap.createLock();
    const array = heap.createArray('f64');
    array.push(0);
    array.push(0);
    share(heap, LOCK_ROOT, lock);
    share(heap, SUBJECT_ROOT, array);
    const owner = new Threads();
    const worker = owner.start(heap.token, 'holdLock');
    await owner.ready();
    const waiting = new Threads();
    for (let thread = 0; thread < 2; thread++) waiting.start(heap.token, 'locked', { thread, seed: thread });
    await waiting.ready();
    await wait(30);
    expect(array.get(0)).toBe(0);
    await worker.terminate();
    while (array.get(0) === 0) await wait(5);
    expect(lock.abandoned).toBe(true);
    const added = (await waiting.finish<{ added: number }>()).reduce((sum, result) => sum + result.added, 0);
    expect(array.toArray()).toEqual([added, added]);
  });
});

describe('a condition', () => {
  it('is waited for with the lock, and gives up after its time with the lock', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const lock = heap.createLock();
    const condition = heap.createCondition();
    expect(() => condition.wait(lock)).toThrow(code('ERR_LOCK_NOT_OWNED'));
    expect(() => condition.wait(condition as never)).toThrow(code('ERR_OPTION'));
    lock.lock();
    const begin = performance.now();
    expect(condition.wait(lock, 40)).toBe(false);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(39);
    expect(lock.owned).toBe(true);
    expect(() => condition.wait(lock, -1)).toThrow(code('ERR_OPTION'));
    expect(lock.owned).toBe(true);
    condition.notifyAll();
    // Nobody waited: the notification is not kept.
    expect(condition.wait(lock, 0)).toBe(false);
    lock.unlock();
  });

  it('has a lock of the same heap', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const other = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' }).heap;
    expect(() => heap.createCondition().wait(other.createLock())).toThrow(code('ERR_FOREIGN_REFERENCE'));
  });
});

describe.each(MODES)('a thread that is terminated (fault mode %s)', (fault) => {
  it('at any moment leaves containers that the others go on with', async () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '48M', fault, delaySeed: seed });
    const [array, map] = [heap.createArray('f64'), heap.createMap('f64', 'f64')];
    const [queue, lock] = [heap.createQueue('f64', 1_000), heap.createLock()];
    array.push(0);
    [array, map, queue, lock].forEach((view, root) => share(heap, root, view));
    for (let round = 0; round < rounds(12, 4); round++) {
      const threads = new Threads();
      for (let thread = 0; thread < 2; thread++) threads.start(heap.token, 'everything', { thread, seed: seed + round * 2 + thread });
      await threads.ready();
      const collection = heap.collect({ kind: 'full' });
      await wait(random.below(20));
      await Promise.all(threads.workers.map((worker) => worker.terminate()));
      await collection;

      expect(lock.lock()).toBe(true);
      lock.unlock();
      const { length } = array;
      expect(array.push(-1)).toBe(length + 1);
      expect([array.pop(), array.length]).toEqual([-1, length]);
      let entries = 0;
      for (const [key, value] of map) {
        entries++;
        expect(map.get(key)).toBe(value);
      }
      expect(Math.abs(map.size - entries)).toBeLessThanOrEqual((round + 1) * 2);
      const last = [-1, -1];
      for (let value = queue.dequeue(); value !== undefined; value = queue.dequeue()) {
        const thread = threadOf(value);
        expect(value).toBeGreaterThan(last[thread]!);
        last[thread] = value;
      }
      expect(queue.length).toBe(0);
      mutator.poll();
    }
    expect(await heap.verify()).toBeGreaterThan(0);
  }, 60_000);
});
