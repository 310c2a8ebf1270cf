/**
 * Graphs: particular shapes of live data, and collections one after the other.
 */
import { describe, expect, it } from 'vitest';
import { Heap, type Mutator, type Shape } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { RAW_LOAD_MODES, rounds, third } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { ShadowProgram } from '../support/shadow-program.mjs';
import { Threads } from '../support/threads.ts';

const PAGE_WORDS = 512;

/** Contents and structure of everything behind a handle, as text that does not depend on addresses. */
function picture(mutator: Mutator, shape: Shape, root: number): string {
  const number = new Map<number, number>();
  const pending = [root];
  const lines: string[] = [];
  const name = (ref: number): number => {
    if (ref === 0) return -1;
    let known = number.get(ref);
    if (known === undefined) {
      known = number.size;
      number.set(ref, known);
      pending.push(ref);
    }
    return known;
  };
  name(root);
  pending.shift();
  for (let next = 0; next < pending.length; next++) {
    const ref = pending[next]!;
    const count = mutator.u32[ref * 2 + 1]!;
    const value = mutator.u32[ref * 2 + shape.field('value').offset];
    const refs = Array.from({ length: count }, (_, i) => name(mutator.u32[ref * 2 + shape.elementsOffset + i]!));
    lines.push(`${name(ref)}: ${value} ${refs.join(' ')}`);
  }
  return lines.join('\n');
}

describe.each(third(RAW_LOAD_MODES))('a graph (fault mode %s)', (fault) => {
  it('is the same before and after a full collection, wherever its objects go', async () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '32M', fault });
    const shape = heap.defineShape({ name: 'vertex', fields: { value: 'u32' }, elements: 'ref' });
    const vertices: number[] = [];
    for (let i = 0; i < 6_000; i++) {
      const ref = mutator.allocate(shape, random.below(12));
      mutator.u32[ref * 2 + shape.field('value').offset] = i;
      vertices.push(mutator.handle(ref));
      if (random.chance(1, 3)) mutator.allocate(shape, random.below(900));
    }
    for (const vertex of vertices) {
      const ref = mutator.get(vertex);
      for (let i = 0; i < mutator.u32[ref * 2 + 1]!; i++) {
        mutator.u32[ref * 2 + shape.elementsOffset + i] = mutator.get(random.pick(vertices));
      }
    }
    const before = picture(mutator, shape, mutator.get(vertices[0]!));
    const addresses = vertices.map((vertex) => mutator.get(vertex));
    await heap.collect({ kind: 'full' });
    expect(vertices.some((vertex, i) => mutator.get(vertex) !== addresses[i])).toBe(true);
    expect(picture(mutator, shape, mutator.get(vertices[0]!)) === before).toBe(true);
    for (const vertex of vertices.slice(1)) mutator.release(vertex);
    for (let round = 0; round < 3; round++) await heap.collect({ kind: round === 1 ? 'compact' : 'full' });
    expect(picture(mutator, shape, mutator.get(vertices[0]!)) === before).toBe(true);
    expect(await heap.verify()).toBe(before.split('\n').length);
  });

  it.each([
    ['nothing alive', 0],
    ['one object in a hundred alive', 100],
    ['half of it alive', 2],
    ['all of it alive', 1],
  ])('with %s comes through one collection after the other', async (_what, each) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const list = new LinkedList(heap, mutator, 80);
    const nodes = 50_000;
    for (let i = 0; i <= nodes; i++) list.push(i);
    if (each === 0) mutator.set(list.head, 0);
    else list.keepEach(each);
    for (let i = 0; i < 4; i++) await heap.collect({ kind: i % 2 === 0 ? 'compact' : 'full' });
    expect(list.values()).toEqual(each === 0 ? [] : countdown(nodes, each));
    expect(heap.statistics().liveBytes).toBe(list.values().length * 96);
  });

  it.each([
    ['one page', PAGE_WORDS],
    ['one word more than a page', PAGE_WORDS + 1],
    ['several pages', 5 * PAGE_WORDS - 3],
    ['half a region', 64 * 1024],
    ['more than half a region', 64 * 1024 + 1],
    ['three regions', 3 * 128 * 1024 - 7],
  ])('keeps every reference of an array of %s', async (_what, words) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const array = heap.defineShape({ name: 'array', elements: 'ref' });
    const cell = heap.defineShape({ name: 'cell', fields: { back: 'ref', index: 'u32' } });
    const length = (words - 1) * 2;
    const root = mutator.handle(mutator.allocate(array, length));
    for (let i = 0; i < length; i += 3) {
      const ref = mutator.allocate(cell);
      mutator.u32[ref * 2 + 3] = i;
      mutator.u32[ref * 2 + 2] = mutator.get(root);
      mutator.u32[mutator.get(root) * 2 + array.elementsOffset + i] = ref;
      mutator.allocate(cell);
      mutator.allocate(cell);
    }
    for (let round = 0; round < 3; round++) {
      await heap.collect({ kind: round === 0 ? 'compact' : 'full' });
      const first = mutator.get(root) * 2 + array.elementsOffset;
      let wrong = 0;
      for (let i = 0; i < length; i++) {
        const ref = mutator.u32[first + i]!;
        if (i % 3 !== 0) wrong += ref === 0 ? 0 : 1;
        else if (mutator.u32[ref * 2 + 3] !== i || mutator.u32[ref * 2 + 2] !== mutator.get(root)) wrong++;
      }
      expect(wrong).toBe(0);
    }
  });

  it('is untouched by the collections of another heap', async () => {
    const seed = seedOfTest();
    const one = makeHeapWithMutator({ capacityBytes: '8M', fault, stressEvery: 40 });
    const two = makeHeapWithMutator({ capacityBytes: '8M', fault: RAW_LOAD_MODES[0]!, stressEvery: 61 });
    const programs = [
      new ShadowProgram(one.heap, one.mutator, { seed, liveWordsLimit: 150_000 }),
      new ShadowProgram(two.heap, two.mutator, { seed: seed + 1, liveWordsLimit: 150_000 }),
    ];
    // A stop of one heap finds this thread computing in the other.
    const other = Heap.attach(one.heap.token);
    for (let i = 0; i < rounds(3_000, 1_000); i++) {
      for (const program of programs) program.step();
      one.mutator.poll();
      two.mutator.poll();
      if (i % 500 === 0) void other.collect().catch(() => {});
      if (i % 200 === 0) for (const program of programs) program.compare();
    }
    for (const program of programs) program.compare();
    await other.close();
  });
});

describe.each(third(RAW_LOAD_MODES, 2))('hundreds of flips (fault mode %s)', (fault) => {
  it('hit nothing of threads that map and unmap memory all the time', async () => {
    const seed = seedOfTest();
    const heap = makeHeap({ capacityBytes: '4M', fault, verify: false });
    const mutator = heap.attachMutator();
    const threads = new Threads();
    threads.start(heap.token, 'churn', { seed });
    threads.start(heap.token, 'churn', { seed: seed + 1 });
    await threads.ready();
    const list = new LinkedList(heap, mutator, 200);
    while (heap.statistics().cycles.compacting < rounds(300, 40)) {
      for (let i = 0; i < 1_000; i++) list.push(i);
      list.keepEach(2);
      mutator.collect({ kind: 'full' });
      expect(list.values().length).toBe(list.length);
      if (list.length > 3_000) list.keepEach(8);
    }
    mutator.park();
    for (const { rounds: turns } of await threads.finish<{ rounds: number }>()) expect(turns).toBeGreaterThan(0);
    mutator.unpark();
  });
});
