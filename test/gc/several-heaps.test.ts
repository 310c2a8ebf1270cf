/**
 * One thread that is a mutator of several heaps: law (H) of docs/concurrency.md. Whatever the thread waits for, it holds up none of them.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram, workerFile } from '../support/children.ts';
import type { Heap, HeapToken } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { RAW_LOAD_MODES, SHORT } from '../support/modes.ts';

const CONTROL_STATE = 0;
const RUNNING = 1;
const LIMIT_MS = 120_000;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function isRunning({ allocationBuffer }: ReturnType<Heap['attachMutator']>): boolean {
  return (allocationBuffer.control[CONTROL_STATE]! & RUNNING) !== 0;
}

/** A thread that is a mutator of the heaps, and waits for something of the first. */
async function waiting(tokens: readonly HeapToken[], wait: string): Promise<Worker> {
  const worker = new Worker(workerFile('waiting-thread'), { workerData: { tokens, wait } });
  workers.push(worker);
  await once(worker, 'message');
  return worker;
}

describe('threads that are mutators of the same heaps', () => {
  const combinations = RAW_LOAD_MODES.flatMap((fault, at) =>
    (
      [
        [2, 'allocating'],
        [3, 'allocating'],
        [2, 'crossing'],
        [3, 'crossing'],
        [2, 'coming'],
        [3, 'coming'],
        [2, 'idle'],
        [3, 'idle'],
      ] as const
    )
      .filter(([heaps], i) => (at === 0 ? !SHORT || heaps === 2 + ((i >> 1) % 2) : i === at % 8))
      .map(([heaps, task]) => [fault, heaps, task] as const),
  );

  it.each(combinations)(
    'never wait for each other (fault mode %s, %i heaps, %s)',
    async (fault, heaps, task) => {
      const child = await runProgram('several-heaps', [heaps, task, fault], { limitMs: LIMIT_MS - 10_000 });
      expect(child, child.stderr).toMatchObject({ hung: false, signal: null, code: 0 });
      expect(child.stdout).toContain('all threads are done');
    },
    LIMIT_MS,
  );
});

describe('a thread with mutators of two heaps', () => {
  it.each([
    'a queue',
    'a lock',
    'a condition',
    'room in a queue',
    'a collection',
    'a function that parks all',
    'polls of the other heap',
    'the end of a pause',
    'the end of a pause, parked',
    'memory',
  ])(
    'that waits for %s of one holds up no collection of the other',
    async (wait) => {
      const first = makeHeap({ capacityBytes: '8M', workers: 0 });
      const second = makeHeap({ capacityBytes: '4M', workers: 0 });
      const thread = await waiting([first.token, second.token], wait);
      for (let i = 0; i < 3; i++) await second.collect({ kind: 'full' });
      expect(second.statistics().cycles.count).toBeGreaterThanOrEqual(3);
      await thread.terminate();
    },
    60_000,
  );

  it('has parked one of them: it stays parked, whatever the thread waits for in the other', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    const other = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    const shape = heap.defineShape({ name: 'node', fields: { next: 'ref' } });
    other.mutator.park();
    mutator.collect();
    for (let i = 0; i < 2_000_000; i++) mutator.allocate(shape);
    mutator.poll();
    mutator.parkAll(() => expect(isRunning(mutator) || isRunning(other.mutator)).toBe(false));
    mutator.parked(() => {});
    expect([isRunning(mutator), isRunning(other.mutator)]).toEqual([true, false]);
    other.mutator.poll();
    other.mutator.collect();
    expect(other.mutator.parked(() => 7)).toBe(7);
    expect([isRunning(mutator), isRunning(other.mutator)]).toEqual([true, false]);
    other.mutator.unpark();
    expect(isRunning(other.mutator)).toBe(true);
  }, 60_000);

  it('may use one heap while it has parked the other, and is as it was before when that throws', () => {
    const { mutator } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    const other = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    const shape = other.heap.defineShape({ name: 'node', fields: { next: 'ref' } });
    const during = mutator.parked(() => {
      other.mutator.allocate(shape);
      other.mutator.collect();
      return [isRunning(mutator), isRunning(other.mutator)];
    });
    expect(during).toEqual([false, true]);
    for (const thrown of [new Error('on purpose'), null, undefined, 0]) {
      const caught: unknown[] = [];
      for (const park of ['parked', 'parkAll'] as const) {
        try {
          mutator[park](() => {
            throw thrown;
          });
        } catch (error) {
          caught.push(error);
        }
        expect([isRunning(mutator), isRunning(other.mutator)]).toEqual([true, true]);
      }
      expect(caught).toEqual([thrown, thrown]);
    }
    mutator.parked(() => mutator.detach());
    expect(other.mutator.parkAll(() => (other.mutator.detach(), 3))).toBe(3);
  }, 60_000);

  it('comes to a safepoint of both: raw references of the other are old too', () => {
    const { mutator } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0, checked: true });
    const other = makeHeapWithMutator({ capacityBytes: '4M', workers: 0, checked: true });
    const shape = other.heap.defineShape({ name: 'node', fields: { next: 'ref' } });
    const ref = other.mutator.allocate(shape);
    mutator.poll();
    expect(() => other.mutator.handle(ref)).toThrow(expect.objectContaining({ code: 'ERR_STALE_REFERENCE' }));
  });
});

describe('a mutator that its program has parked', () => {
  it('takes no memory: an error says that it is parked', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    const shape = heap.defineShape({ name: 'node', fields: { next: 'ref' } });
    mutator.park();
    expect(() => mutator.allocate(shape)).toThrow(expect.objectContaining({ code: 'ERR_MUTATOR_PARKED' }));
    mutator.unpark();
    expect(mutator.allocate(shape)).toBeGreaterThan(0);
  });
});
