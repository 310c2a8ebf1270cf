/**
 * A wait that is cut short: node interrupted-wait.mjs HOW WAIT FAULT.
 *
 *   HOW                    what ends it
 *   a time limit           of a `vm` script, on a thread that lives on: afterwards the mutators run as before, and the heaps collect
 *   terminate              the thread is terminated while it waits
 *   process.exit           of the main thread, while another waits
 *
 * A hang is for whoever started this to notice.
 */
import { setTimeout as pause } from 'node:timers/promises';
import vm from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';
import { WAITS } from '../waits.mjs';

const RUNNING = 1;
const [how, wait, fault] = workerData ?? process.argv.slice(2);

const heapsHere = () => [0, 1].map(() => Heap.create({ capacityBytes: '8M', workers: 0, fault }));

async function limited() {
  const heaps = heapsHere();
  const mutators = heaps.map((heap) => heap.attachMutator());
  const context = vm.createContext({});
  const script = new vm.Script('run()');
  let cuts = 0;
  const forever = (run) => {
    context.run = run;
    // Again and again: each time it is cut at another place.
    for (; cuts < 12; cuts++) {
      try {
        script.runInContext(context, { timeout: 3 + cuts * 3 });
        throw new Error('the wait has ended by itself');
      } catch (error) {
        if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      }
      const states = mutators.map(({ allocationBuffer: { control } }) => control[0] & RUNNING);
      // Between park and unpark, which are two calls, it is the program that has parked it.
      if (wait === 'the end of a pause, parked') states[0] = 1;
      if (String(states) !== '1,1') throw new Error(`running after cut ${cuts}: ${states}`);
    }
  };
  await WAITS[wait]({ heap: heaps[0], mutator: mutators[0], ready() {}, forever });
  if (cuts !== 12) throw new Error(`${cuts} waits were cut short`);
  process.stdout.write('the mutators run\n');
  process.exit(0);
}

if (how === 'a time limit') await limited();
else if (isMainThread) {
  const thread = new Worker(new URL(import.meta.url), { workerData: [how, wait, fault] });
  await new Promise((resolve) => thread.once('message', resolve));
  await pause(50 + 100 * Math.random());
  if (how === 'terminate') await thread.terminate();
  process.stdout.write('there\n');
  process.exit(0);
} else {
  const heaps = heapsHere();
  const [mutator] = heaps.map((heap) => heap.attachMutator());
  await WAITS[wait]({ heap: heaps[0], mutator, ready: () => parentPort.postMessage('there'), forever: (run) => run() });
}
