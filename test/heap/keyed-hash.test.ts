/**
 * Keyed hashes: the function, its secret, and that keys cannot be made to collide without the secret.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Heap, HeapMap } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { attachNative, KeyedHash } from '../support/internals.ts';
import { rounds } from '../support/modes.ts';
import { processorMs } from '../support/processor-time.ts';

const KEY = { low: 0x03020100, high: 0x07060504 };

describe('a keyed hash', () => {
  it('is HalfSipHash-1-3 of the bytes of the code units', () => {
    // The vectors of the Linux kernel's hsiphash (lib/tests/siphash_kunit.c), of 0, 2, 4, 6 and 8 bytes 0, 1, 2 …
    const vectors = [0x5814c896, 0xbc4b0e30, 0x7e059ea6, 0xa0080b65, 0x577999b1];
    const hash = new KeyedHash(KEY);
    const text = String.fromCharCode(0x0100, 0x0302, 0x0504, 0x0706);
    expect(vectors.map((_, units) => hash.ofText(text.slice(0, units)))).toEqual(vectors);
    expect([hash.ofWord(KEY.low), hash.ofWords(KEY.low, KEY.high)]).toEqual([vectors[2], vectors[4]]);
  });

  it('tells lone surrogates apart, and depends on both halves of the key and on the variant', () => {
    const hash = new KeyedHash(KEY);
    expect(new Set(['\ud800', '\ud801', '\ufffd', '\udc00\ud800'].map((text) => hash.ofText(text))).size).toBe(4);
    const others = [
      { ...KEY, low: 0 },
      { ...KEY, high: 0 },
    ].map((key) => new KeyedHash(key).ofText('text'));
    expect(new Set([hash.ofText('text'), new KeyedHash(KEY, 1).ofText('text'), ...others]).size).toBe(4);
  });
});

describe('the secret of a heap', () => {
  const secretOf = (heap: Heap): string => {
    const { hashLow, hashHigh } = attachNative(heap.token).description;
    return `${hashLow} ${hashHigh}`;
  };

  it('is the same for all who attach and another for each heap', () => {
    const [one, two] = [makeHeap({ capacityBytes: '1M', fault: 'stw' }), makeHeap({ capacityBytes: '1M', fault: 'stw' })];
    expect(secretOf(one)).toBe(secretOf(one));
    expect(secretOf(one)).not.toBe(secretOf(two));
  });

  it('is in nothing that a program prints', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const map = heap.createMap('string', 'f64');
    const options = { depth: Infinity, showHidden: true };
    const printed = [heap, heap.token, heap.capabilities, heap.containers, mutator, map, heap.statistics()].map((it) =>
      inspect(it, options),
    );
    for (const half of secretOf(heap).split(' ')) expect(printed.join('\n')).not.toContain(half);
  });
});

/** Steps of FNV-1a, whose start everybody knows: 2^n texts of 3n units with one hash. */
function textsWithOneHash(blocks: number): (n: number) => string {
  const step = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193);
  const pairs: string[][] = [];
  for (let hash = 0x811c9dc5 | 0; pairs.length < blocks; ) {
    const seen = new Map<number, [string, number]>();
    for (let n = 0, found = false; !found; n++) {
      const [a, b] = [0x100 + (n >>> 7), 0x100 + (n & 127)];
      const state = step(step(hash, a), b);
      const text = String.fromCharCode(a, b);
      const other = seen.get(state >>> 16);
      const unit = other === undefined ? 0xd800 : (0x1234 ^ state ^ other[1]) & 0xffff;
      if ((unit & 0xf800) === 0xd800) {
        seen.set(state >>> 16, [text, state]);
        continue;
      }
      pairs.push([`${text}\u1234`, other![0] + String.fromCharCode(unit)]);
      hash = step(state, 0x1234);
      found = true;
    }
  }
  return (n) => pairs.map((pair, i) => pair[(n >> i) & 1]!).join('');
}

/** The numbers whose two halves, combined with constants that everybody knows, come to the same. */
const NUMBERS = new DataView(new ArrayBuffer(8));
function numberWithOneHash(n: number): number {
  NUMBERS.setUint32(4, 1 + n);
  NUMBERS.setUint32(0, Math.imul(1 + n, 0x9e3779b1) ^ 0x12345678);
  return NUMBERS.getFloat64(0);
}

/** How many of them are equal. */
function worstOf(hashes: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const hash of hashes) counts.set(hash >>> 0, (counts.get(hash >>> 0) ?? 0) + 1);
  return Math.max(...counts.values());
}

describe('keys that were chosen to collide', () => {
  it('by whoever knows the functions and not the secret do not', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const { hashLow: low, hashHigh: high } = attachNative(heap.token).description;
    const hash = new KeyedHash({ low, high });
    const flood = textsWithOneHash(14);
    const texts = Array.from({ length: 2 ** 14 }, (_, n) => flood(n));
    expect(new Set(texts).size).toBe(texts.length);
    expect(worstOf(texts.map((text) => hash.ofText(text)))).toBeLessThanOrEqual(3);
    expect(worstOf(texts.map((_, n) => hash.ofWord(n << 18)))).toBeLessThanOrEqual(3);
  });

  it('take no longer in a map or the intern table than others', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '256M', verify: false });
    // 100,000 keys take at most twice the time of others; in the short form the noise of few is allowed for.
    const count = rounds(100_000, 2 ** 12);
    const most = rounds(2, 8);
    const flood = textsWithOneHash(Math.ceil(Math.log2(count)));
    const plain = (n: number): string => `key ${String(n).padStart(36, 'x')}`;
    const fill = <K extends string | number>(map: HeapMap<'string' | 'f64', 'f64'>, keyOf: (n: number) => K): number => {
      const keys = Array.from({ length: count }, (_, n) => keyOf(n));
      return processorMs(() => keys.forEach((key) => map.set(key, 1)));
    };
    const best = (run: () => number): number => Math.min(...[1, 2, 3].map(run));
    const texts = (keyOf: (n: number) => string): number => best(() => fill(heap.createMap('string', 'f64') as never, keyOf));
    const numbers = (keyOf: (n: number) => number): number => best(() => fill(heap.createMap('f64', 'f64') as never, keyOf));
    const interned = (keyOf: (n: number) => string): number =>
      best(() =>
        processorMs(() => {
          for (let n = 0; n < count; n++) mutator.scope(() => heap.intern(keyOf(n)));
        }),
      );
    texts(plain);
    expect(texts(flood)).toBeLessThan(most * texts(plain));
    expect(numbers(numberWithOneHash)).toBeLessThan(most * numbers((n) => n * 1.5));
    interned(plain);
    expect(interned(flood)).toBeLessThan(most * interned(plain));
  });
});
