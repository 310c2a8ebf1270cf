// The smallest program: a list, some garbage, a collection, and the list is still there at other addresses.
import { Heap } from 'faultline';

const heap = Heap.create({ capacityBytes: '64M' });
const point = heap.defineShape({ name: 'point', fields: { next: 'ref', x: 'f64', y: 'f64' } });
const NEXT = point.field('next').offset; // in u32 slots from the object's start
const X = point.field('x').offset; // in 8-byte words from the object's start

// A thread that touches objects is a mutator.
const mutator = heap.attachMutator();
const { u32, f64 } = mutator;

// A handle is a root: it keeps its object alive and always knows where the object is.
const list = mutator.handle(0);
const oldest = mutator.handle(0);
for (let i = 0; i < 100_000; i++) {
  const object = mutator.allocate(point); // raw references from before this call are invalid now
  f64[object + X] = i;
  if (i % 10 !== 0) continue; // nine of ten are garbage
  u32[object * 2 + NEXT] = mutator.get(list);
  mutator.set(list, object);
  if (i === 0) mutator.set(oldest, object);
}

const before = { at: mutator.get(oldest), bytes: heap.statistics().usedBytes };
await heap.collect();
const after = { at: mutator.get(oldest), bytes: heap.statistics().usedBytes };

let length = 0;
let sum = 0;
for (let object = mutator.get(list); object !== 0; object = u32[object * 2 + NEXT]) {
  length++;
  sum += f64[object + X];
}
console.log(`${length} objects, sum ${sum}`);
console.log(`the oldest one moved: ${before.at !== after.at}`);
console.log(`memory in use: ${(before.bytes / 2 ** 20).toFixed(1)} MiB before, ${(after.bytes / 2 ** 20).toFixed(1)} MiB after`);

mutator.detach();
await heap.close();
