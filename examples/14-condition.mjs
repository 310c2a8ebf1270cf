// A thread waits, parked, until another has filled an array; both work on it by raw reference, under a lock.
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { CONDITION, definition, Heap, LOCK } from 'faultline';

const SHARED = definition({ name: 'shared', fields: { numbers: 'ref', lock: LOCK, filled: CONDITION } });
const WANTED = 1_000;

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  const mutator = heap.attachMutator();
  const { arrays } = heap.containers;
  const numbers = mutator.handle(arrays.allocate('f64'));
  const [lock, filled] = [heap.createLock(), heap.createCondition()];
  const shared = heap.create(heap.defineShape(SHARED), { numbers: heap.view(mutator.get(numbers)), lock, filled });
  const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token, shared: heap.offer(shared) } });
  await once(worker, 'online');

  lock.lock();
  // In a loop: a wait may end for other reasons, and the condition may no longer hold when the lock is taken again.
  while (arrays.length(mutator.get(numbers)) < WANTED) filled.wait(lock);
  lock.unlock();

  let sum = 0;
  for (let i = 0; i < WANTED; i++) sum += Number(arrays.get(mutator.get(numbers), i));
  console.log(`${WANTED} numbers, their sum is ${sum}`);
  await once(worker, 'exit');
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  const mutator = heap.attachMutator();
  /** @type {import('faultline').View<typeof SHARED>} */
  const shared = heap.redeem(workerData.shared);
  const { arrays } = heap.containers;
  const numbers = mutator.handle(shared.numbers.ref);
  for (let i = 0; i < WANTED; i++) shared.lock.run(() => arrays.push(mutator.get(numbers), i));
  shared.lock.run(() => shared.filled.notifyAll());
  mutator.detach();
  await heap.close();
}
