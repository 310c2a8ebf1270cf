/**
 * Creates a heap, and is terminated some time later: then the collector's thread, a child of this one, is gone too.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../dist/index.js';

const heap = Heap.create(workerData.options);
parentPort.postMessage({ token: heap.token });
// The collector's thread needs its parent's event loop.
setInterval(() => heap.phase, 1_000);
