/**
 * A thread that is a mutator of the heaps in workerData.tokens and waits for something of the first. Says `waiting` just before, and waits
 * until it is terminated.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';
import { WAITS } from '../waits.mjs';

const { tokens, wait } = workerData;
const mutators = tokens.map((token) => Heap.attach(token)).map((heap) => ({ heap, mutator: heap.attachMutator() }));
const [{ heap, mutator }] = mutators;
await WAITS[wait]({ heap, mutator, ready: () => parentPort.postMessage('waiting'), forever: (run) => run() });
