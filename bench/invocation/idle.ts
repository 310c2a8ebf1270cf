/**
 * Idle: an invocation without a system: threads that only compute, as many as there would be mutators, and the thread that only sleeps.
 * What the sleeper suffers is the noise of the machine; nothing that is measured takes part in it.
 */
import { Worker } from 'node:worker_threads';
import type { Configuration, Finished } from '../harness/contract.ts';
import { nowNs } from './clock.ts';
import { CONTROL, type FromHiccup, type HiccupData, PHASE } from './messages.ts';
import { setTimeout as wait } from 'node:timers/promises';

const SECONDS = 2;
const SPIN = 'const stop = require("node:worker_threads").workerData; while (Atomics.load(stop, 0) === 0);';

export async function runIdle({ mutators, parameters }: Configuration): Promise<Finished> {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.count * 4));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const sleeper = new Worker(new URL('./hiccup-thread.js', import.meta.url), {
    workerData: { control: control.buffer as SharedArrayBuffer } satisfies HiccupData,
    execArgv: [],
  });
  const message = (): Promise<FromHiccup> => new Promise((resolve, reject) => void sleeper.once('message', resolve).once('error', reject));
  const spinners = Array.from({ length: mutators }, () => new Worker(SPIN, { eval: true, workerData: stop, execArgv: [] }));
  await message();
  const enter = (phase: number): void => {
    Atomics.store(control, CONTROL.phase, phase);
    Atomics.notify(control, CONTROL.phase);
  };
  const begin = nowNs();
  enter(PHASE.measure);
  await wait(Number(parameters['seconds'] ?? SECONDS) * 1e3);
  const report = message();
  enter(PHASE.settle);
  const told = await report;
  const wallNs = Math.round(nowNs() - begin);
  Atomics.store(stop, 0, 1);
  await Promise.all([...spinners, sleeper].map((worker) => worker.terminate()));
  if (told === 'ready') throw new Error('the sleeper has not slept');
  return {
    ok: true,
    ...{ wallNs, cpuNs: { total: 0 }, operations: 1, checks: 0, collections: 0, pauses: [], interruptions: [] },
    hiccupNs: told.overshootNs,
    memory: { peakBytes: 0, meanBytes: 0, series: [], source: 'resident' },
    about: { runtime: `Node ${process.versions.node}` },
  };
}
