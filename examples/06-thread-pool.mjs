// Mutators in a thread pool. An idle thread of a pool sleeps without a safepoint, so it must be parked between tasks.
import { isMainThread } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Heap } from 'faultline';

/** @type {import('faultline').ShapeDefinition} */
const TEXT = { name: 'text', elements: 'u8' };

/** @type {{ heap: Heap, mutator: import('faultline').Mutator } | undefined} */
let attached; // one per thread, kept from task to task

/** Writes `text` into the heap, and the reference into shared root slot `slot`. */
export default function write({ token, slot, text }) {
  if (attached === undefined) {
    const heap = Heap.attach(token);
    attached = { heap, mutator: heap.attachMutator() };
  } else {
    attached.mutator.unpark();
  }
  const { heap, mutator } = attached;
  try {
    const shape = heap.defineShape(TEXT);
    for (let garbage = 0; garbage < 2_000; garbage++) mutator.allocate(shape, 500);
    const bytes = new TextEncoder().encode(text);
    const ref = mutator.allocate(shape, bytes.length);
    mutator.u8.set(bytes, ref * 8 + shape.elementsOffset); // data without references: bulk methods are fine
    heap.roots.slots[slot] = ref;
  } finally {
    mutator.park();
  }
}

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  const pool = new Piscina({ filename: import.meta.url, minThreads: 2, maxThreads: 2 });
  const words = 'objects move while threads that use them keep running'.split(' ');
  await Promise.all(words.map((text, slot) => pool.run({ token: heap.token, slot, text })));
  await heap.collect({ kind: 'full' }); // waits for no idle thread of the pool
  await pool.destroy(); // threads that end are detached

  const mutator = heap.attachMutator();
  const shape = heap.shape('text');
  const read = words.map((_, slot) => {
    const ref = heap.roots.slots[slot];
    const begin = ref * 8 + shape.elementsOffset;
    return new TextDecoder().decode(mutator.u8.slice(begin, begin + mutator.u32[ref * 2 + 1]));
  });
  console.log(read.join(' '));
  mutator.detach();
  await heap.close();
}
