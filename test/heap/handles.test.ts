/**
 * Roots: handles, scopes, root ranges, the slots that all threads share. A root keeps its object alive and follows it; a former root
 * keeps nothing alive.
 */
import { describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';

const EXHAUSTED = expect.objectContaining({ code: 'ERR_HANDLES_EXHAUSTED' });

function setUp(fault: (typeof MODES)[number], options: { handleCapacity?: number; localCapacity?: number } = {}) {
  const { heap, mutator: first } = makeHeapWithMutator({ capacityBytes: '8M', fault });
  first.detach();
  const mutator = heap.attachMutator(options);
  const shape = heap.defineShape({ name: 'cell', fields: { next: 'ref', value: 'u32' } });
  const make = (value: number): number => {
    // In front of each object some garbage, so that it has a reason to move.
    for (let i = 0; i < 200; i++) mutator.allocate(shape);
    const ref = mutator.allocate(shape);
    mutator.u32[ref * 2 + 3] = value;
    return ref;
  };
  const valueAt = (ref: number): number => mutator.u32[ref * 2 + 3]!;
  const live = (): number => {
    mutator.collect({ kind: 'full' });
    return heap.statistics().liveBytes / 16;
  };
  return { heap, mutator, shape, make, valueAt, live };
}

describe.each(MODES)('roots (fault mode %s)', (fault) => {
  it('lead to the same object after it has moved', () => {
    const { heap, mutator, make, valueAt, live } = setUp(fault);
    const range = mutator.createRootRange(10);
    const places: [string, () => number][] = [];
    const addresses: number[] = [];
    const add = (what: string, ref: number, get: () => number): void => {
      addresses.push(ref);
      places.push([what, get]);
    };
    mutator.scope(() => {
      for (let i = 0; i < 10; i++) {
        const ref = make(3 * i);
        const handle = mutator.handle(ref);
        const local = mutator.local(make(3 * i + 1));
        range.slots[i] = make(3 * i + 2);
        range.used = i + 1;
        add('handle', mutator.get(handle), () => mutator.get(handle));
        add('local', mutator.get(local), () => mutator.get(local));
        add('range', range.slots[i]!, () => range.slots[i]!);
      }
      heap.roots.slots[1023] = make(30);
      add('shared root', heap.roots.slots[1023]!, () => heap.roots.slots[1023]!);
      expect(live()).toBe(31);
      expect(places.map(([what, get]) => `${what} ${valueAt(get())}`)).toEqual(places.map(([what], i) => `${what} ${i}`));
      expect(places.filter(([, get], i) => get() !== addresses[i]).length).toBeGreaterThan(20);
    });
  });

  it('lead to the same objects where there are thousands, whatever is stored between two collections', () => {
    const { mutator, shape, valueAt, live } = setUp(fault);
    const COUNT = 3000;
    const range = mutator.createRootRange(COUNT);
    let made = 0;
    const make = (): number => {
      mutator.allocate(shape);
      const ref = mutator.allocate(shape);
      mutator.u32[ref * 2 + 3] = ++made;
      return ref;
    };
    const handles = Array.from({ length: COUNT }, () => mutator.handle(make()));
    range.slots.forEach((_, i, slots) => (slots[i] = make()));
    range.used = COUNT;
    const inHandles = handles.map((_, i) => i + 1);
    const inRange = handles.map((_, i) => COUNT + i + 1);
    for (let round = 0; round < 4; round++) {
      expect(live()).toBe(new Set([...inHandles, ...inRange.slice(0, range.used)]).size);
      expect(handles.map((handle) => valueAt(mutator.get(handle)))).toEqual(inHandles);
      expect(Array.from(range.slots.subarray(0, range.used), valueAt)).toEqual(inRange.slice(0, range.used));
      for (let i = round; i < COUNT; i += 97) {
        mutator.release(handles[i]!);
        handles[i] = mutator.handle(make());
        inHandles[i] = made;
        const other = (i * 31) % COUNT;
        range.slots[other] = mutator.get(handles[i]!);
        inRange[other] = made;
      }
      // What does not count any more is left as it is.
      range.used = COUNT - 500 * (round % 2);
      for (let i = COUNT - 500; i < range.used; i++) {
        range.slots[i] = make();
        inRange[i] = made;
      }
    }
  });

  it('that are released keep nothing alive, and their slots are used again', () => {
    const { mutator, make, live } = setUp(fault, { handleCapacity: 3 });
    const [a, b, c] = [mutator.handle(make(1)), mutator.handle(make(2)), mutator.handle(make(3))];
    expect(() => mutator.handle(0)).toThrow(EXHAUSTED);
    expect(live()).toBe(3);
    mutator.release(b!);
    mutator.set(c!, 0);
    expect(live()).toBe(1);
    expect(mutator.handle(make(4))).toBe(b);
    expect(() => mutator.handle(0)).toThrow(EXHAUSTED);
    expect(live()).toBe(2);
    expect(mutator.get(a!)).not.toBe(0);
  });

  it('of a scope end with it, also when it throws, and scopes nest', () => {
    const { mutator, make, valueAt, live } = setUp(fault, { localCapacity: 2 });
    mutator.scope(() => {
      const outer = mutator.local(make(1));
      mutator.scope(() => {
        mutator.local(make(2));
        expect(() => mutator.local(0)).toThrow(EXHAUSTED);
        expect(live()).toBe(2);
      });
      expect(live()).toBe(1);
      expect(() =>
        mutator.scope(() => {
          mutator.local(make(3));
          throw new Error('on purpose');
        }),
      ).toThrow('on purpose');
      expect(live()).toBe(1);
      expect(valueAt(mutator.get(outer))).toBe(1);
    });
    expect(live()).toBe(0);
  });

  it('of a range count as far as it is used, and not at all when it is released', () => {
    const { mutator, make, live } = setUp(fault);
    const range = mutator.createRootRange(100);
    for (let i = 0; i < 100; i++) range.slots[i] = make(i);
    // Beyond `used` the slots were no roots: what they led to is gone.
    expect(live()).toBe(0);
    range.slots.fill(0);
    for (let i = 0; i < 40; i++) {
      range.slots[i] = make(i);
      range.used = i + 1;
    }
    expect(live()).toBe(40);
    range.used = 7;
    expect(live()).toBe(7);
    range.release();
    expect(live()).toBe(0);
    range.release();
  });

  it('of a detached mutator keep nothing alive and lead nowhere', () => {
    const { heap, mutator, make } = setUp(fault);
    const handle = mutator.handle(make(1));
    mutator.createRootRange(4).slots[0] = make(2);
    mutator.detach();
    expect(mutator.get(handle)).toBe(0);
    expect(() => mutator.handle(0)).toThrow(expect.objectContaining({ code: 'ERR_MUTATOR_DETACHED' }));
    heap.attachMutator().collect({ kind: 'full' });
    expect(heap.statistics().liveBytes).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 28 + 1])('cannot be made with a capacity of %j', (capacity) => {
    const { heap, mutator } = setUp(fault);
    expect(() => mutator.createRootRange(capacity)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    mutator.detach();
    expect(() => heap.attachMutator({ handleCapacity: capacity })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => heap.attachMutator({ localCapacity: capacity })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
  });

  it('do not count beyond their range', () => {
    const { mutator } = setUp(fault);
    const range = mutator.createRootRange(4);
    for (const used of [-1, 5, 0.5]) {
      expect(() => {
        range.used = used;
      }).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    }
    expect(range.used).toBe(0);
  });
});
