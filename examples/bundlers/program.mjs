// What is bundled: a heap, a worker that is the same file, and a number that goes from one thread to the other.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '4M' });
  heap.attachMutator();
  const queue = heap.createQueue('f64');
  const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token, queue: heap.offer(queue) } });
  await once(worker, 'exit');
  await heap.collect();
  console.log(`from the worker: ${queue.dequeue()}`);
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  heap.redeem(workerData.queue).enqueue(42);
  await heap.close();
}
