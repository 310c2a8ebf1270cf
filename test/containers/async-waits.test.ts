/**
 * Waiting for locks and conditions in an event loop, which goes on turning.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { code } from '../objects/support.ts';
import { CONDITION_ROOT, LOCK_ROOT, SUBJECT_ROOT } from '../support/container-subjects.mjs';
import type { Heap, HeapArray, HeapCondition, HeapLock } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

interface Made {
  readonly heap: Heap;
  readonly lock: HeapLock;
  readonly condition: HeapCondition;
  readonly array: HeapArray<'f64'>;
}

function make(options = {}): Made {
  const { heap } = makeHeapWithMutator({ capacityBytes: '8M', ...options });
  const [lock, condition, array] = [heap.createLock(), heap.createCondition(), heap.createArray('f64')];
  array.push(0);
  array.push(0);
  heap.roots.slots[SUBJECT_ROOT] = array.ref;
  heap.roots.slots[LOCK_ROOT] = lock.ref;
  heap.roots.slots[CONDITION_ROOT] = condition.ref;
  return { heap, lock, condition, array };
}

const REASON = new RangeError('on purpose');
function abortsSoon(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(REASON), 5);
  return controller.signal;
}

describe.each([{}, { checked: true }])('a lock that is awaited, in a heap with %o', (options) => {
  it('goes from task to task of a thread: one has it at a time', async () => {
    const { heap, lock } = make(options);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const task = async (number: number): Promise<number> =>
      lock.runAsync(async () => {
        most = Math.max(most, ++inside);
        expect(lock.owned).toBe(true);
        await wait(1);
        if (number === 1) await heap.collect({ kind: 'full' });
        order.push(number);
        inside--;
        return number;
      });
    expect(await Promise.all([1, 2, 3, 4].map(task))).toEqual([1, 2, 3, 4]);
    expect([most, inside, order.length, lock.owned]).toEqual([1, 0, 4, false]);
  });

  it('is released when the block ends, whatever ends it, and only once', async () => {
    const { lock } = make(options);
    const held = await lock.acquire();
    expect([lock.owned, await lock.lockAsync({ timeoutMs: 0 }), await lock.lockAsync({ timeoutMs: 5 })]).toEqual([true, false, false]);
    held[Symbol.dispose]();
    const second = await lock.acquire();
    held.release();
    expect(lock.owned).toBe(true);
    second.release();
    await expect(lock.runAsync(() => Promise.reject(REASON))).rejects.toBe(REASON);
    const thrown = (): never => {
      throw REASON;
    };
    await expect(lock.runAsync(thrown)).rejects.toBe(REASON);
    expect([lock.owned, await lock.runAsync(() => 5), lock.owned]).toEqual([false, 5, false]);
    await expect(lock.runAsync(5 as any)).rejects.toThrow(code('ERR_OPTION') as Error);
  });

  it('is not taken when the signal aborts, or the time is over', async () => {
    const { lock } = make(options);
    const held = await lock.acquire();
    await expect(lock.acquire({ signal: abortsSoon() })).rejects.toBe(REASON);
    await expect(lock.lockAsync({ timeoutMs: -1 })).rejects.toThrow(code('ERR_OPTION') as Error);
    held.release();
    await expect(lock.acquire({ signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    expect(lock.owned).toBe(false);
    const other = await lock.acquire();
    const waiting = lock.acquire();
    lock.release();
    await expect(waiting).rejects.toThrow(code('ERR_VIEW_RELEASED') as Error);
    expect(() => other.release()).toThrow(code('ERR_VIEW_RELEASED'));
  });
});

describe('a lock that is awaited', () => {
  it('keeps threads apart, those that block and those that do not', async () => {
    const { heap, lock, array } = make();
    const threads = new Threads();
    threads.start(heap.token, 'locked', { seed: seedOfTest() });
    await threads.ready();
    let added = 0;
    for (; added < 200; added++) {
      await lock.runAsync(async () => {
        expect(array.get(0)).toBe(array.get(1));
        array.set(0, array.get(0) + 1);
        if (added % 20 === 0) await wait(1);
        array.set(1, array.get(1) + 1);
      });
    }
    const [worker] = (await threads.finish<{ added: number }>()) as [{ added: number }];
    expect([array.get(0), array.get(1)]).toEqual([added + worker.added, added + worker.added]);
  }, 30_000);

  it('is taken over from a thread that has ended with it, and is abandoned then', async () => {
    const { heap, lock } = make();
    const threads = new Threads();
    const worker = threads.start(heap.token, 'holdLock');
    await threads.ready();
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const waiting = lock.lockAsync();
    expect(await lock.lockAsync({ timeoutMs: 20 })).toBe(false);
    await worker.terminate();
    expect([await waiting, lock.owned, lock.abandoned, turns > 0]).toEqual([true, true, true, true]);
    clearInterval(turning);
    lock.declareRepaired();
    lock.unlock();
  }, 30_000);
});

describe('a condition that is awaited', () => {
  it('is told of what another thread does, as often as that does it', async () => {
    const { heap, lock, condition, array } = make();
    const threads = new Threads();
    threads.start(heap.token, 'turns', { thread: 0, threads: 2, seed: seedOfTest() });
    await threads.ready();
    for (let taken = 0; taken < 50; taken++) {
      await lock.lockAsync();
      while (array.get(0) % 2 !== 1) await condition.waitAsync(lock);
      array.set(0, array.get(0) + 1);
      condition.notifyAll();
      lock.unlock();
    }
    const [worker] = (await threads.finish<{ taken: number }>()) as [{ taken: number }];
    expect(array.get(0)).toBe(50 + worker.taken);
  }, 30_000);

  it('wakes the tasks of the same thread', async () => {
    const { lock, condition } = make({ checked: true });
    const woken: number[] = [];
    let waiting = 0;
    const task = (number: number): Promise<void> =>
      lock.runAsync(async () => {
        waiting++;
        expect(await condition.waitAsync(lock)).toBe(true);
        expect(lock.owned).toBe(true);
        woken.push(number);
      });
    const tasks = [task(1), task(2)];
    while (waiting < 2) await wait(1);
    await lock.runAsync(() => condition.notifyAll());
    await Promise.all(tasks);
    expect([woken.sort(), lock.owned]).toEqual([[1, 2], false]);
  });

  it('gives the lock back to who waits, however the wait ends', async () => {
    const { heap, lock, condition } = make();
    await expect(condition.waitAsync(lock)).rejects.toThrow(code('ERR_LOCK_NOT_OWNED') as Error);
    await lock.lockAsync();
    expect([await condition.waitAsync(lock, { timeoutMs: 5 }), lock.owned]).toEqual([false, true]);
    await expect(condition.waitAsync(lock, { signal: abortsSoon() })).rejects.toBe(REASON);
    expect(lock.owned).toBe(true);
    await expect(condition.waitAsync(lock, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    await expect(condition.waitAsync(heap.createArray('f64') as any)).rejects.toThrow(code('ERR_OPTION') as Error);
    expect(lock.owned).toBe(true);
    lock.unlock();
  });
});
