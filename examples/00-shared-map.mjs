// A map that three threads share: two workers fill it, and the main thread reads what is there. Nothing is copied between them.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '64M' });
  heap.attachMutator(); // from here on this thread may touch objects of the heap
  const map = heap.createMap('string', 'f64');
  const start = (from) => new Worker(new URL(import.meta.url), { workerData: { from, token: heap.token, map: heap.offer(map) } });
  await Promise.all([start(0), start(1)].map((worker) => once(worker, 'exit')));
  console.log(`${map.size} numbers and their squares: 12 → ${map.get('12')}, 13 → ${map.get('13')}`);
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  const map = heap.redeem(workerData.map); // a view of the very same map
  for (let n = workerData.from; n < 1_000; n += 2) map.set(String(n), n * n);
  await heap.close();
}
