/**
 * Shapes: the layout they choose, and that they are the same for every thread.
 */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { layOut } from '../../src/heap/shapes.ts';
import { type FieldKind, Heap, type ShapeDefinition } from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';

const BYTES: Record<FieldKind, number> = {
  ref: 4,
  tagged: 4,
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
  f64: 8,
};

describe('the name of a shape', () => {
  it('is a sequence of code units: lone surrogates tell names apart, also in another thread', async () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const names = ['\ud800', '\ud801', '\ufffd', 'a\0b', 'a', '\ud83d\ude00'];
    const shapes = names.map((name) => heap.defineShape({ name, fields: { [name]: 'u32', other: 'ref' } }));
    expect(new Set(shapes.map(({ id }) => id)).size).toBe(names.length);
    const attached = Heap.attach(heap.token);
    for (const [i, name] of names.entries()) {
      for (const shape of [heap.shape(name), attached.shape(name), attached.shape(shapes[i]!.id)]) {
        expect([shape.id, shape.name, [...shape.fields.keys()].sort()]).toEqual([shapes[i]!.id, name, [name, 'other'].sort()]);
      }
    }
    await attached.close();
  });
});

describe('the layout of a shape', () => {
  it('puts references first, in the order of their definition, from u32 slot 2 on', () => {
    const { fields, refCount } = layOut({ name: 's', fields: { x: 'f64', a: 'ref', y: 'u8', b: 'ref', c: 'ref' } });
    expect(refCount).toBe(3);
    expect(['a', 'b', 'c'].map((name) => fields.get(name)!.offset)).toEqual([2, 3, 4]);
  });

  it('puts tagged fields behind them, and a field for the identity hash where elements need one', () => {
    const fields = { x: 'f64', a: 'tagged', b: 'ref', y: 'u8', c: 'tagged' } as const;
    const plain = layOut({ name: 's', fields, identityHash: true });
    expect(plain).toMatchObject({ refCount: 1, taggedCount: 2, identitySlot: 1 });
    expect(['b', 'a', 'c'].map((name) => plain.fields.get(name)!.offset)).toEqual([2, 3, 4]);
    expect(layOut({ name: 's', fields, elements: 'u8' }).identitySlot).toBe(0);
    const hashed = layOut({ name: 's', fields: { y: 'u8' }, elements: 'u8', identityHash: true });
    expect(hashed).toMatchObject({ identitySlot: 2, fixedWords: 2 });
    expect([...hashed.fields.keys()]).toEqual(['y']);
  });

  it('aligns every field to its size and lets no two overlap', () => {
    const kinds = Object.keys(BYTES) as FieldKind[];
    const definition = Object.fromEntries([...kinds, ...kinds].map((kind, i) => [`f${i}`, kind]));
    const { fields, fixedWords } = layOut({ name: 's', fields: definition });
    const taken = new Set<number>();
    for (const { kind, offset } of fields.values()) {
      for (let byte = offset * BYTES[kind]; byte < (offset + 1) * BYTES[kind]; byte++) {
        expect(byte).toBeGreaterThanOrEqual(8);
        expect(byte).toBeLessThan(fixedWords * 8);
        expect(taken).not.toContain(byte);
        taken.add(byte);
      }
    }
    expect(taken.size).toBe(2 * kinds.reduce((sum, kind) => sum + BYTES[kind], 0));
  });

  it('consists of small integers, which V8 computes with as such', () => {
    setFlagsFromString('--allow-natives-syntax');
    const isSmallInteger = new Function('value', 'return %IsSmi(value)') as (value: number) => boolean;
    const fields = { a: 'ref', b: 'f64', c: 'u8', d: 'i16', e: { array: 'i32', length: 3 }, f: 'u32' } as const;
    const layout = layOut({ name: 's', fields });
    const numbers = [...layout.fields.values()].map(({ offset }) => offset).concat(layout.fixedWords, layout.refCount);
    expect(numbers.filter((number) => !isSmallInteger(number))).toEqual([]);
  });

  it.each<[ShapeDefinition['fields'], number]>([
    [{}, 1],
    [{ a: 'u8' }, 2],
    [{ a: 'ref', b: 'u32' }, 2],
    [{ a: 'ref', b: 'u32', c: 'u8' }, 3],
    [{ a: 'ref', b: 'f64' }, 3],
  ])('of the fields %j is %j words', (fields, words) => {
    expect(layOut({ name: 's', fields: fields! }).fixedWords).toBe(words);
  });

  it.each<[FieldKind, number, number]>([
    ['u8', 0, 0],
    ['u8', 1, 1],
    ['u8', 8, 1],
    ['u8', 9, 2],
    ['ref', 1, 1],
    ['ref', 3, 2],
    ['f64', 31, 31],
    ['u16', 5, 2],
  ])('of %s elements takes %j of them in %j words behind the fields', (elements, count, words) => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw', workers: 0 });
    const shape = heap.defineShape({ name: 's', fields: { a: 'u32' }, elements });
    expect(shape.words(count)).toBe(2 + words);
    expect(shape.elementsOffset * BYTES[elements]).toBe(16);
  });
});

describe('shapes', () => {
  it('are the same object when the same definition comes again', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const shape = heap.defineShape({ name: 's', fields: { a: 'ref' } });
    expect(heap.defineShape({ name: 's', fields: { a: 'ref' } })).toBe(shape);
    expect(heap.shape('s')).toBe(shape);
    expect(heap.shape(shape.id)).toBe(shape);
  });

  it('conflict when a name comes with another definition, and the first one stays', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const shape = heap.defineShape({ name: 's', fields: { a: 'ref' } });
    for (const other of [{ fields: { a: 'u32' } }, { fields: { b: 'ref' } }, { fields: { a: 'ref' }, elements: 'u8' }] as const) {
      expect(() => heap.defineShape({ name: 's', ...other })).toThrow(expect.objectContaining({ code: 'ERR_SHAPE_CONFLICT' }));
    }
    expect(heap.shape('s')).toBe(shape);
  });

  it('that nobody defined are ERR_SHAPE_UNKNOWN, by name and by id', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    expect(() => heap.shape('ghost')).toThrow(expect.objectContaining({ code: 'ERR_SHAPE_UNKNOWN' }));
    expect(() => heap.shape(4711)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE_UNKNOWN' }));
    expect(() => heap.shape(0)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE_UNKNOWN' }));
  });

  it.each<[string, unknown]>([
    ['without a name', { fields: {} }],
    ['with an empty name', { name: '' }],
    ['with a name that is a number', { name: 7 }],
    ['with an unknown kind of field', { name: 's', fields: { a: 'pointer' } }],
    ['with a part that definitions do not have', { name: 's', field: { a: 'u8' } }],
    ['with elements that are JavaScript strings', { name: 's', elements: 'string' }],
    ['with an array field of no length', { name: 's', fields: { a: { array: 'u8', length: 0 } } }],
    ['with an array field that is too long', { name: 's', fields: { a: { array: 'u8', length: 65_537 } } }],
    ['with an array of arrays', { name: 's', fields: { a: { array: { array: 'u8', length: 2 }, length: 2 } } }],
    ['with a reference to nothing', { name: 's', fields: { a: { ref: '' } } }],
    [
      'with fields that fill more than 256 KiB',
      { name: 's', fields: Object.fromEntries([0, 1].map((i) => [`f${i}`, { array: 'u64', length: 30_000 }])) },
    ],
    ['with an unknown kind of element', { name: 's', elements: 'pointer' }],
    ['with more than 4,096 fields', { name: 's', fields: Object.fromEntries(Array.from({ length: 4097 }, (_, i) => [`f${i}`, 'u8'])) }],
  ])('%s are refused with ERR_OPTION', (_what, definition) => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    expect(() => heap.defineShape(definition as ShapeDefinition)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
  });

  it('say which fields they have when asked for another', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const shape = heap.defineShape({ name: 's', fields: { left: 'ref', right: 'ref' } });
    expect(() => shape.field('middle')).toThrow(/left, right/);
  });

  it('are found by other threads that never defined them, by name and by an object header', async () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const mutator = heap.attachMutator();
    const shape = heap.defineShape({ name: 'from main', fields: { a: 'ref', b: 'f64' }, elements: 'u16' });
    heap.roots.slots[5] = mutator.allocate(shape, 3);
    const program = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { Heap } = await import(workerData.library);
      const heap = Heap.attach(workerData.token);
      const mutator = heap.attachMutator();
      const named = heap.shape('from main');
      const own = heap.defineShape({ name: 'from worker', elements: 'ref' });
      const met = heap.shape(mutator.u32[heap.roots.slots[5] * 2]);
      parentPort.postMessage({ same: met === named, words: named.words(3), offset: named.elementsOffset, own: own.id });
      mutator.detach();
      await heap.close();`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      workerData: { token: heap.token, library: new URL('../../dist/index.js', import.meta.url).href },
    });
    const exit = once(worker, 'exit');
    mutator.park();
    const [answer] = (await once(worker, 'message')) as [{ same: boolean; words: number; offset: number; own: number }];
    await exit;
    mutator.unpark();
    expect(answer).toMatchObject({ same: true, words: shape.words(3), offset: shape.elementsOffset });
    expect(heap.shape('from worker').id).toBe(answer.own);
    expect(heap.shape(answer.own).elementKind).toBe('ref');
  });

  it('belong to one heap: the same name means something else in another', () => {
    const one = makeHeap({ capacityBytes: '1M', fault: 'stw' });
    const two = Heap.create({ capacityBytes: '1M', fault: 'stw' });
    one.defineShape({ name: 's', fields: { a: 'ref' } });
    expect(two.defineShape({ name: 's', fields: { a: 'f64' } }).field('a').kind).toBe('f64');
    return two.close();
  });
});
