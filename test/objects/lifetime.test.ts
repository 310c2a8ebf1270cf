/**
 * How long views live, and what they keep alive.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Heap, HeapError, Mutator } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';
import { code, LEAF } from './support.ts';

setFlagsFromString('--expose-gc');
const collectJavaScript = runInNewContext('gc') as () => void;

/** How many objects the heap keeps alive. */
async function liveObjects(heap: Heap): Promise<number> {
  await heap.collect({ kind: 'full' });
  return heap.verify();
}

function small(mutatorOptions = {}): { heap: Heap; mutator: Mutator } {
  const heap = makeHeap({ capacityBytes: '1M', fault: 'stw', workers: 0 });
  return { heap, mutator: heap.attachMutator(mutatorOptions) };
}

describe('a view', () => {
  it('keeps its object alive until it is released', async () => {
    const { heap } = small();
    const Leaf = heap.defineShape(LEAF);
    const views = Array.from({ length: 10 }, (_, number) => heap.create(Leaf, { number }));
    expect(await liveObjects(heap)).toBe(10);
    for (const view of views.slice(0, 7)) view.release();
    expect(await liveObjects(heap)).toBe(3);
    expect(views.slice(7).map(({ number }) => number)).toEqual([7, 8, 9]);
    expect(views.map(({ released }) => released)).toEqual([...Array(7).fill(true), false, false, false]);
  });

  it('is released once: a second time does nothing, whoever has its handle now', async () => {
    const { heap } = small();
    const Leaf = heap.defineShape(LEAF);
    const first = heap.create(Leaf);
    first.release();
    const second = heap.create(Leaf, { number: 5 });
    first.release();
    first[Symbol.dispose]();
    expect(second.number).toBe(5);
    expect(await liveObjects(heap)).toBe(1);
  });

  it('that was released throws at every use', () => {
    const { heap } = small();
    const view = heap.create(heap.defineShape(LEAF));
    view.release();
    for (const use of [() => view.number, () => (view.number = 1), () => view.ref, () => view.isSame(null)]) {
      expect(use).toThrow(code('ERR_VIEW_RELEASED'));
    }
    const cursor = heap.cursor(view.shape);
    cursor.release();
    for (const use of [() => cursor.number, () => cursor.isNull, () => cursor.moveTo(null), () => cursor.ref]) {
      expect(use).toThrow(code('ERR_VIEW_RELEASED'));
    }
  });

  it('is released by the end of its using block, also when that throws', () => {
    const { heap } = small();
    const Leaf = heap.defineShape(LEAF);
    const seen: { released: boolean }[] = [];
    expect(() => {
      using view = heap.create(Leaf);
      seen.push(view);
      throw new RangeError('on purpose');
    }).toThrow('on purpose');
    expect(seen[0]!.released).toBe(true);
  });

  it('is released by the end of the scope it was made in, in whatever way it was made', async () => {
    const { heap, mutator } = small();
    const Tree = heap.defineShape({ name: 'tree', fields: { left: 'self', name: 'string' }, elements: 'self' });
    const outside = heap.create(Tree);
    const inside = mutator.scope(() => {
      const made = heap.create(Tree, { left: outside }, [outside]);
      return [made, made.left!, made.elements.get(0)!, heap.view(made.ref)!, heap.cursor(Tree, made), heap.string('text')];
    });
    expect(inside.every(({ released }) => released)).toBe(true);
    expect(outside.released).toBe(false);
    expect(await liveObjects(heap)).toBe(1);
  });

  it('that is kept outlives its scopes', async () => {
    const { heap, mutator } = small();
    const Leaf = heap.defineShape(LEAF);
    const kept = mutator.scope(() => mutator.scope(() => heap.create(Leaf, { number: 3 }).keep()).keep());
    expect(kept.number).toBe(3);
    expect(await liveObjects(heap)).toBe(1);
    kept.release();
    expect(await liveObjects(heap)).toBe(0);
  });

  it('made in an inner scope is released with it, and those of the outer scope are not', () => {
    const { heap, mutator } = small();
    const Leaf = heap.defineShape(LEAF);
    mutator.scope(() => {
      const outer = heap.create(Leaf, { number: 1 });
      const inner = mutator.scope(() => heap.create(Leaf));
      expect([outer.released, inner.released]).toEqual([false, true]);
    });
  });

  it('of which many are made in scopes needs no more handles than one scope does', () => {
    const { heap, mutator } = small({ handleCapacity: 20 });
    const Leaf = heap.defineShape(LEAF);
    for (let round = 0; round < 50; round++) mutator.scope(() => Array.from({ length: 20 }, () => heap.create(Leaf)));
    expect(() => Array.from({ length: 21 }, () => heap.create(Leaf))).toThrow(code('ERR_HANDLES_EXHAUSTED'));
  });

  it('that nobody has any more is released when JavaScript collects its garbage', async () => {
    const { heap } = small({ handleCapacity: 100 });
    const Leaf = heap.defineShape(LEAF);
    const kept = heap.create(Leaf, { number: 42 });
    let refills = 0;
    for (let made = 0; refills < 3; made++) {
      try {
        heap.create(Leaf);
      } catch (error) {
        expect((error as HeapError).code).toBe('ERR_HANDLES_EXHAUSTED');
        refills++;
        collectJavaScript();
        await wait(1);
      }
      expect(made).toBeLessThan(100_000);
    }
    collectJavaScript();
    await wait(20);
    expect(await liveObjects(heap)).toBeLessThanOrEqual(2);
    expect(kept.number).toBe(42);
  });

  it('that was released is not released again by its finalization', async () => {
    const { heap } = small({ handleCapacity: 3 });
    const Leaf = heap.defineShape(LEAF);
    const makeAndRelease = (): void => heap.create(Leaf).release();
    makeAndRelease();
    const views = [1, 2, 3].map((number) => heap.create(Leaf, { number }));
    collectJavaScript();
    await wait(20);
    expect(views.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(() => heap.create(Leaf)).toThrow(code('ERR_HANDLES_EXHAUSTED'));
  });

  it('that is finalized while its mutator is parked gives its handle back later', async () => {
    const { heap, mutator } = small({ handleCapacity: 2 });
    const Leaf = heap.defineShape(LEAF);
    (() => [heap.create(Leaf), heap.create(Leaf)])();
    mutator.park();
    for (let i = 0; i < 3; i++) {
      await heap.collect({ kind: 'full' });
      collectJavaScript();
      await wait(5);
    }
    mutator.unpark();
    expect(heap.create(Leaf, { number: 8 }).number).toBe(8);
  });

  it('says that its mutator is detached, and a new mutator takes no views of the old one', () => {
    const { heap, mutator } = small();
    const Leaf = heap.defineShape(LEAF);
    const old = heap.create(Leaf);
    mutator.detach();
    expect(() => old.number).toThrow(code('ERR_MUTATOR_DETACHED'));
    expect(() => old.ref).toThrow(code('ERR_MUTATOR_DETACHED'));
    expect(() => heap.create(Leaf)).toThrow(code('ERR_MUTATOR_DETACHED'));
    expect(old.released).toBe(true);
    heap.attachMutator();
    const Holder = heap.defineShape({ name: 'holder', fields: { it: 'ref' } });
    const holder = heap.create(Holder);
    expect(() => (holder.it = old)).toThrow(code('ERR_FOREIGN_REFERENCE'));
    expect(() => old.number).toThrow(code('ERR_MUTATOR_DETACHED'));
    old.release();
    expect(holder.it).toBe(null);
  });
});

describe.each(MODES)('a cursor (fault mode %s)', (fault) => {
  it('walks a list while it moves, and a cyclic one for ever, without making objects', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault });
    const Node = heap.defineShape({ name: 'node', fields: { next: 'self', number: 'u32' } });
    const head = heap.cursor(Node);
    for (let number = 0; number < 2_000; number++) {
      mutator.scope(() => {
        for (let garbage = 0; garbage < 20; garbage++) mutator.allocate(Node);
        head.moveTo(heap.create(Node, { number, next: head }));
      });
    }
    const cursor = heap.cursor(Node, head);
    const seen: number[] = [];
    do {
      if (cursor.number % 500 === 250) mutator.collect({ kind: 'full' });
      seen.push(cursor.number);
    } while (cursor.follow('next'));
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, i) => 1_999 - i));
    expect(cursor.isNull).toBe(true);
    expect(() => cursor.number).toThrow(code('ERR_NULL_REFERENCE'));
    expect(() => cursor.follow('next')).toThrow(code('ERR_NULL_REFERENCE'));
    head.next = head;
    cursor.moveTo(head);
    for (let i = 0; i < 1_000; i++) expect(cursor.follow('next')).toBe(true);
    expect(cursor.isSame(head)).toBe(true);
  });

  it('steps along elements, and only to objects of its shape', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault });
    const Tree = heap.defineShape({ name: 'tree', fields: { number: 'u32', any: 'ref' }, elements: 'ref' });
    const leaf = heap.create(heap.defineShape(LEAF));
    const root = heap.create(Tree, { any: leaf }, [null, heap.create(Tree, { number: 7 }), leaf]);
    mutator.collect({ kind: 'full' });
    const cursor = heap.cursor(Tree, root);
    expect(() => cursor.followElement(2)).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => cursor.follow('any')).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => cursor.followElement(3)).toThrow(code('ERR_OPTION'));
    expect(() => cursor.moveTo(leaf as never)).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => cursor.moveTo(leaf.ref)).toThrow(code('ERR_WRONG_SHAPE'));
    expect(() => cursor.follow('number' as never)).toThrow(code('ERR_OPTION'));
    expect(cursor.isSame(root)).toBe(true);
    expect(cursor.elements.length).toBe(3);
    expect(cursor.followElement(1)).toBe(true);
    expect([cursor.number, cursor.elements.length]).toEqual([7, 0]);
    expect(cursor.moveTo(root.ref).followElement(0)).toBe(false);
    expect(() => cursor.followElement(0)).toThrow(code('ERR_NULL_REFERENCE'));
  });
});
