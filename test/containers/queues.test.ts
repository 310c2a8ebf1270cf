/**
 * Queues in one thread and between two: order, capacity, waiting.
 */
import { describe, expect, it } from 'vitest';
import { code, LEAF } from '../objects/support.ts';
import { runProgram } from '../support/children.ts';
import { SUBJECT_ROOT } from '../support/container-subjects.mjs';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

describe.each(MODES)('a queue (fault mode %s)', (fault) => {
  it.each([1, 5, Infinity])('for %s elements is first in, first out, while it is compacted', (capacity) => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, stressEvery: 300 });
    const queue = heap.createQueue('string', capacity);
    const model: string[] = [];
    for (let step = 0; step < rounds(4_000, 1_000); step++) {
      if (random.chance(1, 2)) {
        const accepted = model.length < capacity;
        expect(random.chance(1, 2) ? queue.enqueue(`${step}`) : queue.enqueueWait(`${step}`, 0)).toBe(accepted);
        if (accepted) model.push(`${step}`);
      } else {
        expect(random.chance(1, 2) ? queue.dequeue() : queue.dequeueWait(0)).toBe(model.shift());
      }
      expect(queue.length).toBe(model.length);
      if (random.chance(1, 50)) expect([...queue]).toEqual(model);
    }
    mutator.collect({ kind: 'full' });
    expect(queue.toArray()).toEqual(model);
    expect(queue.capacity).toBe(capacity);
  });

  it('wakes a thread that waits for an element, which does not hold up collections', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const queue = heap.createQueue('f64');
    heap.roots.slots[SUBJECT_ROOT] = queue.ref;
    const threads = new Threads();
    for (let thread = 0; thread < 2; thread++) threads.start(heap.token, 'waitForElement', { thread });
    await threads.ready();
    for (let i = 0; i < 3; i++) await heap.collect({ kind: 'full' });
    queue.enqueue(5);
    queue.enqueue(6);
    const values = (await threads.finish<{ value: number }>()).map(({ value }) => value);
    expect(values.sort()).toEqual([5, 6]);
  });
});

describe('a queue', () => {
  it('lets go a thread that is terminated while it waits, and serves the others', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M' });
    const queue = heap.createQueue('f64');
    heap.roots.slots[SUBJECT_ROOT] = queue.ref;
    const terminated = new Threads();
    const worker = terminated.start(heap.token, 'waitForElement');
    const waiting = new Threads();
    waiting.start(heap.token, 'waitForElement');
    await Promise.all([terminated.ready(), waiting.ready()]);
    await worker.terminate();
    await heap.collect({ kind: 'full' });
    queue.enqueue(7);
    expect(await waiting.finish()).toEqual([{ value: 7 }]);
    expect(heap.statistics().mutators).toBe(1);
  });

  it('that stays empty lets a thread that waits go when its time is over, and not before', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const queue = heap.createQueue('f64', 2);
    const begin = performance.now();
    expect(queue.dequeueWait(60)).toBe(undefined);
    queue.enqueue(1);
    queue.enqueue(2);
    expect(queue.enqueueWait(3, 60)).toBe(false);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(119);
    expect(queue.toArray()).toEqual([1, 2]);
    for (const timeout of [-1, NaN, '1', null]) {
      expect(() => queue.dequeueWait(timeout as never)).toThrow(code('ERR_OPTION'));
      expect(() => queue.enqueueWait(3, timeout as never)).toThrow(code('ERR_OPTION'));
    }
    expect(queue.length).toBe(2);
  });

  it('makes room for a thread that waits for it', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M' });
    const queue = heap.createQueue('f64', 1);
    queue.enqueue(-1);
    heap.roots.slots[SUBJECT_ROOT] = queue.ref;
    const threads = new Threads();
    threads.start(heap.token, 'produce', { thread: 0, seed: 3 });
    await threads.ready();
    expect(queue.dequeueWait()).toBe(-1);
    for (let i = 0; i < 200; i++) expect(queue.dequeueWait()).toBe(i);
    const [{ produced }] = (await threads.finish<{ produced: number }>()) as [{ produced: number }];
    expect(produced).toBe(200 + queue.length);
  });

  it('gives back null and 0 for what they are', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const [references, numbers, integers] = [heap.createQueue('ref'), heap.createQueue('f64'), heap.createQueue('i64')];
    references.enqueue(null);
    numbers.enqueue(0);
    integers.enqueue(0n);
    expect([references.dequeue(), numbers.dequeue(), integers.dequeue()]).toEqual([null, 0, 0n]);
    expect([references.dequeue(), numbers.dequeue(), integers.dequeue()]).toEqual([undefined, undefined, undefined]);
  });

  it('lets go of what was taken out', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const leaf = heap.defineShape(LEAF);
    const queue = heap.createQueue('ref');
    const empty = await heap.verify();
    for (let number = 0; number < 1_000; number++) heap.create(leaf, { number }).release();
    for (let number = 0; number < 1_000; number++) {
      const view = heap.create(leaf, { number });
      queue.enqueue(view);
      view.release();
    }
    expect(await heap.verify()).toBe(empty + 2_000);
    for (let number = 0; number < 1_000; number++) {
      const view = queue.dequeue() as unknown as { number: number; release(): void };
      expect(view.number).toBe(number);
      view.release();
    }
    expect(await heap.verify()).toBe(empty);
  });

  it('refuses values of another kind and impossible capacities', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const queue = heap.createQueue('f64');
    for (const value of ['1', null, 1n]) expect(() => queue.enqueue(value as never)).toThrow(code('ERR_OPTION'));
    for (const capacity of [0, -1, 0.5, NaN, 2 ** 31 + 1, '5']) {
      expect(() => heap.createQueue('f64', capacity as never)).toThrow(code('ERR_OPTION'));
    }
    expect(() => heap.createQueue('u8' as never)).toThrow(code('ERR_OPTION'));
    expect(queue.length).toBe(0);
  });
});

describe('a wait with a time limit', () => {
  it("ends after its time where the program has put a clock of its own in the place of the system's", async () => {
    const child = await runProgram('fake-clock', [], { limitMs: 20_000 });
    expect(child, child.stderr).toMatchObject({ hung: false, code: 0, stdout: 'all waits have ended\n' });
  }, 30_000);
});
