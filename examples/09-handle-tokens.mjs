// A root goes from one thread to another: the token is a plain object, works once, and outlives the thread that made it.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { definition, Heap } from 'faultline';

// A definition that both threads use. In a separate module it would give its types to every importer.
const RESULT = definition({ name: 'result', fields: { text: 'string', primes: 'u32' }, elements: 'u32' });

if (isMainThread) {
  const heap = Heap.create({ capacityBytes: '16M' });
  const mutator = heap.attachMutator();
  heap.defineShape(RESULT);
  const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token } });
  const [offered] = await once(worker, 'message');
  await once(worker, 'exit'); // its views and handles are gone, the token is still valid
  await heap.collect({ kind: 'full' });

  const result = heap.redeem(offered);
  console.log(`${result.text}: ${result.primes} primes, the last ${result.elements.get(result.primes - 1)}`);
  try {
    heap.redeem(offered);
  } catch (error) {
    console.log(`a second time: ${error.code}`);
  }
  mutator.detach();
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  const mutator = heap.attachMutator();
  const Result = heap.defineShape(RESULT);
  const primes = [];
  for (let n = 2; n < 1_000; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  parentPort.postMessage(heap.offer(heap.create(Result, { text: 'below a thousand', primes: primes.length }, primes)));
  mutator.detach();
  await heap.close();
}
