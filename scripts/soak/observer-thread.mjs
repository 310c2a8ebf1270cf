/**
 * Writes to descriptor 3, every now and then, what the heaps of a round are doing, so that this is known if nothing else answers.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../dist/index.js';

const { tokens, progress } = workerData;
const heaps = tokens.map((token) => Heap.attach(token));
const clock = setInterval(() => {
  const phases = heaps.map((heap) => heap.phase);
  const cycles = heaps.map((heap) => heap.statistics().cycles.count);
  writeSync(3, `${JSON.stringify({ phases, cycles, operations: [...progress] })}\n`);
}, 500);
parentPort.postMessage({ ready: true });
parentPort.once('message', async () => {
  clearInterval(clock);
  for (const heap of heaps) await heap.close();
  parentPort.close();
});
