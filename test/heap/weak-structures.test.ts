/**
 * Weak references, weak maps and finalizers, in every fault mode and with every marker.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type Finalizable, type Heap, HeapError, type Mutator, type Ref, type Shape } from '../support/faultline.ts';
import { type makeHeap, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import { MARKERS, MODES } from '../support/modes.ts';

const CONFIGURATIONS = MODES.flatMap((fault) => MARKERS.map((marker) => ({ fault, marker })));

interface Place {
  readonly heap: Heap;
  readonly mutator: Mutator;
  readonly node: Shape;
  /** A node with that identity. */
  make(identity: number): Ref;
  identityOf(ref: Ref): number;
}

function place(options: Partial<Parameters<typeof makeHeap>[0]>): Place {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', barrieredStores: true, ...options });
  const node = heap.defineShape({ name: 'node', fields: { next: 'ref', identity: 'u32' } });
  const { offset } = node.field('identity');
  return {
    heap,
    mutator,
    node,
    make: (identity) => {
      const ref = mutator.allocate(node);
      mutator.u32[ref * 2 + offset] = identity;
      return ref;
    },
    identityOf: (ref) => {
      expect(mutator.u32[ref * 2]).toBe(node.id);
      return mutator.u32[ref * 2 + offset]!;
    },
  };
}

/** What is ready now, in any order. */
async function drain(heap: Heap): Promise<Finalizable[]> {
  const listener = heap.finalizable();
  const taken: Finalizable[] = [];
  for (let left = heap.statistics().weak.finalizersReady; left > 0; left--) taken.push((await listener.next()).value as Finalizable);
  await listener.return!();
  return taken;
}

describe.each(CONFIGURATIONS)('in mode $fault with marker $marker', ({ fault, marker }) => {
  it('a weak reference follows its object, and is cleared when nothing else leads to it', () => {
    const { mutator, make, identityOf } = place({ fault, marker });
    const kept = mutator.handle(make(1));
    const keptReference = mutator.handle(mutator.weakReferences.allocate(mutator.get(kept)));
    const lostReference = mutator.handle(mutator.weakReferences.allocate(make(2)));
    expect(identityOf(mutator.weakReferences.get(mutator.get(lostReference)))).toBe(2);
    for (let i = 0; i < 3; i++) {
      mutator.collect();
      expect(mutator.weakReferences.get(mutator.get(keptReference))).toBe(mutator.get(kept));
      expect(identityOf(mutator.get(kept))).toBe(1);
      expect(mutator.weakReferences.get(mutator.get(lostReference))).toBe(0);
    }
    mutator.weakReferences.clear(mutator.get(keptReference));
    expect(mutator.weakReferences.get(mutator.get(keptReference))).toBe(0);
  });

  it('an entry of a weak map lasts as long as its key, and its value with it', () => {
    const { heap, mutator, make, identityOf } = place({ fault, marker });
    const { weakMaps } = mutator;
    const map = mutator.handle(weakMaps.allocate());
    const count = 2000;
    const keys = Array.from({ length: count }, (_, i) => mutator.handle(make(i)));
    keys.forEach((key, i) => {
      const value = make(count + i);
      weakMaps.set(mutator.get(map), mutator.get(key), value);
    });
    mutator.collect();
    keys.forEach((key, i) => {
      if (i % 2 === 1) return;
      mutator.release(key);
    });
    const before = heap.statistics().weak.clearedEntries;
    mutator.collect();
    expect(heap.statistics().weak.clearedEntries - before).toBe(count / 2);
    keys.forEach((key, i) => {
      if (i % 2 === 0) return;
      expect(identityOf(weakMaps.get(mutator.get(map), mutator.get(key)))).toBe(count + i);
      if (i % 3 === 0) expect(weakMaps.delete(mutator.get(map), mutator.get(key))).toBe(true);
      expect(weakMaps.has(mutator.get(map), mutator.get(key))).toBe(i % 3 !== 0);
    });
  });

  it('a value that leads to its key keeps neither alive; a chain of entries is followed to its end', () => {
    const { mutator, node, make, identityOf } = place({ fault, marker });
    const { weakMaps, weakReferences } = mutator;
    const map = mutator.handle(weakMaps.allocate());
    const next = node.field('next').offset;
    const length = 40;
    const first = mutator.handle(make(0));
    const watches = [mutator.handle(weakReferences.allocate(mutator.get(first)))];
    mutator.scope(() => {
      let key = mutator.local(mutator.get(first));
      for (let i = 1; i <= length; i++) {
        const following = mutator.local(i === length ? mutator.get(first) : make(i));
        const value = make(1000 + i);
        mutator.u32[value * 2 + next] = mutator.get(following);
        weakMaps.set(mutator.get(map), mutator.get(key), value);
        if (i < length) watches.push(mutator.handle(weakReferences.allocate(mutator.get(following))));
        key = following;
      }
    });
    mutator.collect();
    watches.forEach((watch, i) => expect(identityOf(weakReferences.get(mutator.get(watch)))).toBe(i));
    mutator.release(first);
    mutator.collect();
    for (const watch of watches) expect(weakReferences.get(mutator.get(watch))).toBe(0);
  });

  it('a finalizer gives its object back once, after weak references and entries are gone', async () => {
    const { heap, mutator, make, identityOf } = place({ fault, marker });
    const { weakMaps, weakReferences } = mutator;
    const map = mutator.handle(weakMaps.allocate());
    const object = mutator.handle(make(1));
    const watch = mutator.handle(weakReferences.allocate(mutator.get(object)));
    weakMaps.set(mutator.get(map), mutator.get(object), mutator.get(object));
    mutator.finalizeLater(mutator.get(object), 5);
    mutator.finalizeLater(mutator.get(object), 6);
    await heap.collect();
    expect(await drain(heap)).toEqual([]);
    mutator.release(object);
    await heap.collect();
    await heap.collect();
    const taken = await drain(heap);
    expect(taken.map(({ heldValue }) => heldValue).sort()).toEqual([5, 6]);
    for (const { handle } of taken) expect(identityOf(mutator.get(handle!))).toBe(1);
    expect(mutator.get(taken[0]!.handle!)).toBe(mutator.get(taken[1]!.handle!));
    expect(weakReferences.get(mutator.get(watch))).toBe(0);
    expect(weakMaps.has(mutator.get(map), mutator.get(taken[0]!.handle!))).toBe(false);
    mutator.finalizeLater(mutator.get(taken[0]!.handle!), 7);
    for (const { handle } of taken) mutator.release(handle!);
    await heap.collect();
    expect((await drain(heap)).map(({ heldValue }) => heldValue)).toEqual([7]);
  });

  it('an identity hash stays while objects move, and is different for different objects', () => {
    const { heap, mutator, make } = place({ fault, marker });
    const text = heap.defineShape({ name: 'text', fields: { owner: 'ref' }, elements: 'u8', identityHash: true });
    const handles = Array.from({ length: 500 }, (_, i) => mutator.handle(i % 2 === 0 ? make(i) : mutator.allocate(text, i)));
    const hashes = handles.map((handle) => mutator.identityHash(mutator.get(handle)));
    expect(new Set(hashes).size).toBe(hashes.length);
    for (let i = 0; i < 3; i++) {
      handles.forEach((handle, k) => {
        if (k % 5 === i) mutator.set(handle, 0);
      });
      mutator.collect({ kind: 'full' });
      handles.forEach((handle, k) => {
        if (mutator.get(handle) !== 0) expect(mutator.identityHash(mutator.get(handle))).toBe(hashes[k]);
      });
    }
    handles.forEach((handle, k) => {
      if (k % 2 === 1 && mutator.get(handle) !== 0) expect(mutator.u32[mutator.get(handle) * 2 + 1]).toBe(k);
    });
  });
});

describe('weak structures', () => {
  it('refuse a key without an identity', () => {
    const { heap, mutator } = place({});
    const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
    const map = mutator.handle(mutator.weakMaps.allocate());
    const key = mutator.handle(mutator.allocate(bytes, 3));
    for (const use of [
      () => mutator.identityHash(mutator.get(key)),
      () => mutator.weakMaps.set(mutator.get(map), mutator.get(key), 0),
      () => mutator.weakMaps.get(mutator.get(map), mutator.get(key)),
      () => mutator.weakMaps.delete(mutator.get(map), mutator.get(key)),
    ]) {
      expect(use).toThrow(HeapError);
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_NO_IDENTITY' }));
    }
  });

  it('deliver every held value once, however many listen, also to threads without a mutator', async () => {
    const { heap, mutator, make } = place({ capacityBytes: '32M' });
    const worker = new Worker(new URL('../support/programs/finalizer-listener.mjs', import.meta.url), { workerData: heap.token });
    const heard: number[] = [];
    worker.on('message', (heldValue: number) => heard.push(heldValue));
    const listeners = [heap.finalizable(), heap.finalizable()];
    const loops = listeners.map(async (listener) => {
      for await (const { heldValue, handle } of listener) {
        heard.push(heldValue);
        mutator.release(handle!);
      }
    });
    const count = 5000;
    for (let id = 0; id < count; id++) mutator.finalizeLater(make(id), id);
    while (heard.length < count) await heap.collect();
    worker.postMessage('end');
    await once(worker, 'exit');
    await heap.collect();
    expect([...heard].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(heap.statistics().weak).toMatchObject({ finalizersWaiting: 0, finalizersReady: 0, finalizable: count });
    await heap.close();
    await Promise.all(loops);
  });

  it('are a phase of their own, when there is anything to do, and say when objects are ready', async () => {
    const { heap, mutator, make } = place({});
    const events = recordEvents(heap);
    await heap.collect();
    expect(events.some((event) => event.type === 'phase' && event.phase === 'weak')).toBe(false);
    const reference = mutator.handle(mutator.weakReferences.allocate(make(1)));
    mutator.finalizeLater(make(2), 2);
    mutator.finalizeLater(make(3), 3);
    await heap.collect();
    const order = events.flatMap((event) => (event.type === 'phase' ? [event.phase] : event.type === 'finalizable' ? [event.type] : []));
    expect(order.slice(order.indexOf('weak'), order.indexOf('weak') + 3)).toEqual(['weak', 'finalizable', 'plan']);
    expect(events.find((event) => event.type === 'finalizable')).toMatchObject({ count: 2 });
    expect(heap.statistics().weak).toMatchObject({ clearedReferences: 1, finalizersReady: 2, finalizersWaiting: 0 });
    expect(mutator.weakReferences.get(mutator.get(reference))).toBe(0);
  });

  it('end the iteration when the heap is closed, and when the listener returns', async () => {
    const { heap, mutator, make } = place({});
    mutator.finalizeLater(make(1), 1);
    const [waiting, returned] = [heap.finalizable(), heap.finalizable()];
    const pending = returned.next();
    await returned.return!();
    expect(await pending).toEqual({ done: true, value: undefined });
    const rest = waiting.next();
    await heap.close();
    expect(await rest).toEqual({ done: true, value: undefined });
    expect(await waiting.next()).toEqual({ done: true, value: undefined });
    expect(await heap.finalizable().next()).toEqual({ done: true, value: undefined });
  });

  it('deliver to a mutator that its program has parked', async () => {
    const { heap, mutator, make } = place({});
    mutator.finalizeLater(make(1), 1);
    mutator.park();
    await heap.collect();
    const [taken] = await drain(heap);
    await heap.collect();
    mutator.unpark();
    expect(taken!.heldValue).toBe(1);
    expect(mutator.get(taken!.handle!)).not.toBe(0);
  });
});
