/** A task of pool.mjs. Between tasks its thread sleeps in Atomics.wait, so its mutator is parked. */
import { Heap } from '../../../dist/index.js';
import { lengthOfList } from '../victims.mjs';

let heap;
let mutator;

export default function run({ token, task }) {
  heap ??= Heap.attach(token);
  mutator ??= heap.attachMutator();
  mutator.unpark();
  const shape = heap.shape('node');
  if (task === 'short') {
    const length = lengthOfList(heap, mutator);
    for (let i = 0; i < 100_000; i++) mutator.allocate(shape);
    mutator.park();
    return length;
  }
  for (;;) {
    if (task === 'allocate') mutator.allocate(shape);
    else if (task === 'collect') mutator.collect();
    else lengthOfList(heap, mutator);
    mutator.poll();
  }
}
