/**
 * Leaves: objects without references are allocated apart from others, by the library and by generated code, in heaps that are large enough.
 */
import { describe, expect, it } from 'vitest';
import { layOut } from '../../src/heap/shapes.ts';
import { Heap, type Mutator, type Ref, type Shape, type ShapeDefinition } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { RAW_LOAD_MODES } from '../support/modes.ts';

const LEAVES: readonly ShapeDefinition[] = [
  { name: 'nothing' },
  { name: 'fields', fields: { a: 'f64', b: 'u8', c: 'bool', d: { array: 'i64', length: 3 } } },
  { name: 'hashed', fields: { a: 'u32' }, elements: 'u8', identityHash: true },
  ...(['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'f32', 'i64', 'u64', 'f64'] as const).map((elements) => ({ name: elements, elements })),
];
const OTHERS: readonly ShapeDefinition[] = [
  { name: 'reference', fields: { a: 'ref', b: 'f64' } },
  { name: 'tagged', fields: { a: 'tagged' } },
  { name: 'string', fields: { a: 'string' } },
  { name: 'self', fields: { a: 'self' } },
  { name: 'typed', fields: { a: { ref: 'nothing' } } },
  { name: 'array field', fields: { a: { array: 'ref', length: 2 } } },
  { name: 'reference before data', fields: { a: 'ref' }, elements: 'u8' },
  ...(['ref', 'tagged', 'weak', 'ephemeron', 'finalizable'] as const).map((elements) => ({ name: `elements ${elements}`, elements })),
];

/** Where the next object of each buffer goes. */
function tops(mutator: Mutator): { top: number; leafTop: number } {
  const { control, top, leafTop } = mutator.allocationBuffer;
  return { top: control[top]!, leafTop: control[leafTop]! };
}

describe('a shape', () => {
  it('is a leaf if nothing in it refers to anything', () => {
    expect(LEAVES.filter((definition) => !layOut(definition).isLeaf)).toEqual([]);
    expect(OTHERS.filter((definition) => layOut(definition).isLeaf)).toEqual([]);
  });

  it('is one in every thread, and for native code, which refuses to disagree', async () => {
    const heap = makeHeap({ capacityBytes: '8M', fault: 'stw' });
    for (const definition of LEAVES) expect(heap.defineShape(definition).isLeaf).toBe(true);
    for (const definition of OTHERS) expect(heap.defineShape(definition).isLeaf).toBe(false);
    const attached = Heap.attach(heap.token);
    for (const { name } of LEAVES) expect(attached.shape(name).isLeaf).toBe(true);
    for (const { name } of OTHERS) expect(attached.shape(name).isLeaf).toBe(false);
    await attached.close();
  });
});

describe('objects', () => {
  it('come from the buffer of their kind; nobody has one that it does not use', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const pair = heap.defineShape({ name: 'pair', fields: { a: 'ref' } });
    const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
    expect(tops(mutator)).toEqual({ top: 0, leafTop: 0 });
    mutator.allocate(bytes, 9);
    const { leafTop } = tops(mutator);
    expect(tops(mutator)).toEqual({ top: 0, leafTop });
    expect(mutator.allocate(bytes, 0)).toBe(leafTop);
    mutator.allocate(pair);
    const { top } = tops(mutator);
    expect(Math.abs(top - leafTop)).toBeGreaterThan(100_000);
    expect(mutator.allocate(pair)).toBe(top);
    expect(tops(mutator)).toEqual({ top: top + pair.fixedWords, leafTop: leafTop + bytes.fixedWords });
  });

  it('all come from one buffer below 8 MiB', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '7M', fault: 'stw' });
    const { top, leafTop, limit, leafLimit } = mutator.allocationBuffer;
    expect([leafTop, leafLimit]).toEqual([top, limit]);
    const first = mutator.allocate(heap.defineShape({ name: 'pair', fields: { a: 'ref' } }));
    expect(mutator.allocate(heap.defineShape({ name: 'leaf', fields: { a: 'u32' } }))).toBe(first + 2);
  });

  it('are of shapes of the same heap: where memory has to be taken others are refused', () => {
    const heap = makeHeap({ capacityBytes: '8M', fault: 'stw' });
    const leaf = heap.defineShape({ name: 'leaf', elements: 'u8' }) as Shape;
    const { mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'stw' });
    const refused = expect.objectContaining({ code: 'ERR_SHAPE_UNKNOWN' }) as Error;
    expect(() => mutator.allocate(leaf, 1)).toThrow(refused);
    expect(() => mutator.allocatePinnable(leaf, 1)).toThrow(refused);
  });
});

describe.each(RAW_LOAD_MODES)('code that allocates by itself (fault mode %s)', (fault) => {
  it('may take leaves from either buffer, and others from the one for all', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, tlabBytes: '4K' });
    const pair = heap.defineShape({ name: 'pair', fields: { a: 'ref', b: 'ref' } }) as Shape;
    const leaf = heap.defineShape({ name: 'leaf', fields: { value: 'u32' } }) as Shape;
    const { control, top, limit, leafTop, leafLimit } = mutator.allocationBuffer;
    const { u32 } = mutator;
    const take = (shape: Shape, at: number, end: number): Ref => {
      const ref = control[at]!;
      if (ref + shape.fixedWords > control[end]!) return mutator.allocate(shape);
      u32[ref * 2 + 1] = 0;
      u32[ref * 2] = shape.id;
      control[at] = ref + shape.fixedWords;
      return ref;
    };
    const value = leaf.field('value').offset;
    const head = mutator.handle(0);
    const fresh = mutator.handle(0);
    for (let i = 0; i < 30_000; i++) {
      const made = i % 3 === 0 ? take(leaf, top, limit) : take(leaf, leafTop, leafLimit);
      u32[made * 2 + value] = i;
      mutator.set(fresh, made);
      const link = take(pair, top, limit);
      mutator.setReference(pair.refSlot(link, 0), mutator.get(fresh));
      if (i % 500 !== 0) mutator.setReference(pair.refSlot(link, 1), mutator.get(head));
      mutator.set(head, link);
      if (i % 3_000 === 2_999) mutator.collect({ kind: i % 2 === 0 ? 'full' : 'compact' });
    }
    let expected = 30_000;
    for (let link = mutator.get(head); link !== 0; link = mutator.getReference(pair.refSlot(link, 1))) {
      expect(u32[mutator.getReference(pair.refSlot(link, 0)) * 2 + value]).toBe(--expected);
    }
    expect(expected).toBe(29_500);
  });
});
