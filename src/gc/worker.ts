/**
 * GC worker: a thread that lends itself to native code for the length of each collection (workers.ts, native/gc/gang.h).
 *
 * It serves slice by slice: between slices it is in JavaScript, where it can be terminated and where it sees that the turn is over.
 */
import { setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import { binding } from '../binding.ts';
import { attachedTo } from '../heap/token.ts';
import { untilDone } from '../slices.ts';
import { END_OF_TURNS, type WorkerData } from './workers.ts';

const { token, worker, turn } = workerData as WorkerData;

function serveUntilEnd(): void {
  const heap = attachedTo(token)?.heap;
  // Closed before this thread was there.
  if (heap === undefined) return;
  const native = binding();
  // Of this thread alone: Linux keeps niceness by thread.
  if (token.workers.niceness > 0) setPriority(token.workers.niceness);
  untilDone((sliceMs) => {
    const now = Atomics.load(turn, 0);
    if (now === END_OF_TURNS) return true;
    if (now % 2 === 0) Atomics.wait(turn, 0, now);
    else native.serve(heap, worker, sliceMs);
    return false;
  });
  native.release(heap);
}

serveUntilEnd();
