/**
 * Growable arrays in one thread: against a model, at segment boundaries, and what they refuse.
 */
import { describe, expect, it, vi } from 'vitest';
import { binding } from '../../dist/binding.js';
import { code, LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { internalsOf } from '../support/internals.ts';
import { MODES, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import type { ValueKind } from '../support/faultline.ts';

/** The first index of each segment, and its neighbours. */
const BORDERS = [0, 1, 7, 8, 9, 23, 24, 25, 55, 56, 57, 119, 120, 121, 8_183, 8_184, 8_185];
const VALUES: Readonly<Record<Exclude<ValueKind, 'ref'>, readonly unknown[]>> = {
  string: ['', 'text', 'ümlaut', '☃', '\ud800', null],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  f32: [Math.fround(0.1), -Infinity, NaN],
  f64: [0.1, -0, NaN],
  i64: [-(2n ** 63n), 5n],
  u64: [2n ** 64n - 1n],
};

describe.each(MODES)('a growable array (fault mode %s)', (fault) => {
  it('is what a JavaScript array would be, while it is compacted', () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, stressEvery: 400 });
    const array = heap.createArray('string');
    const model: string[] = [];
    for (let step = 0; step < rounds(8_000, 2_000); step++) {
      const text = `value ${step}`;
      const choice = random.below(10);
      if (choice < 5) expect(array.push(text)).toBe(model.push(text));
      else if (choice < 7) expect(array.pop()).toBe(model.pop());
      else if (model.length > 0) {
        const index = random.below(model.length);
        array.set(index, (model[index] = text));
      }
      if (model.length > 0) {
        const index = random.below(model.length);
        expect(array.get(index)).toBe(model[index]);
      }
      expect(array.length).toBe(model.length);
    }
    mutator.collect({ kind: 'full' });
    expect(array.toArray()).toEqual(model);
  });

  it('is found where it has moved to when another thread had the lock meanwhile', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const { arrays } = heap.containers;
    const array = heap.createArray('u32');
    const { lock, version } = heap.shape('faultline.array.u32').offsets;
    array.push(7);
    const slotOf = (offset: number | undefined): number => array.ref * 2 + offset!;
    const garbage = heap.defineShape(LEAF);
    let moved = 0;
    /** Everything is collected while the operation rests for the first time; then the lock is free. */
    const whileLocked = <T>(operation: () => T): T => {
      for (let i = 0; i < 50_000; i++) mutator.allocate(garbage);
      const before = array.ref;
      const rest = vi.spyOn(internalsOf(mutator), 'rest').mockImplementation(() => {
        mutator.collect({ kind: 'full' });
        if (array.ref !== before) moved++;
        mutator.u32[slotOf(lock)] = 0;
        mutator.u32[slotOf(version)]!++;
      });
      mutator.u32[slotOf(lock)] = 1;
      mutator.u32[slotOf(version)]!++;
      try {
        return operation();
      } finally {
        rest.mockRestore();
      }
    };
    const beyond = 'index of the array must be an integer from 0 to 0, got 1';
    expect(whileLocked(() => arrays.get(array.ref, 0))).toBe(7);
    expect(whileLocked(() => arrays.find(array.ref, 0))).toBe(7);
    expect(whileLocked(() => arrays.find(array.ref, 1))).toBe(undefined);
    expect(() => whileLocked(() => arrays.get(array.ref, 1))).toThrow(beyond);
    expect(() => whileLocked(() => arrays.set(array.ref, 1, 9))).toThrow(beyond);
    whileLocked(() => arrays.set(array.ref, 0, 8));
    expect(whileLocked(() => arrays.push(array.ref, 9))).toBe(2);
    expect(whileLocked(() => arrays.pop(array.ref))).toBe(9);
    expect(array.toArray()).toEqual([8]);
    expect(moved).toBeGreaterThan(0);
  });

  it('grows without a rest while nobody else has it', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const rest = vi.spyOn(internalsOf(mutator), 'rest');
    const array = heap.createArray('u32');
    for (let i = 0; i < 1_000; i++) array.push(i);
    expect(rest).not.toHaveBeenCalled();
    rest.mockRestore();
  });

  it('gives back every element on either side of the borders of its segments', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const array = heap.createArray('u32');
    const most = BORDERS.at(-1)!;
    for (let i = 0; i <= most; i++) array.push(i * 3);
    mutator.collect({ kind: 'full' });
    for (const index of BORDERS) expect(array.get(index)).toBe(index * 3);
    for (let i = most; i >= 0; i--) expect(array.pop()).toBe(i * 3);
    expect(array.pop()).toBe(undefined);
    for (const index of BORDERS) expect(() => array.get(index)).toThrow(code('ERR_OPTION'));
  });

  it('lets go of what was popped, and of the memory that it no longer needs', async () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const leaf = heap.defineShape(LEAF);
    const array = heap.createArray('ref');
    for (let number = 0; number < 1_000; number++) {
      const view = heap.create(leaf, { number });
      array.push(view);
      view.release();
    }
    // 1,000 elements fill the first six segments and part of the seventh.
    expect(await heap.verify()).toBe(1 + 7 + 1_000);
    for (let i = 0; i < 995; i++) (array.pop() as { release(): void }).release();
    // The second segment stays until the first is half empty: elements may come back.
    expect(await heap.verify()).toBe(1 + 2 + 5);
    for (let i = 0; i < 2; i++) (array.pop() as { release(): void }).release();
    expect(await heap.verify()).toBe(1 + 1 + 3);
  });
});

describe('a growable array', () => {
  it.each(Object.entries(VALUES))('of %s gives back what went in', (kind, values) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked: true });
    const array = heap.createArray(kind as ValueKind);
    for (const value of values) array.push(value as never);
    mutator.collect({ kind: 'full' });
    expect([...array]).toEqual(values);
    values.forEach((value, i) => array.set(i, value as never));
    expect(array.toArray()).toEqual(values);
    expect(array.kind).toBe(kind);
  });

  it('refuses indices beyond its end and values of another kind, and stays as it was', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const numbers = heap.createArray('f64');
    expect(() => numbers.get(0)).toThrow(/none \(there are no elements\)/);
    numbers.push(1);
    for (const index of [1, -1, 0.5, NaN, 2 ** 32, '0' as never]) {
      expect(() => numbers.get(index)).toThrow(code('ERR_OPTION'));
      expect(() => numbers.set(index, 2)).toThrow(code('ERR_OPTION'));
    }
    for (const value of ['1', null, undefined, 1n, {}]) {
      expect(() => numbers.push(value as never)).toThrow(code('ERR_OPTION'));
      expect(() => numbers.set(0, value as never)).toThrow(code('ERR_OPTION'));
    }
    expect(() => heap.createArray('i64').push(1 as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.createArray('string').push(1 as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.createArray('ref').push('x' as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.createArray('u8' as never)).toThrow(code('ERR_OPTION'));
    expect(numbers.toArray()).toEqual([1]);
  });

  it('keeps what it had when the heap is full', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const array = heap.createArray('f64');
    let pushed = 0;
    expect(() => {
      for (;;) pushed = array.push(pushed);
    }).toThrow(code('ERR_HEAP_EXHAUSTED'));
    expect(array.length).toBe(pushed);
    expect(array.get(pushed - 1)).toBe(pushed - 1);
    expect(array.pop()).toBe(pushed - 1);
    expect(array.push(7)).toBe(pushed);
    mutator.poll();
  });

  it('does the same by raw references', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const { arrays } = heap.containers;
    mutator.scope(() => {
      const array = mutator.local(arrays.allocate('i32'));
      for (let i = 0; i < 100; i++) arrays.push(mutator.get(array), -i);
      const ref = mutator.get(array);
      expect([arrays.length(ref), arrays.get(ref, 99), arrays.find(ref, 100), arrays.pop(ref)]).toEqual([100, -99, undefined, -99]);
      expect(() => arrays.get(ref, 99)).toThrow(code('ERR_OPTION'));
      expect(() => heap.containers.queues.length(ref)).toThrow(code('ERR_WRONG_SHAPE'));
      expect(() => heap.containers.maps.size(ref)).toThrow(code('ERR_WRONG_SHAPE'));
      expect(() => heap.containers.locks.lock(ref)).toThrow(code('ERR_WRONG_SHAPE'));
      expect(() => heap.containers.conditions.notifyAll(ref)).toThrow(code('ERR_WRONG_SHAPE'));
    });
  });

  it('is of no other heap, and made by nothing else', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const other = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' }).heap;
    const array = heap.createArray('ref');
    expect(() => array.push(other.createArray('ref'))).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => heap.cursor(array.shape)).toThrow(code('ERR_OPTION'));
    expect(() => heap.create(array.shape)).toThrow(code('ERR_OPTION'));
    expect(array.length).toBe(0);
  });
});

describe('making a container', () => {
  it('defines its shapes once for each kind', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const make = (): void => {
      for (const kind of ['u32', 'string'] as const) {
        heap.createArray(kind);
        heap.createMap('string', kind);
        heap.createMap('f64', kind);
        heap.createQueue(kind, 8);
      }
      heap.createLock();
      heap.createCondition();
    };
    make();
    const defining = vi.spyOn(binding(), 'defineShape');
    make();
    expect(defining).not.toHaveBeenCalled();
    heap.createArray('f64');
    expect(defining).toHaveBeenCalled();
    defining.mockRestore();
  });
});

it('the deprecated name of the containers leads to them', () => {
  const { heap } = makeHeapWithMutator({ capacityBytes: '2M' });
  expect(heap.collections).toBe(heap.containers);
});
