/**
 * Words: fields are elements of ordinary typed arrays, of every kind, Atomics included, before and after objects move.
 */
import { describe, expect, it } from 'vitest';
import type { Field, FieldKind, Mutator } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { NUMBER_LIMITS } from '../support/limits.ts';
import { MODES } from '../support/modes.ts';

const VALUES: Record<Exclude<FieldKind, 'ref' | 'tagged'>, readonly (number | bigint)[]> = NUMBER_LIMITS;
const KINDS = Object.keys(VALUES) as (keyof typeof VALUES)[];

const view = (mutator: Mutator, kind: keyof typeof VALUES): Record<number, number | bigint> & { BYTES_PER_ELEMENT: number } =>
  mutator[kind] as never;
const place = (mutator: Mutator, kind: keyof typeof VALUES, ref: number, offset: number): number =>
  ref * (8 / view(mutator, kind).BYTES_PER_ELEMENT) + offset;

describe.each(MODES)('typed arrays (fault mode %s)', (fault) => {
  it('of every kind read and write fields and elements, which move with their object', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const everything = heap.defineShape({
      name: 'everything',
      fields: Object.fromEntries([...KINDS.map((kind) => [kind, kind]), ['next', 'ref']]),
    });
    const arrays = KINDS.map((kind) => heap.defineShape({ name: `array of ${kind}`, fields: { x: 'u8' }, elements: kind }));
    const kept: { handle: number; check: (ref: number) => void }[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5_000; i++) mutator.allocate(everything);
      const object = mutator.allocate(everything);
      for (const kind of KINDS) {
        view(mutator, kind)[place(mutator, kind, object, (everything.field(kind) as Field).offset)] = VALUES[kind][round]!;
      }
      kept.push({
        handle: mutator.handle(object),
        check: (ref) => {
          for (const kind of KINDS) {
            expect(view(mutator, kind)[place(mutator, kind, ref, everything.field(kind).offset)], kind).toBe(VALUES[kind][round]);
          }
        },
      });
      for (const [k, kind] of KINDS.entries()) {
        const shape = arrays[k]!;
        const array = mutator.allocate(shape, 1_001);
        for (let i = 0; i < 1_001; i++) view(mutator, kind)[place(mutator, kind, array, shape.elementsOffset + i)] = VALUES[kind][i % 3]!;
        kept.push({
          handle: mutator.handle(array),
          check: (ref) => {
            let wrong = 0;
            for (let i = 0; i < 1_001; i++) {
              if (!Object.is(view(mutator, kind)[place(mutator, kind, ref, shape.elementsOffset + i)], VALUES[kind][i % 3])) wrong++;
            }
            expect(wrong, kind).toBe(0);
          },
        });
      }
    }
    const before = kept.map(({ handle }) => mutator.get(handle));
    for (const { handle, check } of kept) check(mutator.get(handle));
    mutator.collect({ kind: 'full' });
    expect(kept.filter(({ handle }, i) => mutator.get(handle) !== before[i]).length).toBeGreaterThan(kept.length / 2);
    for (const { handle, check } of kept) check(mutator.get(handle));
  });

  it('work with Atomics', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const shape = heap.defineShape({ name: 'atomics', fields: { a: 'i32', b: 'u64', c: 'u8', d: 'i16' } });
    for (let i = 0; i < 1_000; i++) mutator.allocate(shape);
    const handle = mutator.handle(mutator.allocate(shape));
    const at = (name: string, perWord: number): number => mutator.get(handle) * perWord + shape.field(name).offset;
    for (let round = 1; round <= 2; round++) {
      expect(Atomics.add(mutator.i32, at('a', 2), 5)).toBe((round - 1) * 6);
      expect(Atomics.compareExchange(mutator.i32, at('a', 2), round * 6 - 1, round * 6)).toBe(round * 6 - 1);
      expect(Atomics.or(mutator.u64, at('b', 1), 1n << BigInt(round + 40))).toBe(round === 1 ? 0n : 1n << 41n);
      expect(Atomics.exchange(mutator.u8, at('c', 8), round)).toBe(round - 1);
      expect(Atomics.sub(mutator.i16, at('d', 4), 3)).toBe(-3 * (round - 1) + 0);
      expect(Atomics.load(mutator.i32, at('a', 2))).toBe(round * 6);
      mutator.collect({ kind: 'full' });
    }
  });

  it('are the same for the life of the heap: an array taken early shows what happens later', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const { u32 } = mutator;
    const shape = heap.defineShape({ name: 's', fields: { value: 'u32' } });
    for (let i = 0; i < 30_000; i++) mutator.allocate(shape);
    const handle = mutator.handle(mutator.allocate(shape));
    u32[mutator.get(handle) * 2 + 2] = 7;
    mutator.collect({ kind: 'full' });
    expect(mutator.u32).toBe(u32);
    expect(u32[mutator.get(handle) * 2 + 2]).toBe(7);
  });

  it('read as zero when the heap is closed', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const shape = heap.defineShape({ name: 's', fields: { value: 'u32' } });
    const slot = mutator.allocate(shape) * 2 + 2;
    mutator.u32[slot] = 7;
    await heap.close();
    expect(mutator.u32[slot]).toBe(0);
  });
});

describe('copyReferences', () => {
  it.each([
    ['into itself', 10, 10],
    ['one up', 11, 10],
    ['one down', 9, 10],
    ['half over, up', 35, 10],
    ['half over, down', 10, 35],
    ['apart', 60, 5],
  ])('copies %s as if there were a copy in between', (_what, to, from) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw', workers: 0 });
    const array = heap.defineShape({ name: 'array', elements: 'ref' });
    const ref = mutator.allocate(array, 120);
    const first = ref * 2 + array.elementsOffset;
    const model = Array.from({ length: 120 }, (_, i) => (i % 7 === 0 ? 0 : ref));
    model.forEach((value, i) => (mutator.u32[first + i] = value));
    mutator.copyReferences(first + to, first + from, 50);
    model.splice(to, 50, ...model.slice(from, from + 50));
    expect([...mutator.u32.subarray(first, first + 120)]).toEqual(model);
    mutator.copyReferences(first, first + 100, 0);
    expect(mutator.u32[first]).toBe(model[0]);
  });
});
