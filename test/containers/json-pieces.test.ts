/**
 * JSON in pieces, out of containers and into them.
 */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { code, LEAF } from '../objects/support.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

const make = (options = {}) => makeHeapWithMutator({ capacityBytes: '16M', ...options });
const joined = (pieces: Iterable<string>): string => [...pieces].join('');

/** The text in pieces of any length, as text and as bytes. */
function* cut(text: string): Generator<string | Uint8Array> {
  const random = makeRandom(seedOfTest());
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + random.below(7);
    yield bytes.subarray(at, next);
    at = next;
  }
}

describe('the JSON text of a container, in pieces', () => {
  it.each([{}, { checked: true }])('says what JSON.stringify says, in a heap with %o', (options) => {
    const { heap } = make(options);
    const Leaf = heap.defineShape(LEAF);
    const [texts, wide, leaves] = [heap.createArray('string'), heap.createArray('i64'), heap.createArray('ref')];
    for (const text of ['a', 'quoted "', null, 'ä\n', '']) texts.push(text);
    wide.push(2n ** 62n);
    leaves.push(heap.create(Leaf, { number: 5 }) as any);
    leaves.push(null);
    const [byText, byNumber, byObject] = [heap.createMap('string', 'f64'), heap.createMap('f64', 'string'), heap.createMap('ref', 'u64')];
    byText.set('a "key"', 0.5).set('other', NaN);
    byNumber.set(1.5, 'one');
    byObject.set(leaves, 7n);
    for (const container of [texts, wide, leaves, byText, byNumber, byObject, heap.createArray('f64'), heap.createMap('string', 'f64')]) {
      expect(joined(container.jsonPieces())).toBe(JSON.stringify(container));
    }
  });

  it('has many pieces if it is long, and no handles are used up', () => {
    const { heap, mutator: first } = make();
    first.detach();
    const mutator = heap.attachMutator({ handleCapacity: 16 });
    const Leaf = heap.defineShape(LEAF);
    const leaves = heap.createArray('ref');
    for (let number = 0; number < 5_000; number++) mutator.scope(() => leaves.push(heap.create(Leaf, { number }) as any));
    const pieces = [...leaves.jsonPieces()];
    expect(pieces.length).toBeGreaterThan(3);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000);
    expect((JSON.parse(pieces.join('')) as object[])[4_999]).toEqual({ number: 4_999 });
  });
});

describe('a JSON text that comes in pieces', () => {
  it.each([{}, { checked: true }])('becomes the elements of an array, in a heap with %o', async (options) => {
    const { heap } = make(options);
    const Leaf = heap.defineShape(LEAF);
    const [numbers, texts, wide, leaves] = [
      heap.createArray('f64'),
      heap.createArray('string'),
      heap.createArray('u64'),
      heap.createArray('ref'),
    ];
    expect(await numbers.appendJSON(cut('[1, 2.5e3, -7]'))).toBe(3);
    expect(await numbers.appendJSON('[8]')).toBe(1);
    expect(await texts.appendJSON(Readable.from(cut('["ä€😀", null, ""]')))).toBe(3);
    expect(await wide.appendJSON(cut('["18446744073709551615", 5]'))).toBe(2);
    expect(await leaves.appendJSON(cut('[{"number": 1}, {"number": 2}]'), (it) => heap.fromObject(Leaf, it) as any)).toBe(2);
    expect(numbers.toArray()).toEqual([1, 2_500, -7, 8]);
    expect(texts.toArray()).toEqual(['ä€😀', null, '']);
    expect(wide.toArray()).toEqual([2n ** 64n - 1n, 5n]);
    expect(leaves.toObject()).toEqual([{ number: 1 }, { number: 2 }]);
  });

  it('becomes the entries of a map', async () => {
    const { heap } = make();
    const [byText, byNumber] = [heap.createMap('string', 'ref'), heap.createMap('f64', 'i64')];
    const Leaf = heap.defineShape(LEAF);
    await byText.mergeJSON(
      cut('{"a": {"number": 1}, "b": {"number": 2}}'),
      (it, key) => heap.fromObject(Leaf, { number: it.number + key.length }) as any,
    );
    expect(await byNumber.mergeJSON(cut('{"1.5": "-5", "2": 7}'))).toBe(2);
    expect(byText.toObject()).toEqual(
      new Map([
        ['a', { number: 2 }],
        ['b', { number: 3 }],
      ]),
    );
    expect(new Map(byNumber)).toEqual(
      new Map([
        [1.5, -5n],
        [2, 7n],
      ]),
    );
    await expect(heap.createMap('ref', 'f64').mergeJSON('{}')).rejects.toThrow(code('ERR_OPTION') as Error);
  });

  it('goes there and back, however long', async () => {
    const { heap } = make();
    const [from, to] = [heap.createMap('string', 'f64'), heap.createMap('string', 'f64')];
    for (let i = 0; i < 3_000; i++) from.set(`key ${i}`, i / 3);
    expect(await to.mergeJSON(from.jsonPieces())).toBe(3_000);
    expect(new Map(to)).toEqual(new Map(from));
  });

  it('is refused if it says something else, and what came before stays', async () => {
    const { heap } = make();
    const array = heap.createArray('f64');
    for (const text of ['{"a": 1}', '5', '', '[1, 2', '[3, 4] x', '[5, nothing]']) {
      await expect(array.appendJSON(text), text).rejects.toThrow(code('ERR_OPTION') as Error);
    }
    for (const given of [5, null, undefined]) await expect(array.appendJSON(given as any)).rejects.toThrow(code('ERR_OPTION') as Error);
    await expect(array.appendJSON([Buffer.from([0x5b, 0xff])])).rejects.toThrow(code('ERR_OPTION') as Error);
    await expect(array.appendJSON('["text"]')).rejects.toThrow(code('ERR_OPTION') as Error);
    expect(array.get(0)).toBe(1);
    await expect(heap.createMap('string', 'f64').mergeJSON('[]')).rejects.toThrow(code('ERR_OPTION') as Error);
  });
});
