/**
 * Methods that are called like those of JavaScript's arrays and maps do what those do.
 */
import { expect, it } from 'vitest';
import { array, type Elements, type HeapArray } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { code } from './support.ts';

const VALUES = [5, 6, 7];
const INDICES = [0, 1, 2, 3, -1, -3, -4, 0.9, -0.9, NaN, Infinity, -Infinity];

function* subjects(): Generator<Elements<number> | HeapArray<'f64'>> {
  const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
  const Holder = heap.defineShape({ name: 'holder', fields: { run: array('u8', 3) }, elements: 'f64' });
  const holder = heap.create(Holder, { run: VALUES }, VALUES);
  yield holder.elements;
  yield holder.run;
  const list = heap.createArray('f64');
  for (const value of VALUES) list.push(value);
  yield list;
}

it('at, slice and forEach of arrays of the heap', () => {
  for (const subject of subjects()) {
    for (const index of INDICES) expect([index, subject.at(index)]).toEqual([index, VALUES.at(index)]);
    for (const begin of INDICES) {
      for (const end of INDICES) expect([begin, end, ...subject.slice(begin, end)]).toEqual([begin, end, ...VALUES.slice(begin, end)]);
    }
    expect([subject.slice(), subject.slice(1)]).toEqual([VALUES, [6, 7]]);
    const seen: unknown[] = [];
    subject.forEach((value: number, index: number, of: unknown) => seen.push([value, index, of === subject]));
    expect(seen).toEqual(VALUES.map((value, index) => [value, index, true]));
    expect(() => subject.forEach(5 as any)).toThrow(code('ERR_OPTION'));
    expect(() => subject.at('1' as any)).toThrow(code('ERR_OPTION'));
  }
});

it('forEach of maps', () => {
  const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
  const map = heap.createMap('string', 'f64').set('a', 1);
  map.forEach((value, key, of) => expect([value, key, of]).toEqual([1, 'a', map]));
  expect.assertions(1);
});
