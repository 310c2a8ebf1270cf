/**
 * Victims: how the programs of programs/*.mjs bring their threads into a given situation.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const FILE = new URL('./programs/victim.mjs', import.meta.url);

export async function startVictim(token, situation, ending = 'a natural end') {
  const end = new Int32Array(new SharedArrayBuffer(4));
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(FILE, { workerData: { token, situation, ending, end, progress } });
  await once(worker, 'message');
  const tell = () => {
    Atomics.store(end, 0, 1);
    Atomics.notify(end, 0);
  };
  return { worker, progress, tell };
}

/** A list of `mib` MiB behind the first shared root, spread out between as much garbage. */
export function makeFragmentedList(heap, mutator, mib) {
  const shape = heap.defineShape({ name: 'node', fields: { next: 'ref', value: 'u32' } });
  const nodes = (mib * 2 ** 20) / 16;
  for (let i = 0; i < nodes * 2; i++) {
    const ref = mutator.allocate(shape);
    if (i % 2 === 1) continue;
    mutator.u32[ref * 2 + 2] = heap.roots.slots[0];
    heap.roots.slots[0] = ref;
  }
  return nodes;
}

export function lengthOfList(heap, mutator) {
  let length = 0;
  for (let ref = heap.roots.slots[0]; ref !== 0; ref = mutator.u32[ref * 2 + 2]) length++;
  return length;
}

/** The thread has not moved for a while. */
export async function stuck(progress, forMs = 60) {
  for (;;) {
    const before = Atomics.load(progress, 0);
    await wait(forMs);
    if (Atomics.load(progress, 0) === before) return;
  }
}

export async function until(condition) {
  while (!condition()) await wait(2);
}

/** Resolves to whether `promise` was first. */
export async function within(promise, ms) {
  const late = Symbol('late');
  const over = new AbortController();
  const timer = wait(ms, late, { signal: over.signal }).catch(() => late);
  const first = await Promise.race([promise, timer]);
  over.abort();
  return first !== late;
}
