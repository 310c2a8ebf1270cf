// Four threads push onto one list without a lock, while the main thread compacts the heap under them.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Heap } from 'faultline';

const THREADS = 4;
const NODES = 50_000;
/** @type {import('faultline').ShapeDefinition} */
const NODE = { name: 'node', fields: { next: 'ref', owner: 'u32', number: 'u32' } };
const LIST = 0; // which shared root slot holds the list

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '64M' });
  const workers = Array.from(
    { length: THREADS },
    (_, owner) => new Worker(new URL(import.meta.url), { workerData: { token: heap.token, owner } }),
  );
  let running = THREADS;
  for (const worker of workers) void once(worker, 'exit').then(() => running--);
  while (running > 0) await heap.collect();
  await heap.collect();

  const mutator = heap.attachMutator();
  const node = heap.shape('node');
  const [next, owner, number] = ['next', 'owner', 'number'].map((name) => node.field(name).offset);
  const seen = Array.from({ length: THREADS }, () => new Uint8Array(NODES));
  const { u32 } = mutator;
  for (let ref = heap.roots.slots[LIST]; ref !== 0; ref = u32[ref * 2 + next]) {
    seen[u32[ref * 2 + owner]][u32[ref * 2 + number]]++;
  }
  const complete = seen.every((numbers) => numbers.every((count) => count === 1));
  console.log(`${THREADS * NODES} nodes, each there exactly once: ${complete}`);
  const { cycles } = heap.statistics();
  console.log(`at least one cycle moved objects: ${cycles.compacting > 0}`);
  mutator.detach();
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  const node = heap.defineShape(NODE); // the same definition in every thread
  const [next, owner, number] = ['next', 'owner', 'number'].map((name) => node.field(name).offset);
  const mutator = heap.attachMutator();
  const { u32 } = mutator;
  const { slots } = heap.roots; // outside the moving heap: Atomics work, the collector rewrites them in its pause
  for (let i = 0; i < NODES; i++) {
    for (let garbage = 0; garbage < 5; garbage++) mutator.allocate(node);
    const ref = mutator.allocate(node);
    u32[ref * 2 + owner] = workerData.owner;
    u32[ref * 2 + number] = i;
    // No safepoint from here to the exchange, so neither reference can become stale in between.
    let head;
    do {
      head = slots[LIST];
      u32[ref * 2 + next] = head;
    } while (Atomics.compareExchange(slots, LIST, head, ref) !== head);
  }
  mutator.detach();
  await heap.close();
}
