/**
 * Mutators in a pool: node pool.mjs FAULT. Some tasks attach and detach, some leave their mutator parked, some are aborted in the
 * middle of their work.
 */
import { Piscina } from 'piscina';
import { Heap } from '../../../dist/index.js';
import { lengthOfList, makeFragmentedList } from '../victims.mjs';

const [fault] = process.argv.slice(2);
const heap = Heap.create({ capacityBytes: '32M', fault, verify: true, delaySeed: 6 });
const mutator = heap.attachMutator();
const length = makeFragmentedList(heap, mutator, 3);
const pool = new Piscina({
  filename: new URL('./pool-task.mjs', import.meta.url).href,
  minThreads: 2,
  maxThreads: 2,
  // The pool loads its tasks with require(), and a thread that is terminated inside require() of a module takes Node 20 down
  // with a fatal error in IsGraphAsync.
  execArgv: ['--no-experimental-require-module'],
});

for (let round = 0; round < 6; round++) {
  const abort = new AbortController();
  const endless = pool.run({ token: heap.token, task: ['allocate', 'walk', 'collect'][round % 3] }, { signal: abort.signal });
  const short = await pool.run({ token: heap.token, task: 'short' });
  if (short !== length) throw new Error(`a task saw ${short} nodes`);
  abort.abort();
  await endless.then(
    () => Promise.reject(new Error('an aborted task came to an end')),
    (error) => (error.name === 'AbortError' ? undefined : Promise.reject(error)),
  );
  await heap.collect({ kind: 'full' });
  if (lengthOfList(heap, mutator) !== length) throw new Error('the list is shorter');
}
await pool.destroy();
await heap.collect({ kind: 'full' });
const { mutators } = heap.statistics();
if (mutators !== 1) throw new Error(`${mutators} mutators are left`);
await heap.close();
console.log('done');
