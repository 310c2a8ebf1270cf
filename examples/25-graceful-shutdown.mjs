// A shutdown that loses nothing: on SIGTERM no more orders are taken, the workers do those that are in the queue, and then the heap is
// closed.
import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

/** @import { HeapMap, HeapQueue } from 'faultline' */

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  heap.attachMutator();
  const orders = heap.createQueue('string', 100);
  const done = heap.createMap('string', 'u32');
  const start = () => {
    const data = { token: heap.token, orders: heap.offer(orders), done: heap.offer(done) };
    return once(new Worker(new URL(import.meta.url), { workerData: data }), 'exit');
  };
  const workers = [start(), start()];

  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100); // as a service manager would

  let taken = 0;
  try {
    for (;;) {
      await orders.enqueueAsync(`order ${taken}`, { signal: stop.signal }); // waits for room
      taken++;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error; // the signal has ended a wait, and then nothing was appended
  }
  console.log('SIGTERM: no more orders are taken');
  orders.close();
  await Promise.all(workers);
  console.log(`all that were taken have been done: ${done.get('orders') === taken}`);
  await heap.close();
  console.log('the heap is closed');
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  /** @type {HeapQueue<'string'>} */
  const orders = heap.redeem(workerData.orders);
  /** @type {HeapMap<'string', 'u32'>} */
  const done = heap.redeem(workerData.done);
  // Undefined when the queue is closed and empty: then this thread is done, too.
  for (let order = orders.dequeueWait(); typeof order === 'string'; order = orders.dequeueWait()) {
    pbkdf2Sync(order, 'salt', 1_000, 32, 'sha256');
    done.increment('orders');
  }
  await heap.close();
}
