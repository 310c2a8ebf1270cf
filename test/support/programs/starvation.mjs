/**
 * Threads that make garbage in a heap in which next to nothing is alive: node starvation.mjs FAULT MARKER THREADS CAPACITY MS. Most objects
 * are small; now and then a thread makes one that is pinnable, or has regions of its own, and the first thread one of two regions. Prints
 * the errors of the threads, and how many objects of each kind there were.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

if (isMainThread) {
  const [fault, marker, threads, capacityBytes, ms] = process.argv.slice(2);
  const heap = Heap.create({ capacityBytes, fault, marker, workers: 1 });
  const results = await Promise.all(
    Array.from({ length: Number(threads) }, async (_, thread) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token, thread, ms: Number(ms) } });
      const [result] = await once(worker, 'message');
      return result;
    }),
  );
  console.log(JSON.stringify(results));
  await heap.close();
} else {
  const { token, thread, ms } = workerData;
  const heap = Heap.attach(token);
  const mutator = heap.attachMutator();
  const Node = heap.defineShape({ name: 'node', fields: { next: 'ref', number: 'u32' } });
  const Bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
  const list = mutator.handle(0);
  const made = { small: 0, large: 0, pinnable: 0 };
  let error;
  try {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      mutator.set(list, 0);
      for (let i = 0; i < 100; i++) {
        const ref = mutator.allocate(Node);
        mutator.u32[ref * 2 + Node.offsets.next] = mutator.get(list);
        mutator.set(list, ref);
        made.small++;
      }
      if ((made.small / 100) % 40 === thread) mutator.allocate(Bytes, thread === 0 ? 1_500_000 : 600_000), made.large++;
      if ((made.small / 100) % 60 === thread) mutator.allocatePinnable(Bytes, 10_000), made.pinnable++;
    }
  } catch (caught) {
    error = `${caught.code}: ${caught.message}`;
  }
  mutator.detach();
  await heap.close();
  parentPort.postMessage({ ...made, error });
}
