/**
 * Hiccup thread: sleeps for a millisecond again and again, and notes by how much each sleep was too long: what the machine does to any
 * thread, after Gil Tene's jHiccup. The floor under every latency that an invocation reports. It allocates nothing while it measures.
 */
import { createHistogram } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { nowNs } from './clock.ts';
import { CONTROL, HICCUP_PERCENTILES, type FromHiccup, type HiccupData, type HiccupReport, PHASE } from './messages.ts';
import { benchAddon } from './native.ts';

const SLEEP_MS = 1;

const control = new Int32Array((workerData as HiccupData).control);
const never = new Int32Array(new SharedArrayBuffer(4));
const overshoot = createHistogram({ lowest: 1, highest: 1e12, figures: 3 });

parentPort!.postMessage('ready');
while (Atomics.load(control, CONTROL.phase) < PHASE.measure) Atomics.wait(control, CONTROL.phase, PHASE.prepare, 100);
const cpu = benchAddon().threadCpuNs();
while (Atomics.load(control, CONTROL.phase) === PHASE.measure) {
  const begin = nowNs();
  Atomics.wait(never, 0, 0, SLEEP_MS);
  overshoot.record(Math.max(1, Math.round(nowNs() - begin - SLEEP_MS * 1e6)));
}
const report: HiccupReport = {
  overshootNs: [...HICCUP_PERCENTILES.map((percentile) => overshoot.percentile(percentile)), overshoot.max],
  cpuNs: benchAddon().threadCpuNs() - cpu,
};
parentPort!.postMessage(report satisfies FromHiccup);
