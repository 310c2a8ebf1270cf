/**
 * A control thread that loses its CPU while it ends: node late-control.mjs. Another one is in control meanwhile, or afterwards; no thread
 * may run in its pauses. In mode stw, whose phase `compacting` is a pause and never seen by a thread that runs.
 */
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { binding } from '../../../dist/binding.js';
import { Heap } from '../../../dist/index.js';

const self = new URL(import.meta.url);
if (workerData === null) {
  binding().holdEndOfControl(true);
  const maker = new Worker(self, { workerData: 'maker' });
  const [token] = await once(maker, 'message');
  const heap = Heap.attach(token);
  const user = new Worker(self, { workerData: token });
  let seen;
  user.on('message', (what) => (seen = what));
  await once(user, 'message');
  await heap.collect();
  const ended = maker.terminate();
  // It gets its CPU back in the pause of another one, if there can be another one by then.
  let collecting = true;
  const collections = (async () => {
    while (collecting) await heap.collect({ kind: 'full' });
  })();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (const end = performance.now() + 2000; performance.now() < end && heap.phase !== 'compacting'; ) await turn();
  binding().holdEndOfControl(false);
  for (const end = performance.now() + 500; performance.now() < end && seen === 'ready'; ) await turn();
  collecting = false;
  await ended;
  if (seen === 'ready') await collections;
  process.stdout.write(`${seen === 'ready' ? 'nobody ran in a pause' : seen}\n`);
  process.exit(0);
} else if (workerData === 'maker') {
  parentPort.postMessage(Heap.create({ capacityBytes: '128M', workers: 0, fault: 'stw' }).token);
  setInterval(() => {}, 1000);
} else {
  const heap = Heap.attach(workerData);
  const mutator = heap.attachMutator();
  const shape = heap.defineShape({ name: 'node', fields: { next: 'ref', number: 'u32' } });
  const head = mutator.handle(0);
  for (let i = 0; i < 600_000; i++) {
    mutator.allocate(shape); // garbage, so that the list moves
    const ref = mutator.allocate(shape);
    mutator.u32[ref * 2 + shape.offsets.next] = mutator.get(head);
    mutator.set(head, ref);
  }
  parentPort.postMessage('ready');
  for (let i = 0; ; i++) {
    mutator.poll();
    for (let j = 0; j < 20; j++) {
      if (heap.phase !== 'compacting') continue;
      parentPort.postMessage('a thread runs in the pause');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    }
    // Something to move each time.
    if (i % 50 === 0) for (let j = 0; j < 2000; j++) mutator.allocate(shape);
  }
}
