/**
 * Threads that are mutators of the same heaps: node several-heaps.mjs HEAPS TASK FAULT. Ends with code 0 when every thread has done its
 * work; a thread that waits for another in two heaps never does.
 *
 *   allocating   each thread allocates in a heap of its own, which is small for it, and never polls the others
 *   crossing     each thread allocates in all heaps, one after the other, in an order of its own, and polls one of them only
 *   coming       each thread stays in a heap of its own, and comes to the others and goes again while they and its own collect
 *   idle         the threads wait in their event loops while all heaps collect
 */
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

const KEPT = 130_000; // of 8 MiB, 4 stay alive
const COMING_MS = 2_000;
const NODE = { name: 'node', fields: { next: 'ref', number: 'u32' } };

if (workerData === null) {
  const [count, task, fault] = process.argv.slice(2);
  const heaps = Array.from({ length: Number(count) }, () => Heap.create({ capacityBytes: '8M', workers: 0, fault, delaySeed: 1 }));
  const tokens = heaps.map(({ token }) => token);
  const owners = Array.from({ length: task === 'coming' ? 3 * heaps.length : heaps.length }, (_, i) => i % heaps.length);
  const threads = owners.map((own) => new Worker(new URL(import.meta.url), { workerData: { tokens, own, task } }));
  const ends = threads.map((thread) => once(thread, 'exit'));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  if (task === 'idle') {
    await Promise.all(
      heaps.map(async (heap) => {
        for (let i = 0; i < 30; i++) await heap.collect();
      }),
    );
    for (const thread of threads) thread.postMessage('end');
  }
  for (const [code] of await Promise.all(ends)) if (code !== 0) process.exit(1);
  for (const heap of heaps) {
    await heap.verify();
    await heap.close();
  }
  process.stdout.write('all threads are done\n');
} else {
  const { tokens, own, task } = workerData;
  // Each thread has its mutators in another order.
  const order = tokens.map((_, i) => (own % 2 === 0 ? i : tokens.length - 1 - i));
  const lives = [];
  for (const index of order) {
    const heap = Heap.attach(tokens[index]);
    const mutator = heap.attachMutator();
    lives[index] = { heap, mutator, shape: heap.defineShape(NODE), head: mutator.handle(0), kept: 0 };
  }
  const push = ({ mutator, shape, head }, number) => {
    const ref = mutator.allocate(shape);
    mutator.u32[ref * 2 + shape.offsets.number] = number;
    mutator.u32[ref * 2 + shape.offsets.next] = mutator.get(head);
    mutator.set(head, ref);
  };
  const check = ({ mutator, shape, head }, count) => {
    let ref = mutator.get(head);
    for (let number = count - 1; number >= 0; number--) {
      if (mutator.u32[ref * 2 + shape.offsets.number] !== number) throw new Error(`node ${number} is not what it was`);
      ref = mutator.u32[ref * 2 + shape.offsets.next];
    }
  };
  const TASKS = {
    allocating() {
      parentPort.postMessage('ready');
      const life = lives[own];
      for (let i = 0; i < KEPT; i++) push(life, i);
      for (let i = 0; i < 2_000_000; i++) life.mutator.allocate(life.shape);
      check(life, KEPT);
    },
    crossing() {
      parentPort.postMessage('ready');
      const kept = Math.floor(KEPT / tokens.length);
      for (let i = 0; i < kept; i++) for (const index of order) push(lives[index], i);
      for (let round = 0; round < 800; round++) {
        for (const index of order) for (let i = 0; i < 500; i++) lives[index].mutator.allocate(lives[index].shape);
        for (let i = 0; i < 100; i++) lives[own].mutator.poll();
      }
      for (const life of lives) check(life, kept);
    },
    coming() {
      parentPort.postMessage('ready');
      const endMs = Date.now() + COMING_MS;
      while (Date.now() < endMs) {
        for (const index of order) {
          const life = lives[index];
          if (index !== own) {
            life.mutator.detach();
            life.mutator = life.heap.attachMutator();
            life.head = life.mutator.handle(0);
          }
          for (let i = 0; i < 500; i++) life.mutator.allocate(life.shape);
          push(life, 0);
          check(life, 1);
          life.mutator.set(life.head, 0);
        }
      }
    },
    async idle() {
      parentPort.postMessage('ready');
      await once(parentPort, 'message');
    },
  };
  await TASKS[task]();
  for (const { mutator } of lives) mutator.detach();
  for (const { heap } of lives) await heap.close();
  parentPort.close();
}
