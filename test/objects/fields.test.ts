/**
 * Fields of views: every kind holds what its type can hold, wherever the object moves.
 */
import { describe, expect, it } from 'vitest';
import { ref, type View } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';
import { BEYOND, code, EVERYTHING, LEAF, LIMITED_KINDS, LIMITS } from './support.ts';

describe.each(MODES)('a view (fault mode %s)', (fault) => {
  it('reads what was written, at the limits of each kind, before and after its object has moved', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const Everything = heap.defineShape(EVERYTHING);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 2_000; i++) mutator.allocate(Everything);
      const view = heap.create(Everything) as View;
      for (const kind of LIMITED_KINDS) view[kind] = LIMITS[kind][round % LIMITS[kind].length];
      const before = view.ref;
      for (const collect of [false, true]) {
        if (collect) mutator.collect({ kind: 'full' });
        for (const kind of LIMITED_KINDS) expect(view[kind], kind).toBe(LIMITS[kind][round % LIMITS[kind].length]);
      }
      expect(view.ref).not.toBe(before);
    }
  });

  it('writes one field and leaves its neighbours as they are', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const view = heap.create(heap.defineShape(EVERYTHING)) as View;
    for (const kind of LIMITED_KINDS) view[kind] = LIMITS[kind][0];
    for (const kind of LIMITED_KINDS) {
      view[kind] = LIMITS[kind][1];
      for (const other of LIMITED_KINDS) expect(view[other], `${other} after ${kind}`).toBe(LIMITS[other][kind === other ? 1 : 0]);
      view[kind] = LIMITS[kind][0];
    }
    expect([view['any'], view['leaf'], view['self'], view['text']]).toEqual([null, null, null, null]);
  });

  it('gives and takes views for references, and null', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const Everything = heap.defineShape(EVERYTHING);
    const Leaf = heap.defineShape(LEAF);
    const leaf = heap.create(Leaf, { number: 7 });
    const view = heap.create(Everything, { leaf, any: leaf });
    view.self = view;
    view.text = 'text';
    for (let i = 0; i < 10_000; i++) mutator.allocate(Everything);
    mutator.collect({ kind: 'full' });
    expect(view.leaf!.number).toBe(7);
    expect(view.any!.shape).toBe(Leaf);
    expect(view.self!.isSame(view)).toBe(true);
    expect(view.leaf!.isSame(leaf)).toBe(true);
    expect(view.isSame(leaf)).toBe(false);
    expect(view.isSame(null)).toBe(false);
    expect(view.self!.self!.self!.text).toBe('text');
    view.leaf = view.any = view.self = null;
    expect([view.leaf, view.any, view.self]).toEqual([null, null, null]);
    expect(leaf.number).toBe(7);
  });

  it('has array fields of every type, inside the object', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const Leaf = heap.defineShape(LEAF);
    const leaf = heap.create(Leaf, { number: 9 });
    const view = heap.create(heap.defineShape(EVERYTHING), {
      numbers: [-1, 2, -3, 4, -32768],
      flags: [true, false, true],
      leaves: [null, leaf],
      large: new BigUint64Array([1n, 2n ** 64n - 1n]),
    });
    mutator.collect({ kind: 'full' });
    expect([...view.numbers]).toEqual([-1, 2, -3, 4, -32768]);
    expect([...view.flags]).toEqual([true, false, true]);
    expect(view.leaves.toArray().map((it) => it?.number)).toEqual([undefined, 9]);
    expect([...view.large]).toEqual([1n, 2n ** 64n - 1n]);
    expect(view.numbers).toBe(view.numbers);
    expect(() => view.numbers.get(5)).toThrow(code('ERR_OPTION'));
  });
});

describe('fields of a view', () => {
  it('lie where the offsets say', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const Point = heap.defineShape({ name: 'point', fields: { x: 'f64', flag: 'bool', n: 'u16', to: 'ref' } });
    const point = heap.create(Point, { x: 1.5, flag: true, n: 77 });
    point.to = point;
    const { x, flag, n, to } = Point.offsets;
    const at = point.ref;
    expect([mutator.f64[at + x], mutator.u8[at * 8 + flag], mutator.u16[at * 4 + n], mutator.u32[at * 2 + to]]).toEqual([1.5, 1, 77, at]);
  });

  it('can have any name but those that views have for something else', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    heap.attachMutator();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that would be a template's hole.
    const names = ['', 'a b', '"quoted"', "it's", '\n', '${x}', '0', 'class', 'toString', 'length', 'slot', '\u2028', '`'];
    const Odd = heap.defineShape({ name: 'odd "name"', fields: Object.fromEntries(names.map((name) => [name, 'u32'])) });
    const view = heap.create(Odd, Object.fromEntries(names.map((name, i) => [name, i]))) as View;
    expect(names.map((name) => view[name])).toEqual(names.map((_, i) => i));
    for (const name of ['ref', 'shape', 'elements', 'release', 'keep', 'constructor', 'follow', '__proto__']) {
      const Taken = heap.defineShape({ name: `with ${name}`, fields: Object.fromEntries([[name, 'u32']]) });
      expect(Taken.field(name).offset).toBe(2);
      expect(() => heap.create(Taken), name).toThrow(code('ERR_OPTION'));
    }
  });

  it('that do not exist are refused, and nothing is left of the object', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const Leaf = heap.defineShape(LEAF);
    expect(() => heap.create(Leaf, { nimber: 1 } as never)).toThrow(/number/);
    const Text = heap.defineShape({ name: 't', fields: { text: 'string', to: ref(Leaf) } });
    for (const values of [null, 7, 'text']) expect(() => heap.create(Leaf, values as never)).toThrow(code('ERR_OPTION'));
    for (const elements of [1, -1, 0.5, '1', null, [1]]) expect(() => heap.create(Leaf, {}, elements as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.create(Text, { text: 7 } as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.create(Text, { to: 7 } as never)).toThrow(code('ERR_OPTION'));
    expect(() => heap.create(Text, { to: heap.create(Text) } as never)).toThrow(code('ERR_WRONG_SHAPE'));
  });

  it('of views of another heap are refused, and so is their shape', () => {
    const one = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' }).heap;
    const two = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' }).heap;
    const there = two.create(two.defineShape(LEAF));
    const here = one.create(one.defineShape(EVERYTHING));
    expect(() => (here.leaf = there)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => here.leaves.set(0, there)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => here.isSame(there)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    one.defineShape(LEAF);
    expect(() => one.create(there.shape)).toThrow(code('ERR_SHAPE_UNKNOWN'));
    expect(here.leaf).toBe(null);
  });

  it('take what a typed array would take, unless the heap is checked', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const view = heap.create(heap.defineShape(EVERYTHING)) as View;
    view['u8'] = 257;
    view['i16'] = 40_000;
    view['bool'] = 3;
    view['i64'] = 2n ** 63n;
    expect([view['u8'], view['i16'], view['bool'], view['i64']]).toEqual([1, 40_000 - 65_536, true, -(2n ** 63n)]);
  });

  it('of a checked heap refuse everything else, with the name of the field', () => {
    const { heap } = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw', checked: true });
    const view = heap.create(heap.defineShape(EVERYTHING)) as View;
    for (const kind of LIMITED_KINDS) {
      for (const value of LIMITS[kind]) {
        view[kind] = value;
        expect(view[kind]).toBe(value);
      }
      for (const value of BEYOND[kind]!) {
        expect(() => (view[kind] = value), `${kind} = ${String(value)}`).toThrow(
          expect.objectContaining({
            code: 'ERR_OPTION',
            message: expect.stringContaining(`everything.${kind} `) as string,
          }),
        );
      }
      expect(view[kind]).toBe(LIMITS[kind].at(-1));
    }
    expect(() => view['numbers'].set(0, 32_768)).toThrow(/everything\.numbers/);
  });
});
