/**
 * Interruptions: JavaScript is cut short between any two of its steps, and its thread lives on. Whatever the operation and wherever it is
 * cut short, it has happened or it has not; the mutator works, and nothing is lost or leaked. docs/interruptions.md has the sequences.
 */
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type AnyView, binding, type Mutator } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { interruptions } from '../support/interruptions.ts';
import { seedOfTest } from '../support/seeds.ts';
import { SUBJECTS } from './interruption-subjects.ts';
import { expectLeftAsItWas } from './left-as-it-was.ts';

const WAYS = interruptions(binding() as unknown as Record<string, (...words: unknown[]) => unknown>);

describe.each(WAYS)('$name leaves everything as it was, or done:', (way) => {
  it.each(Object.keys(SUBJECTS))('%s', async (name) => {
    const interrupted = await expectLeftAsItWas(makeHeap({ capacityBytes: '64M', workers: 0 }), name, way, seedOfTest());
    // Subjects without a native call have nowhere to be cut by one.
    if (!/native/.test(way.name)) expect(interrupted).toBeGreaterThan(3);
  });
});

describe('a thread that was interrupted while it became a mutator, or ceased to be one', () => {
  it.each(WAYS)('becomes one again: $name', (way) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    mutator.detach();
    const made: { mutator: Mutator | undefined } = { mutator: undefined };
    way.run(
      () => {
        if (made.mutator === undefined) made.mutator = heap.attachMutator({ handleCapacity: 4, localCapacity: 4 });
        made.mutator.detach();
        made.mutator = undefined;
      },
      () => {
        made.mutator?.detach();
        made.mutator = undefined;
        const again = heap.attachMutator();
        again.detach();
      },
      seedOfTest(),
    );
  });
});

describe('an element that cannot be handed out', () => {
  it('because no handle is left stays where it is', () => {
    const { heap, mutator: first } = makeHeapWithMutator({ capacityBytes: '4M', workers: 0 });
    first.detach();
    const mutator = heap.attachMutator({ handleCapacity: 8 });
    const Leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
    const [array, queue] = [heap.createArray('ref'), heap.createQueue('ref')];
    const leaf = heap.create(Leaf, { number: 7 });
    array.push(leaf as AnyView);
    queue.enqueue(leaf as AnyView);
    const token = heap.offer(leaf);
    leaf.release();
    const handles: number[] = [];
    const fill = (): void => {
      for (;;) handles.push(mutator.handle(0));
    };
    const exhausted = expect.objectContaining({ code: 'ERR_HANDLES_EXHAUSTED' });
    expect(fill).toThrow(exhausted);
    const takers: (() => unknown)[] = [() => array.pop(), () => queue.dequeue(), () => queue.dequeueWait(0), () => heap.redeem(token)];
    for (const take of takers) expect(take).toThrow(exhausted);
    expect([array.length, queue.length]).toEqual([1, 1]);
    for (const handle of handles) mutator.release(handle);
    const taken = [array.pop(), queue.dequeue(), heap.redeem(token)];
    expect(taken.map((view) => (view as unknown as { number: number }).number)).toEqual([7, 7, 7]);
  });
});

it('a large object whose zeroing a time limit cuts takes no memory', () => {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', workers: 0 });
  const Bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
  const script = new vm.Script('allocate()');
  const context = vm.createContext({ allocate: () => mutator.allocate(Bytes, 100 * 2 ** 20) });
  const cut = (): boolean => {
    try {
      script.runInContext(context, { timeout: 1 });
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' });
      return true;
    }
  };
  while (!cut()) mutator.collect({ kind: 'full' });
  mutator.collect({ kind: 'full' });
  expect(heap.statistics().usedBytes).toBeLessThan(2 ** 20);
});
