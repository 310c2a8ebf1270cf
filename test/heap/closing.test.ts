/**
 * Closing: a heap is closed when close() says so, no thread attaches meanwhile, and late threads end quietly.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { binding, Heap } from '../support/faultline.ts';
import { attachNative } from '../support/internals.ts';
import { Threads } from '../support/threads.ts';

const CONTROL_THREAD = new URL('../../dist/gc/control-thread.js', import.meta.url);
const WORKER = new URL('../../dist/gc/worker.js', import.meta.url);

const heapFiles = (): number => (readFileSync('/proc/self/maps', 'utf8').match(/memfd:faultline/g) ?? []).length;

describe('closing a heap', () => {
  it('is over for everybody who asked when the memory is back', async () => {
    const before = heapFiles();
    const heap = Heap.create({ capacityBytes: '8M', workers: 1 });
    await heap.collect();
    expect(heapFiles()).toBeGreaterThan(before);
    void heap.close();
    // The second call, while the first is under way.
    await heap.close();
    expect(heap.closed).toBe(true);
    expect(heapFiles()).toBe(before);
  });

  it('lets nobody in from the call on: no mutator, no thread with a token', async () => {
    const heap = Heap.create({ capacityBytes: '8M', workers: 1 });
    await heap.collect();
    const closing = heap.close();
    expect(() => heap.attachMutator()).toThrow(expect.objectContaining({ code: 'ERR_HEAP_CLOSED' }));
    expect(() => Heap.attach(heap.token)).toThrow(expect.objectContaining({ code: 'ERR_HEAP_UNKNOWN' }));
    await closing;
    expect(() => heap.attachMutator()).toThrow(expect.objectContaining({ code: 'ERR_HEAP_CLOSED' }));
  });

  it('has no control thread that had the heap before the call, and came into control after it', async () => {
    const heap = Heap.create({ capacityBytes: '1M', workers: 0 });
    const late = attachNative(heap.token).description.heap;
    const closing = heap.close();
    expect(binding().becomeControl(late, () => {})).toBe(false);
    binding().release(late);
    await closing;
  }, 20_000);

  it('changes nothing while mutators of other threads are attached', async () => {
    const heap = Heap.create({ capacityBytes: '8M', workers: 1 });
    const mutator = heap.attachMutator();
    const threads = new Threads();
    threads.start(heap.token, 'allocate');
    await threads.ready();
    mutator.park();
    for (let i = 0; i < 2; i++) await expect(heap.close()).rejects.toMatchObject({ code: 'ERR_HEAP_IN_USE', figures: { attached: 1 } });
    mutator.unpark();
    expect(heap.closed).toBe(false);
    expect(mutator.attached).toBe(true);
    mutator.collect();
    // Who comes now gets in.
    mutator.detach();
    const again = heap.attachMutator();
    await Heap.attach(heap.token).close();
    again.park();
    await threads.finish();
    await heap.close();
    expect(again.attached).toBe(false);
  });

  it('does not wait for a control thread that is still starting, which ends without a word', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const heaps = Array.from({ length: 12 }, () => Heap.create({ capacityBytes: '1M', workers: 1 }));
    // No turn of the event loop has passed: none of them can be there for long, most are not there at all.
    await Promise.all(heaps.map((heap) => heap.close()));
    expect(heapFiles()).toBe(0);
    for (const entry of [CONTROL_THREAD, WORKER]) {
      const late = new Worker(entry, {
        workerData: { token: heaps[0]!.token, worker: 0, turn: new Int32Array(new SharedArrayBuffer(4)) },
        execArgv: [],
      });
      const ended = once(late, 'exit') as Promise<[number]>;
      late.on('error', (error) => expect.unreachable(String(error)));
      expect((await ended)[0]).toBe(0);
    }
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
