/**
 * GC worker: the task that a thread of the piscina pool runs for the length of one collection.
 *
 * It lends its thread to native code, slice by slice: native/gc/gang.h. Between slices it is in JavaScript, where it can be
 * terminated and where it sees that the collection is over.
 */
import { setPriority } from 'node:os';
import { binding, type HeapHandle } from '../binding.ts';
import { attachNative, type HeapToken } from '../heap/token.ts';
import { untilDone } from '../slices.ts';

export interface WorkerTask {
  readonly token: HeapToken;
  /** Below 63 and different for every task of a collection. */
  readonly worker: number;
  /** One word: the task ends when it is no longer `generation`. */
  readonly turn: Int32Array;
  readonly generation: number;
}

const heaps = new Map<number, HeapHandle>();

export default function serve({ token, worker, turn, generation }: WorkerTask): void {
  const native = binding();
  let heap = heaps.get(token.id);
  if (heap === undefined) {
    heap = attachNative(token).description.heap;
    heaps.set(token.id, heap);
    // Of this thread alone: Linux keeps niceness by thread.
    if (token.workers.niceness > 0) setPriority(token.workers.niceness);
  }
  const serving = heap;
  untilDone((sliceMs) => {
    native.serve(serving, worker, sliceMs);
    return Atomics.load(turn, 0) !== generation;
  });
}
