/**
 * A process that ends: node process-ending.mjs FAULT SITUATION ENDING. Says `there` when it is in the situation.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Heap } from '../../../dist/index.js';
import { makeFragmentedList, startVictim, stuck, until } from '../victims.mjs';

const [fault, situation, ending] = process.argv.slice(2);

function end() {
  process.stdout.write('there\n');
  if (ending === 'process.exit') process.exit(7);
  if (ending === 'an uncaught error') throw new Error('on purpose');
}

const natural = ending === 'a natural end';
const victims = [];

async function start(heap, ...situations) {
  for (const each of situations) victims.push(await startVictim(heap.token, each));
  // A natural end of main ends them too.
  if (natural) for (const { worker } of victims) worker.unref();
}

const SITUATIONS = {
  async idle() {
    const heap = Heap.create({ capacityBytes: '8M', fault });
    heap.attachMutator();
    await start(heap, 'idle', 'parked');
  },
  async 'the control thread starting'() {
    const heap = Heap.create({ capacityBytes: '8M', fault });
    heap.attachMutator();
    if (!natural) void heap.collect();
  },
  /** A pause is asked for, and one thread does not come to a safepoint. */
  async 'a pause asked for'() {
    const heap = Heap.create({ capacityBytes: '8M', fault });
    heap.attachMutator().park();
    await start(heap, 'polling', 'idle', 'spinning', 'collecting');
    await until(() => heap.phase === 'marking');
    await stuck(victims[0].progress);
  },
  async 'pages not built yet'() {
    const heap = Heap.create({ capacityBytes: '64M', fault, workers: 1, delaySeed: 1 });
    const mutator = heap.attachMutator();
    makeFragmentedList(heap, mutator, 20);
    await start(heap, 'walking', 'walking');
    let passed = heap.statistics().cycles.compacting;
    if (natural) await start(heap, 'collecting');
    else void heap.collect();
    while (heap.phase !== 'compacting') {
      mutator.poll();
      const { compacting } = heap.statistics().cycles;
      if (compacting === passed) continue;
      // In mode stw there is no such moment: the whole cycle passes.
      if (fault === 'stw') break;
      // This thread waited for a CPU all the while. A list without holes would not be compacted again.
      passed = compacting;
      heap.roots.slots[0] = 0;
      makeFragmentedList(heap, mutator, 20);
      if (!natural) void heap.collect();
    }
    process.stdout.write(`phase ${heap.phase}\n`);
  },
  async 'a thread waiting for memory'() {
    const heap = Heap.create({ capacityBytes: '4M', fault });
    heap.attachMutator().park();
    await start(heap, 'spinning', 'filling');
    await stuck(victims[1].progress);
  },
  async 'threads in the middle of allocations'() {
    const heap = Heap.create({ capacityBytes: '32M', fault, stressEvery: 3, delaySeed: 2 });
    heap.attachMutator();
    await start(heap, 'allocating', 'allocating', 'allocating large objects');
    await wait(100);
  },
  /** Main itself is a running mutator, and somebody has asked for a stop. */
  async 'main computing while a stop is asked for'() {
    const heap = Heap.create({ capacityBytes: '8M', fault });
    heap.attachMutator();
    await start(heap, 'collecting', 'polling');
    const until = performance.now() + 80;
    while (performance.now() < until);
  },
};

await SITUATIONS[situation]();
if (natural) end();
else setImmediate(end);
