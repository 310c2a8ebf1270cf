/**
 * Mutator thread: makes its work, does it step by step, and reports. One for every driver; a native one lends its thread to C++.
 *
 *     mutator   build, warm up ─ arrive ┄┄┄┄┄ work ─ arrive ┄┄┄┄┄ verify ─ report
 *     main                                measure             verify
 *                                                    └ looks, where there are any
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { Heap, HeapError } from 'faultline';
import { BarrieredMutator, BenchMutator } from '../workloads/bench-mutator.ts';
import { WORKLOADS } from '../workloads/index.ts';
import type { Work } from '../workloads/workload.ts';
import { fromThreadMs, nowNs } from './clock.ts';
import { CONTROL, type FromMutator, GAUGE, type MutatorData, type MutatorReport, PHASE } from './messages.ts';
import { benchAddon } from './native.ts';
import { NO_HEAP, Pacing, type Parking } from './pacing.ts';

/** Operations between two looks at what main samples. */
const GAUGE_EVERY = 64;
/** Asking V8 for its heap's size takes microseconds. */
const HEAP_SAMPLE_NS = 5e6;

const data = workerData as MutatorData;
const control = new Int32Array(data.control);
const gauges = new Float64Array(data.gauges, data.thread * GAUGE.count * 8, GAUGE.count);
const requests = data.requests === undefined ? null : new Float64Array(data.requests);
const { warmUp, operations } = data.plan;
const pieces = new Float64Array(data.pieces);
let nextPiece = 0;

function tell(message: FromMutator): void {
  parentPort!.postMessage(message);
}

/** How many steps more belong to it. */
function beginPiece(): number {
  pieces[nextPiece++] = nowNs();
  return data.pieceSteps - 1;
}

/** The measured part. */
function measure(work: Work, pacing: Pacing, parking: Parking, sampleHeap: boolean): void {
  const { intervalNs } = data;
  const corruptAt = data.parameters['corruptAt'] ?? 0;
  const cpu = benchAddon().threadCpuNs();
  const begin = nowNs();
  gauges[GAUGE.beginNs] = begin;
  let ended = begin;
  let nextSample = begin;
  let pieceLeft = 0;
  for (let i = 0; i < operations; i++) {
    if (pieceLeft-- === 0) pieceLeft = beginPiece();
    let start = ended;
    if (intervalNs > 0) {
      start = begin + i * intervalNs;
      pacing.awaitTime(start);
    }
    work.step(warmUp + i);
    if (requests !== null) {
      ended = nowNs();
      requests[2 * i] = start;
      requests[2 * i + 1] = ended;
    }
    parking.poll();
    if (i + 1 === corruptAt) work.corrupt();
    if (i % GAUGE_EVERY !== 0) continue;
    gauges[GAUGE.operations] = i;
    gauges[GAUGE.liveBytes] = work.liveBytes();
    if (sampleHeap && nowNs() >= nextSample) {
      const { total_heap_size, external_memory } = getHeapStatistics();
      gauges[GAUGE.heapBytes] = total_heap_size + external_memory;
      nextSample = nowNs() + HEAP_SAMPLE_NS;
    }
    if (control[CONTROL.stop] !== 0) return;
  }
  gauges[GAUGE.operations] = operations;
  gauges[GAUGE.liveBytes] = work.liveBytes();
  gauges[GAUGE.endNs] = pieces[nextPiece++] = nowNs();
  gauges[GAUGE.cpuNs] = benchAddon().threadCpuNs() - cpu;
}

/** Until main wants the rest, which collects meanwhile, and no look is due that belongs to that time. */
function lookAround(work: Work, pacing: Pacing, parking: Parking, { intervalNs, times }: NonNullable<MutatorData['looks']>): void {
  const kept = new Float64Array(times);
  Atomics.add(control, CONTROL.arrived, 1);
  const begin = nowNs();
  for (let i = 0; !pacing.stopped; i++) {
    const start = begin + i * intervalNs;
    const isOver = Atomics.load(control, CONTROL.phase) >= PHASE.verify;
    if (isOver && (nowNs() < start || 2 * i >= kept.length)) return;
    pacing.awaitTime(start);
    work.look();
    if (2 * i < kept.length) {
      kept[2 * i] = start;
      kept[2 * i + 1] = nowNs();
    }
    parking.poll();
  }
}

/** All of the work; what is between the phases is main's business. False when the invocation ends early. */
function carryOut(work: Work, parking: Parking): boolean {
  const pacing = new Pacing(parking, control);
  work.build();
  for (let i = 0, pieceLeft = 0; i < warmUp && !pacing.stopped; i++) {
    if (pieceLeft-- === 0) pieceLeft = beginPiece();
    work.step(i);
    parking.poll();
  }
  pieces[nextPiece++] = nowNs();
  if (!pacing.arrive(PHASE.measure)) return false;
  measure(work, pacing, parking, data.driver === 'plain');
  if (data.looks !== undefined) lookAround(work, pacing, parking, data.looks);
  if (!pacing.arrive(PHASE.verify)) return false;
  work.verify();
  return true;
}

function onHeap(heap: Heap): MutatorReport {
  const mutator = heap.attachMutator();
  const memory = new (data.driver === 'javascript' ? BenchMutator : BarrieredMutator)(heap, mutator);
  const work = WORKLOADS.get(data.workload)!.onHeap(memory, data.parameters, data.seed, data.material);
  const parking: Parking = { parked: (wait) => mutator.parked(wait), poll: () => mutator.poll() };
  carryOut(work, parking);
  const { checks, mismatches, checksum } = work;
  mutator.park();
  const interruptions = benchAddon().interruptions(heap.token.id);
  mutator.detach();
  return { checks, mismatches, checksum, interruptions };
}

function native(heap: Heap): MutatorReport {
  const { workload, parameters, seed, intervalNs } = data;
  const corruptAt = parameters['corruptAt'] ?? 0;
  const looksIntervalNs = data.looks?.intervalNs ?? 0;
  const options = {
    ...{ workload, parameters, tables: data.material ?? {}, seed, warmUp, operations },
    ...{ intervalNs, looksIntervalNs, corruptAt, pieceSteps: data.pieceSteps, census: data.census },
  };
  const looks = data.looks === undefined ? null : new Float64Array(data.looks.times);
  const run = benchAddon().runWorkload(heap.token.id, options, control, gauges, pieces, requests, looks);
  if (run === null) throw new Error('the heap is gone');
  if (!run.known) throw Object.assign(new Error(`there are no native mutators for ${workload}`), { code: 'unsupported' });
  if (run.outOfMemory) throw new HeapError('ERR_HEAP_EXHAUSTED', 'the heap is full, after full collections too.');
  const { checks, mismatches, checksum, allocated, interruptions } = run;
  return { checks, mismatches, checksum, interruptions, ...(allocated === undefined ? {} : { allocated }) };
}

const COLLECTIONS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};

async function plain(): Promise<MutatorReport> {
  const collections: [number, number, string][] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration, detail } of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      collections.push([fromThreadMs(startTime), duration * 1e6, COLLECTIONS[detail.kind] ?? String(detail.kind)]);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const work = WORKLOADS.get(data.workload)!.plain(data.parameters, data.seed, data.material);
  carryOut(work, NO_HEAP);
  // The observer is told in a later turn of the event loop.
  await turn();
  await turn();
  observer.disconnect();
  const { checks, mismatches, checksum } = work;
  const interruptions = new Float64Array(collections.flatMap(([startNs, lengthNs]) => [startNs, lengthNs, 0]));
  return { checks, mismatches, checksum, interruptions, collections };
}

async function run(): Promise<MutatorReport> {
  if (data.token === undefined) return plain();
  const heap = Heap.attach(data.token);
  const report = data.driver === 'native' ? native(heap) : onHeap(heap);
  await heap.close();
  return report;
}

try {
  tell({ type: 'done', report: await run() });
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  tell({ type: 'failed', code: code ?? 'crash', message });
}
