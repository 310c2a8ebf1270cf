/**
 * Tagged slots: small integers beside references, as fields and as elements.
 */
import { describe, expect, it } from 'vitest';
import { isSmallInteger, MAX_SMALL_INTEGER, MIN_SMALL_INTEGER, smallInteger, tagSmallInteger } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MODES } from '../support/modes.ts';

const INTEGERS = [0, 1, -1, 2, -2, 1000, -1000, 2 ** 29, -(2 ** 29), MAX_SMALL_INTEGER, MIN_SMALL_INTEGER];

describe('a small integer', () => {
  it.each(INTEGERS)('comes out as it went in: %i', (value) => {
    const slot = tagSmallInteger(value);
    expect(isSmallInteger(slot)).toBe(true);
    expect(smallInteger(slot)).toBe(value);
    expect(new Int32Array(Uint32Array.of(slot).buffer)[0]).toBeLessThan(0);
  });

  it.each([MAX_SMALL_INTEGER + 1, MIN_SMALL_INTEGER - 1, 0.5, NaN, Infinity])('is refused when it does not fit: %d', (value) => {
    expect(() => tagSmallInteger(value)).toThrow(expect.objectContaining({ name: 'RangeError', code: 'ERR_OPTION' }));
  });

  it('is no reference, and no reference is one', () => {
    for (const ref of [0, 512, 2 ** 31 - 1]) expect(isSmallInteger(ref)).toBe(false);
  });
});

describe.each(MODES.flatMap((fault) => MARKERS.map((marker) => ({ fault, marker }))))(
  'in mode $fault with marker $marker',
  ({ fault, marker }) => {
    it('tagged fields and elements keep integers and follow objects', () => {
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, marker, barrieredStores: true });
      const shape = heap.defineShape({
        name: 'cell',
        fields: { identity: 'f64', next: 'ref', first: 'tagged', byte: 'u8', second: 'tagged' },
        elements: 'tagged',
      });
      expect([shape.refCount, shape.taggedCount]).toEqual([1, 2]);
      const { u32, f64 } = mutator;
      const identity = shape.field('identity').offset;
      const [first, second] = [shape.field('first').offset, shape.field('second').offset];
      const make = (id: number, count: number): number => {
        const ref = mutator.allocate(shape, count);
        f64[ref + identity] = id;
        return ref;
      };
      const count = 5000;
      const owner = mutator.handle(make(-1, count));
      for (let i = 0; i < count; i++) {
        const ref = make(i, i % 3);
        u32[ref * 2 + first] = tagSmallInteger(i);
        const slot = mutator.get(owner) * 2 + shape.elementsOffset + i;
        mutator.setReference(slot, i % 2 === 0 ? ref : tagSmallInteger(-i));
        if (i === 10) u32[mutator.get(owner) * 2 + second] = ref;
      }
      for (let round = 0; round < 3; round++) {
        mutator.collect({ kind: 'full' });
        const base = mutator.get(owner) * 2;
        expect(u32[base + second]).toBe(u32[base + shape.elementsOffset + 10]);
        for (let i = 0; i < count; i++) {
          const value = u32[base + shape.elementsOffset + i]!;
          if (i % 2 !== 0) {
            expect(smallInteger(value)).toBe(-i);
            continue;
          }
          expect(f64[value + identity]).toBe(i);
          expect(smallInteger(u32[value * 2 + first]!)).toBe(i);
          // An integer takes an object's place, and the other way round, through the write barrier.
          if (i % 10 === 2 * round) mutator.setReference(base + shape.elementsOffset + i + 1, value);
          mutator.setReference(base + shape.elementsOffset + i + 1, tagSmallInteger(-(i + 1)));
        }
      }
    });
  },
);
