/**
 * Checked heaps: each mistake is found at its first use, by an error that names the place, and correct code raises none.
 */
import { describe, expect, it } from 'vitest';
import { type Heap, type Mutator, ref } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, RAW_LOAD_MODES, third } from '../support/modes.ts';
import { code, LEAF } from './support.ts';

const NODE = { name: 'node', fields: { next: 'self', leaf: ref(LEAF), number: 'u8' }, elements: 'u8' } as const;

function checkedHeap(): { heap: Heap; mutator: Mutator } {
  return makeHeapWithMutator({ capacityBytes: '2M', fault: 'stw', workers: 0, checked: true });
}

describe('a checked heap finds', () => {
  const safepoints: Record<string, (mutator: Mutator, heap: Heap) => unknown> = {
    'a poll': (mutator) => mutator.poll(),
    'an allocation': (mutator, heap) => mutator.allocate(heap.defineShape(LEAF)),
    'a collection': (mutator) => mutator.collect(),
    parking: (mutator) => mutator.parked(() => 0),
    'an await': () => Promise.resolve(),
    'the creation of a view': (_mutator, heap) => heap.create(heap.defineShape(LEAF)),
  };

  it.each(Object.keys(safepoints))('a raw reference that is used after %s', async (name) => {
    const { heap, mutator } = checkedHeap();
    const Leaf = heap.defineShape(LEAF);
    const handle = mutator.handle(mutator.allocate(Leaf));
    const holder = mutator.handle(mutator.allocate(heap.defineShape(NODE)));
    const cursor = heap.cursor(Leaf);
    const old = mutator.get(handle);
    const pending = safepoints[name]!(mutator, heap);
    if (pending instanceof Promise) await pending;
    const slot = mutator.get(holder) * 2 + 3;
    const uses: Record<string, () => unknown> = {
      'mutator.handle': () => mutator.handle(old),
      'mutator.local': () => mutator.scope(() => mutator.local(old)),
      'mutator.set': () => mutator.set(handle, old),
      'mutator.setReference': () => mutator.setReference(slot, old),
      'mutator.compareExchangeReference': () => mutator.compareExchangeReference(slot, 0, old),
      'heap.view': () => heap.view(old),
      moveTo: () => cursor.moveTo(old),
      cursor: () => heap.cursor(Leaf, old),
    };
    for (const [place, use] of Object.entries(uses)) {
      expect(use, place).toThrow(code('ERR_STALE_REFERENCE'));
      if (place !== 'cursor') expect(use).toThrow(new RegExp(place.replace('.', '\\.')));
    }
    expect(heap.view(mutator.get(handle))!.shape).toBe(Leaf);
    expect(mutator.u32[slot]).toBe(0);
  });

  it('a raw reference of another heap', () => {
    const one = checkedHeap();
    const two = checkedHeap();
    one.mutator.allocate(one.heap.defineShape(LEAF));
    // Behind others that are alive, so that there is nothing at that place in the first heap.
    for (let i = 0; i < 10; i++) two.mutator.handle(two.mutator.allocate(two.heap.defineShape(LEAF)));
    const there = two.mutator.allocate(two.heap.defineShape(LEAF));
    expect(() => one.mutator.handle(there)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    two.mutator.detach();
  });

  it('references that no heap of that size can have', () => {
    const { heap, mutator } = checkedHeap();
    for (const wrong of [-1, 0.5, NaN, 2 ** 32, '1' as never, undefined as never]) {
      expect(() => mutator.handle(wrong), String(wrong)).toThrow(code('ERR_OPTION'));
      expect(() => heap.view(wrong), String(wrong)).toThrow(code('ERR_OPTION'));
    }
    expect(mutator.handle(0)).toBeGreaterThan(0);
    expect(heap.view(0)).toBe(null);
  });

  it('a field that was made to lead to another shape by a raw store', () => {
    const { heap, mutator } = checkedHeap();
    const Node = heap.defineShape(NODE);
    const node = heap.create(Node, { number: 1 });
    mutator.setReference(node.ref * 2 + Node.offsets.leaf, node.ref);
    expect(() => node.leaf).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => node.leaf).toThrow(/node\.leaf/);
    const leaf = heap.create(heap.defineShape(LEAF));
    mutator.setReference(node.ref * 2 + Node.offsets.next, leaf.ref);
    expect(() => heap.cursor(Node, node).follow('next')).toThrow(/node\.next/);
  });

  it('use of views and of the mutator while it is parked, and changes nothing', () => {
    const { heap, mutator } = checkedHeap();
    const Node = heap.defineShape(NODE);
    const node = heap.create(Node, { number: 1 }, [7]);
    const handle = mutator.handle(node.ref);
    const { elements } = node;
    mutator.park();
    const uses: Record<string, () => unknown> = {
      'node.number': () => node.number,
      'node.next': () => (node.next = null),
      'node.elements': () => elements.get(0),
      'mutator.get': () => mutator.get(handle),
      'mutator.allocate': () => mutator.allocate(Node),
      'mutator.collect': () => mutator.collect(),
      'mutator.handle': () => mutator.handle(0),
    };
    for (const [place, use] of Object.entries(uses)) {
      expect(use, place).toThrow(code('ERR_MUTATOR_PARKED'));
      expect(use).toThrow(new RegExp(place.replace('.', '\\.')));
    }
    mutator.unpark();
    expect([node.number, elements.get(0)]).toEqual([1, 7]);
    mutator.detach();
    expect(() => node.number).toThrow(code('ERR_MUTATOR_DETACHED'));
    expect(() => mutator.handle(0)).toThrow(code('ERR_MUTATOR_DETACHED'));
  });
});

describe('a checked heap', () => {
  it.each(RAW_LOAD_MODES)(
    'takes what is read since the last safepoint, and nothing from before, wherever it is read (fault mode %s)',
    (fault) => {
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, checked: true });
      const { containers } = heap;
      const Leaf = heap.defineShape(LEAF);
      const Node = heap.defineShape(NODE);
      const range = mutator.createRootRange(2);
      range.used = 1;
      const leaf = mutator.handle(mutator.allocate(Leaf));
      const holder = mutator.handle(mutator.allocate(Node));
      const held = (): number => mutator.get(holder) * 2 + Node.offsets.leaf;
      const weak = mutator.handle(mutator.weakReferences.allocate(mutator.get(leaf)));
      const weakMap = mutator.handle(mutator.weakMaps.allocate());
      const array = mutator.handle(containers.arrays.allocate('ref'));
      const map = mutator.handle(containers.maps.allocate('f64', 'ref'));
      const queue = mutator.handle(containers.queues.allocate('ref'));
      range.slots[0] = heap.roots.slots[3] = mutator.u32[held()] = mutator.get(leaf);
      mutator.weakMaps.set(mutator.get(weakMap), mutator.get(leaf), mutator.get(leaf));
      containers.arrays.push(mutator.get(array), mutator.get(leaf));
      containers.maps.set(mutator.get(map), 1, mutator.get(leaf));
      containers.queues.enqueue(mutator.get(queue), mutator.get(leaf));
      const view = heap.view(mutator.get(leaf))!;
      const places: Record<string, () => number> = {
        'a handle': () => mutator.get(leaf),
        'a root range': () => range.slots[0]!,
        'heap.roots': () => heap.roots.slots[3]!,
        'a field': () => mutator.u32[held()]!,
        'a field, by Atomics': () => Atomics.load(mutator.u32, held()),
        getReference: () => mutator.getReference(held()),
        'a weak reference': () => mutator.weakReferences.get(mutator.get(weak)),
        'a weak map': () => mutator.weakMaps.get(mutator.get(weakMap), mutator.get(leaf)),
        'an array': () => containers.arrays.get(mutator.get(array), 0) as number,
        'a map': () => containers.maps.get(mutator.get(map), 1) as number,
        'a queue': () => containers.queues.values(mutator.get(queue))[0] as number,
        'a view': () => view.ref,
      };
      for (let round = 0; round < 3; round++) {
        for (const [place, read] of Object.entries(places)) {
          const before = read();
          mutator.poll();
          const now = read();
          expect(() => mutator.handle(before), place).toThrow(code('ERR_STALE_REFERENCE'));
          mutator.release(mutator.handle(now));
          expect(mutator.identityHash(now), place).toBe(mutator.identityHash(mutator.get(leaf)));
          heap.view(now)!.release();
          expect(now, place).toBe(mutator.get(leaf));
        }
      }
      heap.roots.slots[3] = 0;
    },
    20_000,
  );

  it('goes on to find stale references behind its first thousand safepoints, and takes what is current', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '2M', fault: 'stw', workers: 0, checked: true });
    const range = mutator.createRootRange(1);
    range.slots[0] = mutator.allocate(heap.defineShape(LEAF));
    range.used = 1;
    for (let i = 0; i < 1_000; i++) mutator.poll();
    const { compacting } = heap.statistics().cycles;
    let found = 0;
    while (found < 5) {
      const before = range.slots[0]!;
      mutator.poll();
      mutator.release(mutator.handle(range.slots[0]!));
      try {
        mutator.release(mutator.handle(before));
      } catch (error) {
        expect((error as { code: string }).code).toBe('ERR_STALE_REFERENCE');
        found++;
      }
    }
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(compacting);
  }, 20_000);

  it.each(third(MODES))('says nothing about a program that keeps the rules (fault mode %s)', (fault) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, checked: true, stressEvery: 300 });
    const Node = heap.defineShape(NODE);
    const { next, number } = Node.offsets;
    const list = mutator.handle(0);
    for (let i = 0; i < 3_000; i++) {
      const made = mutator.allocate(Node);
      mutator.u8[made * 8 + number] = i & 255;
      mutator.setReference(made * 2 + next, mutator.get(list));
      mutator.set(list, made);
    }
    let length = 0;
    for (let at = mutator.get(list); at !== 0; at = mutator.getReference(at * 2 + next)) {
      length++;
      if (length % 1_000 === 0) mutator.scope(() => heap.view(at)!.release());
    }
    expect(length).toBe(3_000);
    const cursor = heap.cursor(Node, mutator.get(list));
    for (let i = 2_999; i > 0; i--) {
      expect(cursor.number).toBe(i & 255);
      cursor.follow('next');
    }
  });

  it('is checked in every thread that attaches to it', () => {
    const heap = makeHeap({ capacityBytes: '1M', fault: 'stw', checked: true });
    expect(heap.token.checked).toBe(true);
    expect(makeHeap({ capacityBytes: '1M', fault: 'stw' }).token.checked).toBe(false);
  });

  it('is another class: the mutator and the accessors of others have nothing of it', () => {
    const plain = makeHeapWithMutator({ capacityBytes: '1M', fault: 'stw' });
    const { mutator } = checkedHeap();
    expect(Object.getPrototypeOf(mutator)).not.toBe(Object.getPrototypeOf(plain.mutator));
    const view = plain.heap.create(plain.heap.defineShape(LEAF));
    const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(view), 'number')!;
    expect(String(set)).not.toContain('checkValue');
  });
});
