/**
 * Stress: in a heap with `stressEvery` a reference kept across a safepoint is wrong at once, in every fault mode, and a program
 * that follows the rules notices nothing.
 */
import { describe, expect, it } from 'vitest';
import type { Heap, Mutator, Ref } from '../support/faultline.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { FLIPPING_MODES, MARKERS, MOVING_MODES } from '../support/modes.ts';

const TRIES = 40;
const NODE = { name: 'node', fields: { next: 'ref', number: 'u32' }, elements: 'u8' } as const;

/** A list of `length` nodes of so many bytes, numbered down to 0; the root of its head. */
function makeList(heap: Heap, mutator: Mutator, length: number, bytes: number): number {
  const Node = heap.defineShape(NODE);
  const head = mutator.handle(0);
  for (let i = 0; i < length; i++) {
    const made = mutator.allocate(Node, bytes);
    mutator.u32[made * 2 + Node.offsets.number] = i;
    mutator.setReference(made * 2 + Node.offsets.next, mutator.get(head));
    mutator.set(head, made);
  }
  return head;
}

/** Where the nodes are, head first, by loads that every mode allows; throws where a number is not what it was. */
function walk(heap: Heap, mutator: Mutator, head: number, length: number): Ref[] {
  const { next, number } = heap.defineShape(NODE).offsets;
  const places: Ref[] = [];
  for (let at = mutator.get(head); at !== 0; at = mutator.getReference(at * 2 + next)) {
    expect(mutator.u32[at * 2 + number]).toBe(length - 1 - places.length);
    places.push(at);
  }
  expect(places).toHaveLength(length);
  return places;
}

const SAFEPOINTS: Record<string, (mutator: Mutator, heap: Heap) => unknown> = {
  allocate: (mutator, heap) => mutator.allocate(heap.defineShape(NODE), 3),
  poll: (mutator) => mutator.poll(),
  collect: (mutator) => mutator.collect({ kind: 'mark' }),
  parked: (mutator) => mutator.parked(() => 0),
  create: (_mutator, heap) => heap.create(heap.defineShape(NODE)).release(),
};

describe.each(MOVING_MODES)('a heap under stress (fault mode %s)', (fault) => {
  it.each(Object.keys(SAFEPOINTS))(
    'shows every stale read at once: after %s the old place of an object holds nothing of it',
    (name) => {
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, stressEvery: 1, workers: 0 });
      const { number } = heap.defineShape(NODE).offsets;
      const head = makeList(heap, mutator, 3, 8);
      let shown = 0;
      for (let i = 0; i < TRIES; i++) {
        const before = walk(heap, mutator, head, 3);
        SAFEPOINTS[name]!(mutator, heap);
        const wrong = before.filter((ref, k) => mutator.u32[ref * 2 + number] !== 2 - k && mutator.u32[ref * 2] !== heap.shape('node').id);
        if (wrong.length === before.length) shown++;
      }
      expect(shown).toBeGreaterThanOrEqual(0.95 * TRIES);
      walk(heap, mutator, head, 3);
    },
    20_000,
  );

  it('moves every object each time, in a heap of several full regions too', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, stressEvery: 1_000, workers: 0 });
    const length = 80;
    const head = makeList(heap, mutator, length, 60_000);
    for (let i = 0; i < 5; i++) {
      const before = walk(heap, mutator, head, length);
      mutator.collect();
      const after = walk(heap, mutator, head, length);
      expect(after.filter((ref, k) => ref === before[k])).toEqual([]);
    }
  }, 20_000);

  it('moves in turn what there is not room for at once', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault, stressEvery: 1_000, workers: 0 });
    const length = 60;
    const head = makeList(heap, mutator, length, 60_000);
    const first = walk(heap, mutator, head, length);
    const moved = new Set<number>();
    for (let i = 0; i < 12; i++) {
      mutator.collect();
      walk(heap, mutator, head, length).forEach((ref, k) => ref !== first[k] && moved.add(k));
    }
    expect(moved.size).toBe(length);
  }, 20_000);
});

describe.each(FLIPPING_MODES)('a heap with stressFaults (fault mode %s)', (fault) => {
  it.each([0, 1])(
    'lets its only mutator take the faults, with %i workers',
    (workers) => {
      const { heap, mutator } = makeHeapWithMutator({
        capacityBytes: '8M',
        fault,
        stressEvery: 1,
        stressFaults: true,
        workers,
        verify: true,
      });
      const head = makeList(heap, mutator, 20, 9_000);
      for (let i = 0; i < 30; i++) {
        mutator.poll();
        walk(heap, mutator, head, 20);
      }
      expect(heap.statistics().pages.builtByMutators).toBeGreaterThan(100);
    },
    20_000,
  );
});

describe.each(MARKERS)('a heap under stress (marker %s)', (marker) => {
  it('keeps what is held weakly, large, pinned or in a shared container as it is', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', marker, barrieredStores: true, stressEvery: 1, verify: true });
    const Node = heap.defineShape(NODE);
    const head = makeList(heap, mutator, 5, 100);
    const weak = mutator.handle(mutator.weakReferences.allocate(mutator.get(head)));
    const large = mutator.handle(mutator.allocate(Node, 1_500_000));
    mutator.u32[mutator.get(large) * 2 + Node.offsets.number] = 77;
    const map = heap.createMap('string', 'ref').set('list', heap.view(mutator.get(head))!);
    for (let i = 0; i < 20; i++) {
      mutator.allocate(Node, i % 5 === 0 ? 1_200_000 : 50);
      expect(mutator.weakReferences.get(mutator.get(weak))).toBe(mutator.get(head));
      expect(mutator.u32[mutator.get(large) * 2 + Node.offsets.number]).toBe(77);
      expect(map.get('list')!.ref).toBe(mutator.get(head));
    }
    walk(heap, mutator, head, 5);
  }, 20_000);
});
