// Two HTTP servers, each in a thread of its own, share one cache of pages: what one has rendered, the other serves.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as rest } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

/** @import { HeapCache } from 'faultline' */

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  heap.attachMutator();
  const cache = heap.createCache('string', 'string', { maxBytes: '4M', ttlMs: 60_000 });
  const workers = ['first', 'second'].map(
    (name) => new Worker(new URL(import.meta.url), { workerData: { name, token: heap.token, cache: heap.offer(cache) } }),
  );
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0].port));

  // A client: ten rounds of the same ten pages, each round from the other server.
  let page = '';
  for (let i = 0; i < 100; i++) {
    const response = await fetch(`http://127.0.0.1:${ports[Math.floor(i / 10) % 2]}/page/${i % 10}`);
    page = await response.text();
  }
  const { hits, misses } = cache.statistics();
  console.log(`a hundred requests to two servers: ${misses} pages rendered, ${hits} found in the cache`);
  console.log(`the second server sends: ${page}`);

  for (const worker of workers) worker.postMessage('stop');
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  /** @type {HeapCache<'string', 'string'>} */
  const cache = heap.redeem(workerData.cache);
  const server = createServer(async ({ url = '/' }, response) => {
    const page = await cache.fetch(url, async (path) => {
      await rest(5); // rendering takes its time; requests for the same page wait for it, too
      return `<h1>${path}</h1> as the ${workerData.name} server has rendered it`;
    });
    response.end(page);
  });
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage(server.address()));
  parentPort?.once('message', () => server.close(() => heap.close()));
}
