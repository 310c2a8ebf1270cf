/**
 * Threads that end without detaching: node thread-ending.mjs FAULT. After each of them the heap must still collect, and must know
 * of one mutator less. Says what it has been through.
 */
import { Heap } from '../../../dist/index.js';
import { lengthOfList, makeFragmentedList, startVictim, stuck, until, within } from '../victims.mjs';

const [fault, short] = process.argv.slice(2);
const heap = Heap.create({ capacityBytes: '32M', fault, verify: true, delaySeed: 5 });
const mutator = heap.attachMutator();
const length = makeFragmentedList(heap, mutator, 6);

const ENDINGS = ['terminate', 'process.exit', 'an uncaught error', 'a natural end'];
const BY_ITSELF = ['idle', 'spinning', 'polling', 'parked', 'allocating', 'walking', 'collecting', 'allocating large objects'];

/** No measurement: a thread that needs so long hangs. */
const PROMPT_MS = 10_000;

async function endOf(victim, ending) {
  let error;
  victim.worker.on('error', (thrown) => (error = thrown));
  // Not once() of node:events: it is rejected by the error, and the exit may follow in the same turn.
  const exit = new Promise((resolve) => victim.worker.once('exit', resolve));
  if (ending === 'terminate') void victim.worker.terminate();
  else victim.tell();
  if (!(await within(exit, PROMPT_MS))) throw new Error(`a thread has not ended ${PROMPT_MS / 1000} s after: ${ending}`);
  if ((ending === 'an uncaught error') !== (error !== undefined)) throw error ?? new Error('no error from the thread');
}

async function others(what) {
  // While one collection runs, which may have been held up by the thread that is gone, and once more from the beginning.
  await heap.collect();
  await heap.collect({ kind: 'full' });
  const { mutators } = heap.statistics();
  if (mutators !== 1) throw new Error(`${what}: ${mutators} mutators are left`);
  if (lengthOfList(heap, mutator) !== length) throw new Error(`${what}: the list is shorter`);
  console.log(what);
}

for (const [index, situation] of BY_ITSELF.entries()) {
  for (const [at, ending] of ENDINGS.entries()) {
    if (short === 'short' && at !== index % ENDINGS.length) continue;
    const victim = await startVictim(heap.token, situation, ending);
    // A thread that is asked to stop waits for the others, in its event loop too, unless it is parked.
    mutator.park();
    if (situation === 'spinning') {
      // It holds up a pause that is asked for.
      void heap.collect();
      await until(() => heap.phase === 'marking');
    }
    if (situation === 'walking') {
      void heap.collect({ kind: 'full' });
      const before = heap.statistics().cycles.count;
      await until(() => heap.phase === 'compacting' || heap.statistics().cycles.count > before);
    }
    await endOf(victim, ending);
    mutator.unpark();
    await others(`${situation}: ${ending}`);
  }
}

// A thread that waits for memory which nobody can free, because another one holds up the pause.
mutator.park();
const spinning = await startVictim(heap.token, 'spinning');
const filling = await startVictim(heap.token, 'filling');
await stuck(filling.progress);
await endOf(filling, 'terminate');
await endOf(spinning, 'a natural end');
mutator.unpark();
await others('waiting for memory: terminate');

mutator.detach();
await heap.close();
console.log('closed');
