/**
 * A mutator thread of a soak round: runs a slice of its life and of each guest in turn until it is told to stop, or terminated.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../dist/index.js';
import { makeRandom } from '../../test/support/random.mjs';
import { Guest } from './guest.mjs';
import { Life } from './life.mjs';

const { token, others, life, stop, progress } = workerData;
const heap = Heap.attach(token);
const otherHeaps = others.map((other) => Heap.attach(other));
const random = makeRandom(life.seed ^ 1);
const makeGuests = () => otherHeaps.map((other) => new Guest(other, random));
// Before or after the own mutator: the order is another one in each thread.
const early = random.chance(1, 2) ? makeGuests() : undefined;
const own = new Life(heap, life);
const guests = early ?? makeGuests();
parentPort.postMessage({ ready: true });
while (Atomics.load(stop, 0) === 0) {
  own.slice();
  for (const guest of guests) guest.slice(life.load.cuts);
  Atomics.store(progress, life.thread, own.figures.operations);
}
const figures = own.finish();
for (const guest of guests) guest.finish();
const cuts = guests.reduce((sum, guest) => sum + guest.cuts, 0);
parentPort.postMessage({ figures: { ...figures, cuts } });
for (const each of [heap, ...otherHeaps]) await each.close();
parentPort.close();
