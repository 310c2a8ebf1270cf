/**
 * Prints how far apart the clocks of an invocation are, in ns, each as the least of many tries: a thread that loses its CPU between two
 * readings makes a try worse, never better.
 *
 *     threads   nowNs() of the main thread and of a worker against the kernel's clock, read before and after it
 *     pauses    the begin and the end of a pause by its event, against those that the stopped mutator's native code wrote down
 *
 * Pauses are far from each other, so none is mistaken for its neighbour. There are as many as it takes for one to be within the limit (the
 * argument, in ns), up to some hundreds.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const ROOT = new URL('../../../', import.meta.url);
process.env['FAULTLINE_ADDON'] = new URL('build/Release/bench/faultline.node', ROOT).pathname;
// Before anything else that uses a clock: what is loaded at its first use costs time, which must not become a part of the relation.
const { fromEpochMs, nowNs } = await import(new URL('build/bench/invocation/clock.js', ROOT));
const { Heap } = await import(new URL('dist/index.js', ROOT));
const { benchAddon } = await import(new URL('build/bench/invocation/native.js', ROOT));

const TRIES = 200;
const MOST_ROUNDS = 30;
const COLLECTIONS_A_ROUND = 20;
const APART_MS = 8;

const kernelNs = () => Number(process.hrtime.bigint());

function thread() {
  const distances = Array.from({ length: TRIES }, () => {
    const before = kernelNs();
    const now = nowNs();
    const after = kernelNs();
    return now < before ? before - now : Math.max(0, now - after);
  });
  return Math.min(...distances);
}

/** Begins and ends, as the thread's own mutator was stopped. */
function nativePauses(heapId) {
  const triples = benchAddon().interruptions(heapId);
  const pauses = [];
  for (let i = 0; i + 2 < triples.length; i += 3) if (triples[i + 2] === 0) pauses.push([triples[i], triples[i] + triples[i + 1]]);
  return pauses;
}

async function main() {
  const limitNs = Number(process.argv[2]);
  const heap = Heap.create({ capacityBytes: 16 * 2 ** 20, fault: 'stw', marker: 'stopped', trackUtilization: true });
  const rounds = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token, rounds } });
  const answer = async () => (await once(worker, 'message'))[0];
  const events = [];
  heap.on('event', ({ type, timeMs, timeToSafepointUs, pauseUs }) => {
    if (type !== 'pause') return;
    const endNs = fromEpochMs(timeMs);
    events.push([endNs - (timeToSafepointUs + pauseUs) * 1e3, endNs]);
  });
  const { threadNs } = await answer();
  const apart = ([begin, end], [nativeBegin, nativeEnd]) => Math.min(Math.abs(begin - nativeBegin), Math.abs(end - nativeEnd));
  let nearestNs = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= MOST_ROUNDS && nearestNs > limitNs; round++) {
    for (let i = 0; i < COLLECTIONS_A_ROUND; i++) {
      await heap.collect({ kind: 'full' });
      await wait(APART_MS);
    }
    Atomics.store(rounds, 0, round);
    const { pauses } = await answer();
    for (const event of events.splice(0)) {
      for (const pause of pauses) nearestNs = Math.min(nearestNs, apart(event, pause));
    }
  }
  Atomics.store(rounds, 0, -1);
  await once(worker, 'exit');
  await heap.close();
  process.stdout.write(`${JSON.stringify({ threads: [thread(), threadNs], pauses: nearestNs })}\n`);
}

/** Polls, and tells its pauses after each round, until there are none. */
function mutate() {
  const { token, rounds } = workerData;
  const heap = Heap.attach(token);
  const mutator = heap.attachMutator();
  parentPort.postMessage({ threadNs: thread() });
  for (let told = 0; told >= 0; ) {
    mutator.poll();
    const round = Atomics.load(rounds, 0);
    if (round === told) continue;
    told = round;
    if (round > 0) parentPort.postMessage({ pauses: nativePauses(token.id) });
  }
  mutator.detach();
}

await (isMainThread ? main() : mutate());
