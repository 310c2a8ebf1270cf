/**
 * Elements: by index, in order, and copied in and out.
 */
import { describe, expect, it } from 'vitest';
import type { Elements, FieldKind } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';
import { code, LEAF, LIMITS } from './support.ts';

const CLASSES = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
const KINDS = Object.keys(CLASSES) as (keyof typeof CLASSES)[];
/** Empty, one, around the word, around the page, and above half a region. */
const COUNTS = [0, 1, 2, 7, 8, 9, 511, 512, 513, 70_000];

describe.each(MODES)('elements (fault mode %s)', (fault) => {
  it.each(KINDS)('of kind %s are copied in and out whole and in parts, and move with their object', (kind) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const shape = heap.defineShape({ name: 's', fields: { x: 'u8' }, elements: kind as FieldKind as 'u8' });
    const limits: readonly unknown[] = LIMITS[kind];
    const garbage = heap.defineShape(LEAF);
    for (const count of COUNTS) {
      const values = new CLASSES[kind](count);
      for (let i = 0; i < count; i++) values[i] = limits[i % limits.length] as never;
      for (let i = 0; i < 1_000; i++) mutator.allocate(garbage);
      const view = heap.create(shape, { x: 9 }, values as never);
      for (const collect of [false, true]) {
        if (collect) mutator.collect({ kind: 'full' });
        expect(view.elements.length).toBe(count);
        const all = new CLASSES[kind](count + 2);
        expect(view.elements.copyTo(all as never)).toBe(count);
        expect(all.findIndex((value, i) => i < count && !Object.is(value, values[i]))).toBe(-1);
        expect([...all.subarray(count)].map(Number)).toEqual([0, 0]);
        if (count < 9) continue;
        const some = new Array<number>(5);
        expect(view.elements.copyTo(some, 3, 8)).toBe(5);
        expect(some).toEqual([...values.subarray(3, 8)]);
        view.elements.copyFrom(values.subarray(0, 4) as never, count - 4);
        expect(Array.from({ length: 4 }, (_, i) => view.elements.get(count - 4 + i))).toEqual([...values.subarray(0, 4)]);
        view.elements.copyFrom(values as never);
      }
      expect(view.x).toBe(9);
      view.release();
    }
  });

  it('of references are views, and are copied one by one', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const Leaf = heap.defineShape(LEAF);
    const List = heap.defineShape({ name: 'list', fields: { n: 'u8' }, elements: 'ref' });
    const list = heap.create(List, {}, 600);
    mutator.scope(() => {
      for (let i = 0; i < 600; i += 2) list.elements.set(i, heap.create(Leaf, { number: i }));
    });
    mutator.collect({ kind: 'full' });
    const copy = heap.create(List, {}, list.elements.toArray());
    list.elements.set(0, null);
    mutator.collect({ kind: 'full' });
    mutator.scope(() => {
      let i = 0;
      for (const it of copy.elements) expect((it as { number: number } | null)?.number).toBe(i % 2 === 0 ? i++ : (i++, undefined));
      expect(i).toBe(600);
      expect([list.elements.get(0), list.elements.get(1)]).toEqual([null, null]);
    });
  });
});

describe('elements', () => {
  it.each([-1, 3, 0.5, NaN, 2 ** 32, Infinity, '0', undefined])('have none at index %s of 3', (index) => {
    for (const checked of [false, true]) {
      const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw', checked });
      for (const kind of ['u8', 'ref', 'bool'] as const) {
        const { elements } = heap.create(heap.defineShape({ name: kind, elements: kind }), {}, 3) as unknown as {
          elements: Elements<unknown>;
        };
        expect(() => elements.get(index as number)).toThrow(code('ERR_OPTION'));
        expect(() => elements.set(index as number, kind === 'ref' ? null : kind === 'bool' ? true : 1)).toThrow(code('ERR_OPTION'));
        expect(elements.length).toBe(3);
      }
    }
  });

  it('are copied within their bounds only, and nothing is changed otherwise', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const { elements } = heap.create(heap.defineShape({ name: 's', elements: 'u8' }), {}, [1, 2, 3]);
    const target = new Uint8Array(2);
    for (const wrong of [
      () => elements.copyTo(target),
      () => elements.copyTo(target, 2, 4),
      () => elements.copyTo(target, 2, 1),
      () => elements.copyTo(target, -1),
      () => elements.copyFrom([1, 2], 2),
      () => elements.copyFrom([1], -1),
      () => elements.copyFrom([1], 0.5),
      () => elements.copyFrom(null as never),
      () => elements.copyFrom(5 as never),
    ])
      expect(wrong).toThrow(code('ERR_OPTION'));
    expect([...elements, ...target]).toEqual([1, 2, 3, 0, 0]);
    elements.copyFrom([], 3);
    expect(elements.copyTo(target, 3)).toBe(0);
  });

  it('are followed by a cursor, and end with their view', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const shape = heap.defineShape({ name: 's', elements: 'u8' });
    const one = heap.create(shape, {}, [1]);
    const cursor = heap.cursor(shape, one);
    const { elements } = cursor;
    cursor.moveTo(heap.create(shape, {}, [2, 3]));
    expect([...elements]).toEqual([2, 3]);
    cursor.moveTo(null);
    expect(() => elements.length).toThrow(code('ERR_NULL_REFERENCE'));
    cursor.release();
    expect(() => elements.get(0)).toThrow(code('ERR_VIEW_RELEASED'));
    expect(heap.create(heap.defineShape(LEAF)).elements).toBe(undefined);
  });

  it('never are a window onto the moving heap: what comes out is a copy', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const view = heap.create(heap.defineShape({ name: 's', elements: 'u8' }), {}, [1, 2, 3]);
    const copy = new Uint8Array(3);
    view.elements.copyTo(copy);
    view.elements.set(0, 9);
    copy[1] = 8;
    expect([...view.elements, ...copy]).toEqual([9, 2, 3, 1, 8, 3]);
  });
});

describe('elements as a whole', () => {
  it.each([false, true])('cannot be assigned, which is a documented error (checked %s)', (checked) => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked });
    const shape = heap.defineShape({ name: 'point', fields: {}, elements: 'u8' });
    const point = heap.create(shape, {}, [3]) as any;
    for (const view of [point, heap.cursor(shape, point) as any]) {
      for (const value of [[5, 6], null, undefined, 7]) {
        expect(() => (view.elements = value)).toThrow(
          expect.objectContaining({ name: 'TypeError', code: 'ERR_OPTION', message: expect.stringContaining('point.elements') }),
        );
      }
      expect([...view.elements]).toEqual([3]);
    }
  });
});

describe('an array field that is assigned', () => {
  it.each([false, true])('gets a copy of what is there, and zero or null in the rest (checked %s)', (checked) => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', checked });
    const shape = heap.defineShape({
      name: 'all',
      fields: {
        numbers: { array: 'f64', length: 3 },
        wide: { array: 'i64', length: 2 },
        flags: { array: 'bool', length: 2 },
        selves: { array: 'self', length: 2 },
      },
    });
    const [one, other] = [heap.create(shape), heap.create(shape, { numbers: [7, 8, 9] })];
    for (const view of [one, heap.cursor(shape, one)] as any[]) {
      view.numbers = [1, 2, 3];
      view.numbers = new Float64Array([4, 5]);
      view.wide = [1n, 2n];
      view.wide = [3n];
      view.flags = [true, true];
      view.flags = [];
      view.selves = [other, one];
      view.selves = [other];
      expect([view.numbers.toArray(), view.wide.toArray(), view.flags.toArray()]).toEqual([
        [4, 5, 0],
        [3n, 0n],
        [false, false],
      ]);
      expect([other.isSame(view.selves.get(0)), view.selves.get(1)]).toEqual([true, null]);
      view.numbers = other.numbers;
      other.numbers.set(0, 1);
      expect(view.numbers.toArray()).toEqual([7, 8, 9]);
      other.numbers.set(0, 7);
    }
    const own = one.numbers;
    one.numbers = own;
    expect(one.numbers.toArray()).toEqual([7, 8, 9]);
  });

  it.each([false, true])('takes nothing but an array that fits, which is a documented error (checked %s)', (checked) => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked });
    const shape = heap.defineShape({ name: 'point', fields: { at: { array: 'f64', length: 2 } } });
    const point = heap.create(shape, { at: [1, 2] }) as any;
    const refused = (value: unknown, name: string): void =>
      expect(() => (point.at = value)).toThrow(
        expect.objectContaining({ name, code: 'ERR_OPTION', message: expect.stringContaining('point.at') }),
      );
    for (const value of [null, undefined, 7, 'text', new Set([1])]) refused(value, 'TypeError');
    refused([1, 2, 3], 'RangeError');
    expect(point.at.toArray()).toEqual([1, 2]);
    refused([5, 1n], 'TypeError');
    point.release();
    expect(() => (point.at = [1])).toThrow(code('ERR_VIEW_RELEASED'));
  });
});
