/**
 * Hiccup thread: sleeps for a millisecond again and again while a peer program works, and notes by how much each sleep was too long. It
 * lives in the observing process: no peer's pause holds it up, so what it sees is the machine's part of every latency. Allocates nothing
 * while it measures.
 */
import { createHistogram } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { HICCUP_PERCENTILES } from '../invocation/messages.ts';

/** Word 0 of the shared buffer. */
export const HICCUP_PHASE = { waiting: 0, measuring: 1, done: 2 } as const;

const SLEEP_NS = 1e6;

if (parentPort !== null) {
  const phase = new Int32Array(workerData as SharedArrayBuffer);
  const never = new Int32Array(new SharedArrayBuffer(4));
  const overshoot = createHistogram({ lowest: 1, highest: 1e12, figures: 3 });
  parentPort.postMessage('ready');
  Atomics.wait(phase, 0, HICCUP_PHASE.waiting);
  while (Atomics.load(phase, 0) === HICCUP_PHASE.measuring) {
    const began = performance.now();
    Atomics.wait(never, 0, 0, SLEEP_NS / 1e6);
    overshoot.record(Math.max(1, Math.round((performance.now() - began) * 1e6 - SLEEP_NS)));
  }
  parentPort.postMessage([...HICCUP_PERCENTILES.map((percentile) => overshoot.percentile(percentile)), overshoot.max]);
}
