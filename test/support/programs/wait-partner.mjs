/**
 * A thread that makes another one wait; see ../waits.mjs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

const { token, task } = workerData;
const heap = Heap.attach(token);
const mutator = heap.attachMutator();
const TASKS = {
  computes() {
    parentPort.postMessage('there');
    for (;;);
  },
  'takes the lock'() {
    heap.view(heap.roots.slots[1]).lock();
    parentPort.postMessage('there');
    mutator.park();
    setInterval(() => {}, 1e6);
  },
};
TASKS[task]();
