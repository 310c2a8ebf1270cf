/**
 * GC worker: a thread that runs native code for the duration of each collection (workers.ts, native/gc/gang.h).
 *
 * It serves in slices: between slices it is in JavaScript, where it can be terminated and sees when the turn is over.
 */
import { setPriority } from 'node:os';
import { binding } from '../binding.ts';
import { attachedTo, type HeapToken } from '../heap/token.ts';
import { untilDone } from '../slices.ts';

/** The task of a worker, which lasts as long as its heap. */
export interface WorkerTask {
  readonly token: HeapToken;
  /** Below 63 and different for every worker of a heap. */
  readonly worker: number;
  /** See workers.ts. */
  readonly turn: Int32Array;
}

export function serve({ token, worker, turn }: WorkerTask): void {
  const heap = attachedTo(token)?.heap;
  // The heap was closed before this thread had started.
  if (heap === undefined) return;
  const native = binding();
  // For this thread only: Linux keeps niceness per thread.
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
