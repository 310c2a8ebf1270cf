/** Listens for finalizable objects without being a mutator, and posts their held values. */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

const heap = Heap.attach(workerData);
const listener = heap.finalizable({ keepAlive: true });
parentPort.once('message', async () => {
  await listener.return();
  await heap.close();
});
for await (const { heldValue, handle } of listener) {
  if (handle !== undefined) throw new Error('a thread without a mutator has no handles');
  parentPort.postMessage(heldValue);
}
