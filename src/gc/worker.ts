/**
 * GC worker: a thread that lends itself to native code for the length of each collection (workers.ts, native/gc/gang.h).
 *
 * It serves slice by slice: between slices it is in JavaScript, where it can be terminated and where it sees that the turn is over.
 */
import { setPriority } from 'node:os';
import { binding } from '../binding.ts';
import { attachedTo, type HeapToken } from '../heap/token.ts';
import { untilDone } from '../slices.ts';

/** What a worker is given: a task as long as its heap. */
export interface WorkerTask {
  readonly token: HeapToken;
  /** Below 63 and different for every worker of a heap. */
  readonly worker: number;
  /** See workers.ts. */
  readonly turn: Int32Array;
}

export function serve({ token, worker, turn }: WorkerTask): void {
  const heap = attachedTo(token)?.heap;
  // Closed before this thread was there.
  if (heap === undefined) return;
  const native = binding();
  // Of this thread alone: Linux keeps niceness by thread.
  if (token.workers.niceness > 0) setPriority(token.workers.niceness);
  untilDone((sliceMs) => {
    const now = Atomics.load(turn, 0);
    if (now < 0) return true;
    if (now % 2 === 0) Atomics.wait(turn, 0, now);
    else native.serve(heap, worker, sliceMs);
    return false;
  });
  native.release(heap);
}
