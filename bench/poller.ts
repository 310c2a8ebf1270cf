/** A thread that computes and polls: a heap's safepoint where there is a heap, else a flag. */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap, type HeapToken } from 'faultline';

export interface PollerData {
  readonly shared: SharedArrayBuffer;
  readonly token: HeapToken | undefined;
}

/** Words of the shared buffer: the turn to answer, how many have not yet, and whether to end. */
export const TURN = 0;
const WAITING = 1;
export const STOP = 2;

const ACCESSES = 32;
const SLOTS = 256;

function onHeap(token: HeapToken, flag: Int32Array): void {
  const heap = Heap.attach(token);
  const mutator = heap.attachMutator();
  const array = heap.defineShape({ name: 'numbers', elements: 'u32' });
  const handle = mutator.handle(mutator.allocate(array, SLOTS));
  const { u32 } = mutator;
  parentPort!.postMessage('ready');
  for (let i = 0; Atomics.load(flag, STOP) === 0; i++) {
    mutator.poll();
    const first = mutator.get(handle) * 2 + 2;
    for (let k = 0; k < ACCESSES; k++) u32[first + ((i + k) % SLOTS)]!++;
  }
  mutator.detach();
}

function alone(flag: Int32Array): void {
  const numbers = new Uint32Array(SLOTS);
  let seen = 0;
  parentPort!.postMessage('ready');
  for (let i = 0; Atomics.load(flag, STOP) === 0; i++) {
    const turn = flag[TURN]!;
    if (turn !== seen) {
      seen = turn;
      if (Atomics.sub(flag, WAITING, 1) === 1) Atomics.notify(flag, WAITING);
    }
    for (let k = 0; k < ACCESSES; k++) numbers[(i + k) % SLOTS]!++;
  }
}

if (parentPort !== null) {
  const { shared, token } = workerData as PollerData;
  const flag = new Int32Array(shared);
  if (token === undefined) alone(flag);
  else onHeap(token, flag);
}
