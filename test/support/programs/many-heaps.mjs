/**
 * Heaps come and go: node --expose-gc many-heaps.mjs FAULT COUNT. Prints what is left of them as JSON.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Heap } from '../../../dist/index.js';
import { makeFragmentedList } from '../victims.mjs';

const [fault, count] = process.argv.slice(2);

async function settled() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await wait(20);
  }
}

function figures() {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    heapFiles: maps.filter((line) => /faultline-(heap|views)/.test(line)).length,
    mappings: maps.length,
    residentBytes: process.memoryUsage.rss(),
  };
}

async function comeAndGo(i) {
  const heap = Heap.create({ capacityBytes: '8M', fault, workers: i % 3 });
  const mutator = heap.attachMutator();
  makeFragmentedList(heap, mutator, 1);
  if (i % 2 === 0) await heap.collect({ kind: 'full' });
  await heap.close();
}

for (let i = 0; i < 4; i++) await comeAndGo(i);
await settled();
const before = figures();
for (let i = 0; i < Number(count); i++) {
  await comeAndGo(i);
  // Garbage that V8 has not looked at yet is nothing that a heap kept.
  if (i % 10 === 9) await settled();
}
let after;
// The last workers' threads may take a while to end where CPUs are busy; what is still there then stays.
for (let tries = 0; tries < 50; tries++) {
  await settled();
  after = figures();
  if (after.descriptors <= before.descriptors && after.threads <= before.threads) break;
}
console.log(JSON.stringify({ before, after }));
