/**
 * A mutator thread of a soak round: one life after the other's slice until it is told to stop, or terminated.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../dist/index.js';
import { Life } from './life.mjs';

const { token, life, stop, progress } = workerData;
const heap = Heap.attach(token);
const own = new Life(heap, life);
parentPort.postMessage({ ready: true });
while (Atomics.load(stop, 0) === 0) {
  own.slice();
  Atomics.store(progress, life.thread, own.figures.operations);
}
const figures = own.finish();
parentPort.postMessage({ figures });
await heap.close();
parentPort.close();
