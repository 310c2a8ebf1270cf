/**
 * Allocation: objects of every size, and what happens when there is no room.
 */
import { describe, expect, it } from 'vitest';
import type { HeapError, Mutator, Shape } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds, SHORT } from '../support/modes.ts';

const PAGE_WORDS = 512;
const REGION_WORDS = 128 * 1024;
/** Words of an object, on both sides of every boundary. */
const SIZES = [
  1,
  2,
  3,
  31,
  32,
  33,
  63,
  64,
  65,
  PAGE_WORDS - 1,
  PAGE_WORDS,
  PAGE_WORDS + 1,
  4 * PAGE_WORDS - 1,
  4 * PAGE_WORDS,
  4 * PAGE_WORDS + 1,
  16 * PAGE_WORDS,
  REGION_WORDS / 2 - 1,
  REGION_WORDS / 2,
  REGION_WORDS / 2 + 1,
  REGION_WORDS - 1,
  REGION_WORDS,
  REGION_WORDS + 1,
  3 * REGION_WORDS - PAGE_WORDS - 1,
];

/** The object's words after its header. */
function body(mutator: Mutator, ref: number, words: number): Float64Array {
  return mutator.f64.subarray(ref + 1, ref + words);
}

/** In a loop: a callback for each of a million elements takes its time. */
function holdsOnly(array: Float64Array | Uint8Array, value: number): boolean {
  for (let i = 0; i < array.length; i++) if (array[i] !== value) return false;
  return true;
}

function allocateWords(mutator: Mutator, shape: Shape, words: number): number {
  return mutator.allocate(shape, words - 1);
}

describe.each(MODES)('allocation (fault mode %s)', (fault) => {
  // The short form tries every size in the first mode and each third in the others.
  const sizes = SIZES.filter((_, i) => !SHORT || fault === MODES[0] || i % 3 === 1);

  it.each(sizes)('of %i words gives a zeroed object with a header, which a collection keeps', (words) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '32M', fault });
    const shape = heap.defineShape({ name: 'words', elements: 'f64' });
    // Memory with a past: what was there before must not shine through.
    for (let used = 0; used < Math.min(6 * REGION_WORDS, 8_000 * words); used += words) {
      body(mutator, allocateWords(mutator, shape, words), words).fill(-1);
    }
    // Not a full collection, which would give the pages back to the system.
    mutator.collect();
    const copies = Math.min(40, Math.max(3, Math.floor((2 * REGION_WORDS) / words)));
    const handles = Array.from({ length: copies }, (_, i) => {
      const ref = allocateWords(mutator, shape, words);
      expect(mutator.u32[ref * 2]).toBe(shape.id);
      expect(mutator.u32[ref * 2 + 1]).toBe(words - 1);
      expect(holdsOnly(body(mutator, ref, words), 0)).toBe(true);
      body(mutator, ref, words).fill(i + 0.5);
      if (words <= REGION_WORDS / 2) body(mutator, allocateWords(mutator, shape, words), words).fill(-2);
      return mutator.handle(ref);
    });
    for (const kind of ['compact', 'full'] as const) {
      mutator.collect({ kind });
      for (const [i, handle] of handles.entries()) {
        const ref = mutator.get(handle);
        expect(mutator.u32[ref * 2]).toBe(shape.id);
        expect(mutator.u32[ref * 2 + 1]).toBe(words - 1);
        expect(holdsOnly(body(mutator, ref, words), i + 0.5)).toBe(true);
      }
    }
    expect(heap.statistics().liveBytes).toBe(copies * words * 8);
  });

  it('never gives the first page: reference 0 is null', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault });
    const shape = heap.defineShape({ name: 'words', elements: 'f64' });
    let lowest = Infinity;
    for (let i = 0; i < 3_000; i++) lowest = Math.min(lowest, allocateWords(mutator, shape, 100));
    expect(lowest).toBeGreaterThanOrEqual(PAGE_WORDS);
  });

  it('never hands out a word twice', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault, tlabBytes: '8K' });
    const shape = heap.defineShape({ name: 'words', elements: 'f64' });
    const runs: [number, number][] = [];
    for (let total = 0, i = 0; total < 3 * REGION_WORDS; i++) {
      const words = [1, 2, 33, 300, 511, 512, 513, 2_000][i % 8]!;
      runs.push([allocateWords(mutator, shape, words), words]);
      mutator.handle(runs.at(-1)![0]);
      total += words;
    }
    // Nothing has moved: all of it is alive, so there was nothing to evacuate.
    runs.sort(([a], [b]) => a - b);
    for (let i = 1; i < runs.length; i++) expect(runs[i - 1]![0] + runs[i - 1]![1]).toBeLessThanOrEqual(runs[i]![0]);
  });

  it('of more elements than the shape has, or of a number that is none, is refused with ERR_OPTION', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M', fault });
    const plain = heap.defineShape({ name: 'plain', fields: { a: 'ref' } });
    const array = heap.defineShape({ name: 'array', elements: 'ref' });
    expect(() => mutator.allocate(plain, 1)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    for (const count of [-1, 0.5, Number.NaN, 2 ** 32, Number.POSITIVE_INFINITY]) {
      expect(() => mutator.allocate(array, count)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    }
  });

  it.each(['1M', '2M', '8M'])('in a full heap of %s throws ERR_HEAP_EXHAUSTED with figures, and works again', async (capacityBytes) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes, fault });
    const list = new LinkedList(heap, mutator, 200);
    const error = fillUp(() => list.push(list.length));
    const { liveBytes, freeBytes, requestedBytes, capacityBytes: total } = error.figures as Record<string, number>;
    expect(requestedBytes).toBe(216);
    expect(total).toBe(heap.statistics().capacityBytes);
    expect(liveBytes).toBe(list.length * 216);
    // What is lost at the ends of regions and buffers, and a region that is kept for evacuation, is all that stays unused.
    expect(liveBytes! + freeBytes!).toBeLessThanOrEqual(total!);
    expect(liveBytes!).toBeGreaterThan(0.75 * total! - 300_000);
    expect(error.message).toContain('capacityBytes');
    expect(list.values()).toEqual(countdown(list.length - 1));
    // Half of it goes, and there is room for as much again.
    const before = list.length;
    list.keepEach(2);
    expect(list.length).toBeLessThan(before);
    for (let i = list.length; i < before * 0.9; i++) list.push(i);
    mutator.set(list.head, 0);
    await heap.collect({ kind: 'full' });
    expect(heap.statistics()).toMatchObject({ liveBytes: 0 });
    list.length = 0;
    for (let i = 0; i < before * 0.9; i++) list.push(i);
    expect(list.values().length).toBe(list.length);
  });

  it('of an object larger than the heap is refused at once, and says what would fit', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const shape = heap.defineShape({ name: 'bytes', elements: 'u8' });
    const error = fillUp(() => mutator.allocate(shape, 4 * 2 ** 20));
    expect(error.figures).toMatchObject({ capacityBytes: 4 * 2 ** 20, requestedBytes: 4 * 2 ** 20 + 8 });
    mutator.allocate(shape, 3 * 2 ** 20);
  });

  it('of large objects finds room again when the old ones are dropped', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const shape = heap.defineShape({ name: 'bytes', elements: 'u8' });
    const handle = mutator.handle(0);
    for (let i = 0; i < rounds(60, 20); i++) {
      const bytes = [600_000, 1_048_568, 1_048_576, 3_000_000, 5_000_000][i % 5]!;
      const ref = mutator.allocate(shape, bytes);
      const first = ref * 8 + shape.elementsOffset;
      expect(holdsOnly(mutator.u8.subarray(first, first + bytes), 0)).toBe(true);
      mutator.u8.fill(i + 1, first, first + bytes);
      mutator.set(handle, ref);
    }
  });

  it('goes on without ever coming back to the event loop: the collector needs nothing of this thread', () => {
    const heap = makeHeap({ capacityBytes: '4M', fault, verify: false });
    const mutator = heap.attachMutator();
    const list = new LinkedList(heap, mutator, 40);
    // From the first moment on: even the collector's thread starts while this one computes.
    for (let i = 0; i < 400_000; i++) {
      if (i % 100 === 0) list.push(i);
      else list.garbage();
    }
    expect(list.values()).toEqual(countdown(399_900, 100));
    expect(heap.statistics().cycles.count).toBeGreaterThan(0);
    // A slow collector frees one region after the other, and each may end a wait.
    expect(heap.statistics().stalls.count).toBeLessThanOrEqual(4 * (heap.statistics().cycles.count + 1));
  });
});

function fillUp(allocate: () => unknown): HeapError {
  for (let i = 0; i < 10_000_000; i++) {
    try {
      allocate();
    } catch (error) {
      expect(error).toMatchObject({ name: 'HeapError', code: 'ERR_HEAP_EXHAUSTED' });
      return error as HeapError;
    }
  }
  throw new Error('the heap never filled up');
}
