/**
 * A heap's life: one mutator per thread at a time, when it can be closed, what happens to pending promises then, and what is accepted as
 * its token.
 */
import { describe, expect, it } from 'vitest';
import { Heap, type HeapError } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { Threads } from '../support/threads.ts';

describe('a heap', () => {
  it('takes one mutator of a thread at a time', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    expect(() => heap.attachMutator()).toThrow(expect.objectContaining({ code: 'ERR_MUTATOR_ATTACHED' }));
    mutator.detach();
    expect(heap.attachMutator().attached).toBe(true);
  });

  it('is not closed while mutators of other threads are attached, and everything stays as it is', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    const threads = new Threads();
    threads.start(heap.token, 'parked');
    threads.start(heap.token, 'idle');
    await threads.ready();
    await expect(heap.close()).rejects.toMatchObject({ code: 'ERR_HEAP_IN_USE', figures: { attached: 2 } });
    expect(heap.closed).toBe(false);
    expect(mutator.attached).toBe(true);
    mutator.allocate(heap.defineShape({ name: 's', fields: { a: 'ref' } }));
    await heap.collect();
    await threads.finish();
    await heap.close();
    expect(heap.closed).toBe(true);
  });

  it('is closed once: a second close does nothing', async () => {
    const heap = makeHeap({ capacityBytes: '1M' });
    await Promise.all([heap.close(), heap.close()]);
    await heap.close();
  });

  it('rejects the collections and verifications that are still awaited when it is closed', async () => {
    const heap = makeHeap({ capacityBytes: '1M' });
    const awaited = [heap.collect(), heap.collect({ kind: 'full' }), heap.verify()].map((promise) =>
      promise.then(
        () => 'done',
        (error: HeapError) => error.code,
      ),
    );
    await heap.close();
    for (const answer of await Promise.all(awaited)) expect(['done', 'ERR_HEAP_CLOSED']).toContain(answer);
  });

  it('answers every verification, from the first moment on and several at once', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    const first = heap.verify();
    mutator.handle(mutator.allocate(heap.defineShape({ name: 's', fields: { a: 'ref' } })));
    expect(await Promise.all([first, heap.verify(), heap.verify()])).toEqual([1, 1, 1]);
  });

  it.each<[string, (token: Heap['token']) => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', () => 'heap 1'],
    ['an empty object', () => ({})],
    ['an unknown number', (token) => ({ ...token, id: 4711 })],
    ['the buffer of somebody else', (token) => ({ ...token, view: new SharedArrayBuffer(64) })],
    ['plain memory', (token) => ({ ...token, view: new ArrayBuffer(64) })],
  ])('does not let %s pass for its token', (_what, forge) => {
    const heap = makeHeap({ capacityBytes: '1M' });
    expect(() => Heap.attach(forge(heap.token) as Heap['token'])).toThrow(expect.objectContaining({ code: 'ERR_HEAP_UNKNOWN' }));
  });

  it('does not let the token of another open heap pass with its own number', () => {
    const one = makeHeap({ capacityBytes: '1M' });
    const two = makeHeap({ capacityBytes: '1M' });
    expect(() => Heap.attach({ ...one.token, view: two.token.view })).toThrow(expect.objectContaining({ code: 'ERR_HEAP_UNKNOWN' }));
  });
});
