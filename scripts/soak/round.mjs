/**
 * Round: one configuration, in its own process: node round.mjs CONFIGURATION SECONDS. The last line of its output is what was done,
 * as JSON. Any difference, and any error that the configuration does not provoke, ends the process with a stack trace.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Heap } from '../../dist/index.js';
import { makeRandom } from '../../test/support/random.mjs';
import { makeTable } from '../../test/support/shared-structures.mjs';
import { calm, Disturbances } from './disturbances.mjs';
import { Life } from './life.mjs';

const configuration = JSON.parse(process.argv[2]);
const untilMs = performance.now() + Number(process.argv[3]) * 1000;
const { heap: options, load, programSeed } = configuration;
const random = makeRandom(programSeed);
const capacityBytes = Number.parseInt(options.capacityBytes, 10) * 2 ** 20;
const stop = new Int32Array(new SharedArrayBuffer(4));
const progress = new Int32Array(new SharedArrayBuffer(4 * (load.threads + 1)));
const totals = { operations: 0, comparisons: 0, exhausted: 0, noMemory: 0, cuts: 0, threads: 0, deaths: 0 };
const unexpected = [];

process.on('warning', (warning) => {
  if (warning.code === 'FAULTLINE_COLLECTOR') fail(warning);
});

function fail(error) {
  writeSync(2, `${error.stack ?? error}\n`);
  process.exit(1);
}

/** A thread of ours: what it says, and how it ends. */
class Thread {
  dying = false;

  constructor(file, workerData) {
    this.worker = new Worker(new URL(file, import.meta.url), { workerData });
    this.ended = once(this.worker, 'exit');
    this.figures = undefined;
    this.first = new Promise((resolve, reject) => {
      this.worker.once('message', resolve);
      this.worker.once('exit', () => reject(new Error(`${file} ended before it said a word`)));
    });
    this.first.catch((error) => this.dying || fail(error));
    this.worker.on('message', (message) => (this.figures = message.figures ?? this.figures));
    this.worker.on('error', (error) => this.dying || fail(error));
  }

  async terminate() {
    this.dying = true;
    await this.worker.terminate();
  }
}

async function makeHeap() {
  if (!load.controlDeath) return { heap: Heap.create(options) };
  const creator = new Thread('./creator-thread.mjs', { options });
  const { token } = await creator.first;
  return { heap: Heap.attach(token), creator };
}

const heaps = [];
for (let i = 0; i < load.heaps; i++) heaps.push(await makeHeap());
for (const { heap } of heaps) {
  const mutator = heap.attachMutator();
  makeTable(heap, mutator, Math.min(2_000, 32 * (capacityBytes / 2 ** 20)));
  mutator.detach();
}

/** Threads on the heap with number `index`, the event loop's included. */
const threadsOf = (index) => Math.ceil((load.threads - index) / load.heaps) + (load.mainMutator && index === 0 ? 1 : 0);
const lifeOf = (thread, index) => {
  const { stressEvery } = options;
  return { seed: random.next(), thread, threads: load.threads + 1, load: { ...load, fill: shareOf(index) }, capacityBytes, stressEvery };
};
/** `fill` is divided by Life among all threads of the round; more of it goes to each where there are several heaps. */
const shareOf = (index) => (load.fill * (load.threads + 1)) / Math.max(1, threadsOf(index));

const threads = [];
function startThread(number) {
  const index = number % load.heaps;
  const tokens = heaps.map(({ heap }) => heap.token);
  const others = load.guests ? tokens.filter((_, other) => other !== index) : [];
  const thread = new Thread('./mutator-thread.mjs', { token: tokens[index], others, life: lifeOf(number, index), stop, progress });
  threads[number] = thread;
  totals.threads++;
  return thread;
}
for (let number = 0; number < load.threads; number++) startThread(number);
const observer = new Thread('./observer-thread.mjs', { tokens: heaps.map(({ heap }) => heap.token), progress });
await Promise.all([observer, ...threads].map(({ first }) => first));

const disturbances = new Disturbances({
  random,
  load,
  options,
  heaps,
  async replaceThread() {
    const number = random.below(load.threads);
    await threads[number].terminate();
    totals.deaths++;
    await startThread(number).first;
  },
  fail,
});
const main = load.mainMutator ? new Life(heaps[0].heap, lifeOf(load.threads, 0)) : undefined;
while (performance.now() < untilMs) {
  main?.slice();
  if (main !== undefined) progress[load.threads] = main.figures.operations;
  await nextTurn();
  await disturbances.maybe();
}

while (load.sabotage === 'hang') await nextTurn();
calm();
const summary = () => {
  for (const { figures } of [...threads, { figures: main?.figures }]) {
    for (const [name, value] of Object.entries(figures ?? {})) totals[name] += value;
  }
  totals.operations = Math.max(
    totals.operations,
    progress.reduce((sum, value) => sum + value, 0),
  );
  const cycles = heaps.map(({ heap }) => heap.statistics().cycles);
  const sum = (name) => cycles.reduce((total, figures) => total + figures[name], 0);
  const figures = {
    ...totals,
    ...disturbances.figures,
    cycles: sum('count'),
    compacting: sum('compacting'),
    copiedBytes: sum('copiedBytes'),
  };
  writeSync(1, `${JSON.stringify(figures)}\n`);
};

if (load.ending === 'process.exit') {
  summary();
  process.exit(0);
}
if (load.ending === 'terminate') {
  await Promise.all(threads.map((thread) => thread.terminate()));
  totals.deaths += threads.length;
} else {
  Atomics.store(stop, 0, 1);
  await Promise.all(threads.map(({ ended }) => ended));
  const silent = threads.filter(({ figures }) => figures === undefined);
  if (silent.length > 0) unexpected.push(`${silent.length} threads ended without their last comparison`);
}
main?.finish();
observer.worker.postMessage('end');
await observer.ended;
for (const { heap } of heaps) {
  await heap.collect({ kind: 'full' });
  await heap.verify();
  const { mutators } = heap.statistics();
  if (mutators !== 0) unexpected.push(`${mutators} mutators are left`);
}
if (unexpected.length > 0) fail(new Error(unexpected.join('; ')));
summary();
for (const { heap, creator } of heaps) {
  await heap.close();
  await creator?.terminate();
}
