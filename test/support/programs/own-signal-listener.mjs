/**
 * A program with a listener of its own for the signal that the fault mode uses: node own-signal-listener.mjs FAULT. It comes before the
 * heap, between cycles and while pages are being built; a signal that somebody sends still arrives there.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Heap } from '../../../dist/index.js';
import { lengthOfList, makeFragmentedList, until } from '../victims.mjs';

const [fault] = process.argv.slice(2);
const SIGNAL = fault === 'sigsegv' ? 'SIGSEGV' : 'SIGBUS';
let signals = 0;
const listener = () => signals++;

process.on(SIGNAL, listener);
const heap = Heap.create({ capacityBytes: '32M', fault, verify: true, workers: 1, delaySeed: 9 });
const mutator = heap.attachMutator();
const length = makeFragmentedList(heap, mutator, 8);
const check = (when) => {
  if (lengthOfList(heap, mutator) !== length) throw new Error(`${when}: the list is shorter`);
};

await heap.collect({ kind: 'full' });
check('installed before');

for (let i = 0; i < 4; i++) {
  process.off(SIGNAL, listener);
  process.on(SIGNAL, listener);
  makeFragments();
  await heap.collect({ kind: 'full' });
  check('installed between');
}

for (let i = 0; i < 4; i++) {
  makeFragments();
  void heap.collect({ kind: 'full' });
  const before = heap.statistics().cycles.compacting;
  while (heap.phase !== 'compacting' && heap.statistics().cycles.compacting === before) mutator.poll();
  // The system's handler is taken away and set anew. No other thread may meet a page in between.
  process.off(SIGNAL, listener);
  process.on(SIGNAL, listener);
  check('installed during');
  await heap.collect();
}

// A fault of ours that went to the listener for a moment is repeated, not lost; what somebody sends is not ours.
process.removeAllListeners(SIGNAL);
process.on(SIGNAL, listener);
signals = 0;
process.kill(process.pid, SIGNAL);
await until(() => signals > 0);
await wait(20);
console.log(`signals ${signals}`);
mutator.detach();
await heap.close();
console.log('done');

/** A new list instead of the old one, with as much garbage in between. */
function makeFragments() {
  heap.roots.slots[0] = 0;
  makeFragmentedList(heap, mutator, 8);
}
