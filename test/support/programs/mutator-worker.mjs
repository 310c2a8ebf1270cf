/**
 * One thread of a test with several: attaches to the heap in workerData.token and works on `workerData.task` until `stop[0]` is 1.
 * Posts `{ ready: true }` once it is at work and `{ result }` at the end; throws, and so ends with an error, when anything is
 * not as it should be.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap } from '../../../dist/index.js';
import { CONTAINER_TASKS } from '../container-tasks.mjs';
import { makeRandom } from '../random.mjs';
import { ShadowProgram } from '../shadow-program.mjs';
import { exchange, increment } from '../shared-structures.mjs';

const { token, task, stop, data } = workerData;
/** True for the first times: who is told to stop before it has begun does something all the same, on however busy a machine. */
const LEAST = 3;
let asked = 0;
const running = () => asked++ < LEAST || Atomics.load(stop, 0) === 0;
const ready = () => parentPort.postMessage({ ready: true });

/** A graph of its own, against a model. */
function shadow(heap, mutator) {
  const program = new ShadowProgram(heap, mutator, data);
  ready();
  while (running()) program.run(200, 200);
  return { operations: program.operations };
}

/** A table that all threads read and change. */
function table(heap, mutator) {
  ready();
  return exchange(heap, mutator, { ...data, running });
}

/** Counters that all threads increment. */
function counters(heap, mutator) {
  ready();
  return increment(heap, mutator, { ...data, running });
}

/** Garbage and nothing else. */
function allocate(heap, mutator) {
  const shape = heap.defineShape({ name: 'garbage', fields: { next: 'ref', value: 'u32' }, elements: 'u8' });
  const random = makeRandom(data.seed ?? 1);
  ready();
  let objects = 0;
  for (; running(); objects++) mutator.allocate(shape, random.below(100));
  return { objects };
}

/** Interns the same texts as other threads, in another order, and looks whether all get the same objects. */
function intern(heap, mutator) {
  const { texts, thread } = data;
  const table = heap.defineShape({ name: 'interned', elements: 'ref' });
  const made = mutator.allocate(table, texts);
  Atomics.compareExchange(heap.roots.slots, 0, 0, made);
  ready();
  let wrong = 0;
  let rounds = 0;
  do {
    for (let i = 0; i < texts; i++) {
      const index = (i * 7 + thread * 13) % texts;
      mutator.scope(() => {
        const { ref } = heap.intern(`shared ${index}`);
        const slot = heap.roots.slots[0] * 2 + table.elementsOffset + index;
        if (!mutator.compareExchangeReference(slot, 0, ref) && mutator.u32[slot] !== ref) wrong++;
      });
    }
    rounds++;
  } while (running());
  return { wrong, rounds };
}

/** Offers an object of its own and redeems those that arrive, until the thread that started it has had enough. */
async function offer(heap, mutator) {
  const leaf = heap.defineShape({ name: 'leaf', fields: { number: 'u32' } });
  const offered = [];
  mutator.scope(() => {
    for (let number = 0; number < data.count; number++) offered.push(heap.offer(heap.create(leaf, { number: data.first + number })));
  });
  parentPort.postMessage({ offered });
  ready();
  if (data.end) return { offered };
  return idle();
}

/** Attached, and waiting in the event loop. */
async function idle() {
  ready();
  while (running()) await new Promise((resolve) => setTimeout(resolve, 20));
  return {};
}

/** Holds pins until it is told to stop, or is ended. */
async function pins(heap) {
  const bytes = heap.defineShape({ name: 'pinned bytes', elements: 'u8' });
  const held = Array.from({ length: data.pins }, () => heap.pin(heap.createPinnable(bytes, 100)));
  ready();
  while (running()) await new Promise((resolve) => setTimeout(resolve, 20));
  return { held: held.length };
}

/** Attached, and waiting outside it, parked. */
function parked(_heap, mutator) {
  ready();
  mutator.parked(() => Atomics.wait(stop, 0, 0));
  return {};
}

/** Computes without ever coming to a safepoint. */
function spinning() {
  ready();
  while (running());
  return {};
}

/** No mutator: maps and unmaps memory as fast as it can, and looks whether anybody else has been there. */
function churn() {
  const random = makeRandom(data.seed);
  const kept = [];
  ready();
  let rounds = 0;
  for (; running(); rounds++) {
    const bytes = (1 + random.below(64)) * 65536;
    const memory = random.chance(1, 2)
      ? new WebAssembly.Memory({ initial: bytes / 65536, maximum: bytes / 65536, shared: random.chance(1, 2) }).buffer
      : new ArrayBuffer(bytes);
    const words = new Uint32Array(memory);
    for (let page = 0; page < words.length; page += 1024) {
      if (words[page] !== 0) throw new Error(`fresh memory holds ${words[page]}`);
      words[page] = rounds ^ page;
    }
    kept.push({ words, round: rounds });
    if (kept.length > 12) {
      const { words: old, round } = kept.splice(random.below(kept.length), 1)[0];
      for (let page = 0; page < old.length; page += 1024) {
        if (old[page] !== (round ^ page) >>> 0 && old[page] !== (round ^ page)) {
          throw new Error(`memory of round ${round} holds ${old[page]} at word ${page}`);
        }
      }
    }
  }
  return { rounds };
}

const TASKS = { ...CONTAINER_TASKS, intern, offer, shadow, table, counters, allocate, idle, pins, parked, spinning, churn };

if (task === 'churn') parentPort.postMessage({ result: churn() });
else {
  const heap = Heap.attach(token);
  const mutator = heap.attachMutator();
  const result = await TASKS[task](heap, mutator, { data, running, ready });
  mutator.detach();
  await heap.close();
  parentPort.postMessage({ result });
}
