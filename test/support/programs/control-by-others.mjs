/**
 * The thread with the collector is gone, one thread waits without turning its event loop, and another one turns its own: node
 * control-by-others.mjs. Prints which of them started the collector's next thread, and how the wait ended.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

const file = new URL(import.meta.url);
const started = [];
if (isMainThread) {
  const maker = new Worker(file, { workerData: {} });
  const [token] = await once(maker, 'message');
  const heap = Heap.attach(token);
  const waiter = new Worker(file, { workerData: { token } });
  await once(waiter, 'message');
  await maker.terminate();
  process.on('worker', () => started.push('main'));
  waiter.postMessage('go');
  const [said] = await once(waiter, 'message');
  console.log(JSON.stringify([...started, ...said]));
  await heap.close();
  waiter.postMessage('end');
} else if (workerData.token === undefined) {
  const heap = Heap.create({ capacityBytes: '4M', workers: 0 });
  await heap.collect();
  parentPort.postMessage(heap.token);
  setInterval(() => {}, 1e6);
} else {
  const heap = Heap.attach(workerData.token);
  const mutator = heap.attachMutator();
  mutator.park();
  process.on('worker', () => started.push('waiter'));
  parentPort.postMessage('ready');
  await once(parentPort, 'message');
  mutator.unpark();
  mutator.collect();
  mutator.detach();
  setImmediate(() => parentPort.postMessage([...started, 'collected']));
  await once(parentPort, 'message');
  await heap.close();
}
