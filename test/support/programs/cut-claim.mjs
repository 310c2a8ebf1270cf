/**
 * A thread's try to start the control thread is cut before there is one, and the same thread tries again: node cut-claim.mjs. Prints the
 * two claims.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { binding } from '../../../dist/binding.js';
import { attachedTo } from '../../../dist/heap/token.js';

const maker = new Worker(
  `import { Heap } from ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)};
   import { parentPort } from 'node:worker_threads';
   const heap = Heap.create({ capacityBytes: '4M', workers: 0 });
   await heap.collect();
   parentPort.postMessage(heap.token);
   setInterval(() => {}, 1e6);`,
  { eval: true },
);
const [token] = await once(maker, 'message');
const { heap } = attachedTo(token);
await maker.terminate();

/** The next claim that this thread gets. */
function claim() {
  for (;;) {
    const number = binding().claimControl(heap);
    if (number > 0) return number;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}
console.log(JSON.stringify([claim(), claim()]));
