/**
 * Only workers load the library, and end with a heap open: node worker-only.mjs FAULT. The addon must stay where it is for
 * whatever still runs in it.
 */
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const [fault] = process.argv.slice(2);
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { fault, closes: i % 2 === 1 } });
    const [code] = await once(worker, 'exit');
    if (code !== 0) throw new Error(`the worker ended with ${code}`);
    // Memory in which the next one will find itself.
    Array.from({ length: 100 }, () => new ArrayBuffer(100_000));
  }
  console.log('done');
} else {
  const { Heap } = await import('../../../dist/index.js');
  const { makeFragmentedList } = await import('../victims.mjs');
  const heap = Heap.create({ capacityBytes: '8M', fault: workerData.fault });
  makeFragmentedList(heap, heap.attachMutator(), 2);
  await heap.collect({ kind: 'full' });
  if (workerData.closes) await heap.close();
}
