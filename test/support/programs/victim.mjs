/**
 * Victim: a thread that is a mutator in some situation, never detaches, and ends as it is told: `end[0]` becomes 1, and then
 * `workerData.ending` says how. `progress[0]` counts what it does.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';

const { token, situation, ending, end, progress } = workerData;
const told = () => Atomics.load(end, 0) !== 0;
const heap = Heap.attach(token);
const mutator = heap.attachMutator();
const shape = heap.defineShape({ name: 'node', fields: { next: 'ref', value: 'u32' } });
const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
const step = () => Atomics.add(progress, 0, 1);

/** Every way to be found by the end. Each returns when it is told to. */
const SITUATIONS = {
  idle: () =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        step();
        if (told()) resolve(clearInterval(timer));
      }, 5);
    }),
  /** Holds up every pause. */
  spinning() {
    while (!told()) step();
  },
  polling() {
    while (!told()) {
      step();
      mutator.poll();
    }
  },
  parked: () =>
    mutator.parked(() => {
      step();
      Atomics.wait(end, 0, 0);
    }),
  allocating() {
    while (!told()) {
      step();
      mutator.allocate(shape);
    }
  },
  /** Most of the time in the middle of a large allocation. */
  'allocating large objects'() {
    while (!told()) {
      step();
      mutator.allocate(bytes, 6 * 2 ** 20);
    }
  },
  /** Everything stays alive: sooner or later it waits for memory. */
  filling() {
    const head = mutator.handle(0);
    while (!told()) {
      step();
      const ref = mutator.allocate(shape);
      mutator.u32[ref * 2 + 2] = mutator.get(head);
      mutator.set(head, ref);
    }
  },
  /** Reads the list behind the first shared root again and again: meets pages that nobody has built. */
  walking() {
    while (!told()) {
      for (let ref = heap.roots.slots[0]; ref !== 0; ref = mutator.u32[ref * 2 + 2]) step();
      mutator.poll();
    }
  },
  collecting() {
    while (!told()) {
      step();
      mutator.collect({ kind: 'full' });
    }
  },
};

parentPort.postMessage('ready');
await SITUATIONS[situation]();
if (ending === 'process.exit') process.exit(3);
if (ending === 'an uncaught error') throw new Error('on purpose');
// Otherwise: a natural end. Nothing is detached, and nothing keeps the thread alive.
