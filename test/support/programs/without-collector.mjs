/**
 * A heap whose collector's thread cannot start: node without-collector.mjs INDEX, where INDEX is the dist/index.js to use. Everything that
 * waits for the collector, and how each ends; then the process ends while two threads still wait.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const { Heap } = await import(workerData?.index ?? process.argv[2]);

/** Allocates until there is an error; its code. */
function fill(heap) {
  const mutator = heap.attachMutator();
  const shape = heap.defineShape({ name: 'bytes', elements: 'u8' });
  try {
    for (;;) mutator.allocate(shape, 1000);
  } catch (error) {
    return { code: error.code, message: error.message, mutator };
  }
}

if (isMainThread) {
  process.on('warning', ({ code }) => console.log('warning', code));
  // Before any turn of the event loop, in which others would hear why.
  const alone = fill(Heap.create({ capacityBytes: '1M', workers: 0 }));
  const heap = Heap.create({ capacityBytes: '4M', workers: 1 });
  const [full, ...others] = await Promise.all([
    once(new Worker(new URL(import.meta.url), { workerData: { token: heap.token, index: process.argv[2] } }), 'message').then(([code]) => [
      'fill',
      code,
    ]),
    ...['collect', 'verify', 'writeSnapshot'].map(async (name) => [
      name,
      await heap[name](...(name === 'writeSnapshot' ? ['/dev/null'] : [])).catch(({ code }) => code),
    ]),
  ]);
  const { mutator, code, message } = fill(heap);
  const sync = [
    'collect in a mutator',
    (() => {
      try {
        return mutator.collect();
      } catch (error) {
        return error.code;
      }
    })(),
  ];
  console.log(JSON.stringify(Object.fromEntries([full, ...others, sync, ['fill here', code]])));
  console.log(message);
  console.log(alone.message);
  mutator.detach();
  await heap.close();
  const last = Heap.create({ capacityBytes: '4M' });
  last.collect().catch(() => {});
  console.log('ends');
  process.exit(0);
} else {
  const { code, mutator } = fill(Heap.attach(workerData.token));
  mutator.detach();
  parentPort.postMessage(code);
}
