/**
 * A heap whose creator ends while others go on: node creator-ends.mjs FAULT ENDING. As a worker: the creator.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';
import { lengthOfList, makeFragmentedList, until } from '../victims.mjs';

if (!isMainThread) {
  const { fault, ending, end } = workerData;
  const heap = Heap.create({ capacityBytes: '32M', fault, verify: true, delaySeed: 3, workers: 2 });
  const mutator = heap.attachMutator();
  const length = makeFragmentedList(heap, mutator, 6);
  mutator.park();
  parentPort.postMessage({ token: heap.token, length });
  // Its own event loop must turn, or the collector's thread could not load.
  await until(() => Atomics.load(end, 0) !== 0);
  if (ending === 'process.exit') process.exit(0);
  if (ending === 'an uncaught error') throw new Error('on purpose');
} else {
  const [fault, ending] = process.argv.slice(2);
  for (const moment of ['idle', 'marking', 'compacting', 'finishing']) {
    const end = new Int32Array(new SharedArrayBuffer(4));
    const creator = new Worker(new URL(import.meta.url), { workerData: { fault, ending, end } });
    const gone = new Promise((resolve) => creator.on('exit', resolve));
    creator.on('error', () => {});
    const [{ token, length }] = await once(creator, 'message');
    const heap = Heap.attach(token);
    const mutator = heap.attachMutator();
    if (moment !== 'idle') {
      void heap.collect({ kind: 'full' });
      // At the latest when the collection is over: a phase may be too short to be seen.
      const before = heap.statistics().collections.count;
      while (heap.phase !== moment && heap.statistics().collections.count === before) mutator.poll();
    }
    Atomics.store(end, 0, 1);
    const phase = heap.phase;
    if (ending === 'terminate') await creator.terminate();
    mutator.park();
    await gone;
    mutator.unpark();
    // Pages that nobody has built are built by whoever needs them, collector or not.
    if (lengthOfList(heap, mutator) !== length) throw new Error(`${moment}: the list is shorter`);
    const shape = heap.shape('node');
    const { count } = heap.statistics().cycles;
    for (let i = 0; heap.statistics().cycles.count < count + 3; i++) {
      for (let j = 0; j < 10_000; j++) mutator.allocate(shape);
      if (i > 1_000) throw new Error(`${moment}: nobody collects any more`);
    }
    if (lengthOfList(heap, mutator) !== length) throw new Error(`${moment}: the list is shorter after a collection`);
    await heap.collect({ kind: 'full' });
    if ((await heap.verify()) !== length) throw new Error(`${moment}: not what was alive`);
    mutator.detach();
    await heap.close();
    console.log(`${moment}: ended in ${phase}`);
  }
  console.log('done');
}
