/**
 * Large heaps: objects beyond the 4 GiB that typed arrays of bytes can reach are views like all others. Large objects lie at the end
 * of the heap, so that few MiB are used.
 */
import { describe, expect, it } from 'vitest';
import type { FieldKind, HeapString } from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';
import { LIMITS } from './support.ts';

const COUNT = 1_200_000;

describe('an object beyond the reach of a view of bytes', () => {
  it.each(['u8', 'i8', 'u16', 'i16', 'f64'] as const)('has fields and elements of kind %s', (kind) => {
    const heap = makeHeap({ capacityBytes: '9G', fault: 'stw', workers: 0, verify: false });
    const mutator = heap.attachMutator();
    const limits = LIMITS[kind];
    const shape = heap.defineShape({
      name: 's',
      fields: { a: kind as FieldKind as 'u8', b: 'bool', c: 'u8' },
      elements: kind as FieldKind as 'u8',
    });
    const view = heap.create(shape, { a: limits[0]! }, COUNT);
    expect(view.ref * 8).toBeGreaterThan(2 ** 33);
    expect([view.a, view.b, view.c]).toEqual([limits[0], false, 0]);
    view.a = limits[1]!;
    view.b = true;
    expect([view.a, view.b, view.c]).toEqual([limits[1], true, 0]);
    for (const [i, value] of limits.entries()) view.elements.set(COUNT - 1 - i, value);
    view.elements.copyFrom([...limits], 5);
    const copied: number[] = new Array<number>(limits.length);
    view.elements.copyTo(copied, 5, 5 + limits.length);
    expect(copied).toEqual([...limits]);
    expect([...limits.keys()].map((i) => view.elements.get(COUNT - 1 - i))).toEqual([...limits]);
    expect([view.elements.get(4), view.elements.get(5 + limits.length)]).toEqual([0, 0]);
    mutator.detach();
  });

  it.each(['a', 'ä', '字'])('is a string of %s', (unit) => {
    const heap = makeHeap({ capacityBytes: '9G', fault: 'stw', workers: 0, verify: false });
    heap.attachMutator();
    const text = `${unit.repeat(COUNT)}end`;
    const string: HeapString = heap.string(text);
    expect(string.ref * 8).toBeGreaterThan(2 ** 33);
    expect(string.toString() === text).toBe(true);
    expect(string.equals(text)).toBe(true);
    expect(string.charCodeAt(COUNT)).toBe('e'.charCodeAt(0));
  });
});
