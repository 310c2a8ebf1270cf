/**
 * Waits: everything that a thread can wait for in the library, each for ever. `ready` is called when only the wait is left, and the
 * wait itself is passed to `forever`, which runs it. A wait that needs another thread starts one, which lives as long as this one.
 */
import { Worker } from 'node:worker_threads';

const helper = (token, task) =>
  new Promise((resolve) =>
    new Worker(new URL('./programs/wait-partner.mjs', import.meta.url), { workerData: { token, task } }).once('message', resolve),
  );

const never = new Int32Array(new SharedArrayBuffer(4));

const STOP_REQUESTED = 2;

/** A thread of the heap comes to no safepoint, so that a stop that is asked for is never met. */
async function askedInVain(heap, mutator) {
  await helper(heap.token, 'computes');
  heap.collect().catch(() => {});
  while ((mutator.allocationBuffer.control[0] & STOP_REQUESTED) === 0);
}

export const WAITS = {
  'a queue'({ heap, ready, forever }) {
    const queue = heap.createQueue('f64');
    ready();
    forever(() => queue.dequeueWait());
  },
  async 'a lock'({ heap, ready, forever }) {
    const lock = heap.createLock();
    heap.roots.slots[1] = lock.ref;
    await helper(heap.token, 'takes the lock');
    ready();
    forever(() => lock.lock());
  },
  'a condition'({ heap, ready, forever }) {
    const [condition, lock] = [heap.createCondition(), heap.createLock()];
    ready();
    // Cut short, it does not have the lock.
    forever(() => lock.run(() => condition.wait(lock)));
  },
  'room in a queue'({ heap, ready, forever }) {
    const queue = heap.createQueue('f64', 1);
    queue.enqueue(1);
    ready();
    forever(() => queue.enqueueWait(2));
  },
  'a function that parks all'({ mutator, ready, forever }) {
    ready();
    forever(() => mutator.parkAll(() => Atomics.wait(never, 0, 0)));
  },
  'a function that parks one'({ mutator, ready, forever }) {
    ready();
    forever(() => mutator.parked(() => Atomics.wait(never, 0, 0)));
  },
  'polls of the other heap'({ mutator, ready, forever }) {
    ready();
    forever(() => {
      for (;;) mutator.poll();
    });
  },
  async 'the end of a pause'({ heap, mutator, ready, forever }) {
    await askedInVain(heap, mutator);
    ready();
    forever(() => {
      for (;;) mutator.poll();
    });
  },
  async 'the end of a pause, parked'({ heap, mutator, ready, forever }) {
    await askedInVain(heap, mutator);
    ready();
    forever(() => {
      mutator.park();
      mutator.unpark();
    });
  },
  async 'a collection'({ heap, mutator, ready, forever }) {
    await helper(heap.token, 'computes');
    ready();
    forever(() => mutator.collect());
  },
  async memory({ heap, mutator, ready, forever }) {
    await helper(heap.token, 'computes');
    const shape = heap.defineShape({ name: 'node', fields: { next: 'ref', number: 'u32' } });
    ready();
    forever(() => {
      for (;;) mutator.allocate(shape);
    });
  },
};
