// Two threads share a cache of pages that take long to render. It has room for about three thousand of twenty thousand.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  heap.attachMutator();
  const cache = heap.createCache('string', 'string', { maxBytes: '1M', ttlMs: 3_600_000 });
  const start = (from) => new Worker(new URL(import.meta.url), { workerData: { from, token: heap.token, cache: heap.offer(cache) } });
  await Promise.all([start(0), start(1)].map((worker) => once(worker, 'exit')));
  const { hits, misses, evictions } = cache.statistics();
  console.log(`found at least every third time: ${2 * hits >= misses}, pages dropped: ${evictions > 0 ? 'some' : 'none'}`);
  console.log(`full: ${cache.bytes > 900_000}, and not too full: ${cache.bytes <= 2 ** 20}`);
  const again = Array.from({ length: 50 }, (_, n) => cache.has(`page ${n}`)).filter(Boolean);
  console.log(`what is asked for again and again is there: ${again.length > 40}`);
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  const cache = heap.redeem(workerData.cache);
  const render = (key) => `<h1>${key}</h1>`.repeat(10);
  for (let n = workerData.from; n < 20_000; n += 2) {
    cache.getOrInsertComputed(`page ${n}`, render); // once
    cache.getOrInsertComputed(`page ${(n >> 1) % 50}`, render); // again and again
  }
  await heap.close();
}
