// Two threads put work into a queue and two take it out; they count in a map and share a lock. All of it is in the heap, and moves.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { arrayOf, definition, Heap, LOCK, mapOf, queueOf } from 'faultline';

const SHARED = definition({
  name: 'shared',
  fields: { work: queueOf('string'), lengths: mapOf('string', 'f64'), longest: arrayOf('string'), lock: LOCK },
});
/** @typedef {import('faultline').View<typeof SHARED>} Shared */
const WORDS = 'a queue between threads holds what one has and another wants'.split(' ');
const ROUNDS = 500;

/** @param {Shared} shared */
function produce({ work }) {
  for (let i = 0; i < ROUNDS; i++) for (const word of WORDS) work.enqueueWait(word); // waits while there are 100 already
}

/** @param {Shared} shared */
function consume({ work, lengths, longest, lock }) {
  // A wait blocks the thread, but no collection: the mutator is parked meanwhile.
  for (let word = work.dequeueWait(); word !== ''; word = work.dequeueWait()) {
    lengths.setIfAbsent(word, word.length); // atomic: no lock is needed
    lock.run(() => {
      // Two operations that belong together are not atomic: the lock makes them so.
      if (longest.length === 0 || word.length > longest.get(longest.length - 1).length) longest.push(word);
    });
  }
}

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  heap.attachMutator();
  const work = heap.createQueue('string', 100);
  const lengths = heap.createMap('string', 'f64');
  const longest = heap.createArray('string');
  const shared = heap.create(heap.defineShape(SHARED), { work, lengths, longest, lock: heap.createLock() });

  /** @param {string} task */
  const start = (task) => new Worker(new URL(import.meta.url), { workerData: { token: heap.token, shared: heap.offer(shared), task } });
  const producers = [start('produce'), start('produce')].map((worker) => once(worker, 'exit'));
  const consumers = [start('consume'), start('consume')].map((worker) => once(worker, 'exit'));
  await heap.collect({ kind: 'full' });
  await Promise.all(producers);
  for (const _ of consumers) work.enqueueWait(''); // the end
  await Promise.all(consumers);

  console.log(`${lengths.size} words, ${work.length} left to do`);
  console.log(
    [...lengths]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([word, length]) => `${word} ${length}`)
      .join(', '),
  );
  console.log(`the longest has ${longest.get(longest.length - 1).length} letters`); // several have: which came first is chance
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  const mutator = heap.attachMutator();
  /** @type {Shared} */
  const shared = heap.redeem(workerData.shared);
  (workerData.task === 'produce' ? produce : consume)(shared);
  mutator.detach();
  await heap.close();
}
