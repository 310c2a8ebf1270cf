/**
 * Mutator thread: attaches to the heap, and walks and changes the graph until it is told to stop.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { HeapError } from '../../errors.ts';
import { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import { GraphMutator } from './graph-mutator.ts';
import {
  CONTROL_PRESSURE,
  CONTROL_STOP,
  COUNTER_CHECKS,
  COUNTER_EXHAUSTED,
  COUNTER_MISMATCHES,
  COUNTER_OPERATIONS,
  COUNTERS,
  type FromMutatorThread,
  type MutatorThreadData,
  UTILIZATION_WINDOWS_MS,
} from './messages.ts';
import { defineShapes } from './object-layout.ts';

/** Rounds between two updates of the figures that the progress line shows. */
const ROUNDS_A_PUBLICATION = 64;
/** After a failed allocation, a thread allocates nothing for this many rounds. */
const ROUNDS_AFTER_EXHAUSTION = 256;
const LARGE_ARRAY_ODDS = 256;

const data = workerData as MutatorThreadData;

function tell(message: FromMutatorThread): void {
  parentPort!.postMessage(message);
}

/**
 * One walk, and then something else, mostly something that makes garbage. While nothing may be allocated, kept paths are dropped and
 * handles renewed: an old copy leads to other old copies, so a few of them can keep most of an older graph alive.
 */
function round(graph: GraphMutator, mayAllocate: boolean): void {
  graph.walk();
  const dice = graph.random.below(32);
  if (!mayAllocate) {
    if (dice < 6) graph.revisit();
    else if (dice < 12) graph.hold();
    else graph.reconcile();
  } else if (dice < 14) graph.replace();
  else if (dice < 17) graph.keep();
  else if (dice < 20) graph.revisit();
  else if (dice < 23) graph.hold();
  else if (dice < 26) graph.makeLitter();
  else if (dice < 31) graph.reconcile();
  else if (graph.random.below(LARGE_ARRAY_ODDS) === 0) graph.makeLargeArray();
}

function run(mutator: Mutator, graph: GraphMutator): void {
  const control = new Int32Array(data.control);
  const counters = new Float64Array(data.counters).subarray(data.thread * COUNTERS, (data.thread + 1) * COUNTERS);
  let pauseAllocation = 0;
  for (let rounds = 0; Atomics.load(control, CONTROL_STOP) === 0; rounds++) {
    const mayAllocate = pauseAllocation === 0 && Atomics.load(control, CONTROL_PRESSURE) === 0;
    if (pauseAllocation > 0) pauseAllocation--;
    try {
      round(graph, mayAllocate);
    } catch (error) {
      if (!(error instanceof HeapError) || error.code !== 'ERR_HEAP_EXHAUSTED') throw error;
      graph.dropAll();
      graph.operations.exhausted++;
      pauseAllocation = ROUNDS_AFTER_EXHAUSTION;
    }
    mutator.poll();
    if (rounds % ROUNDS_A_PUBLICATION === 0) publish(counters, graph);
  }
  publish(counters, graph);
}

function publish(counters: Float64Array, graph: GraphMutator): void {
  const { exhausted, ...kinds } = graph.operations;
  let operations = 0;
  for (const kind of Object.values(kinds)) operations += kind;
  counters[COUNTER_OPERATIONS] = operations;
  counters[COUNTER_CHECKS] = graph.checker.checks;
  counters[COUNTER_MISMATCHES] = graph.checker.mismatches;
  counters[COUNTER_EXHAUSTED] = exhausted;
}

try {
  const heap = Heap.attach(data.token);
  const shapes = defineShapes(heap, data.graph);
  const mutator = heap.attachMutator();
  const graph = new GraphMutator(heap, mutator, data.graph, shapes, data.thread, data.seed);
  tell({ type: 'ready' });
  run(mutator, graph);
  // Reading the time line takes a while; no pause has to wait for that.
  mutator.park();
  const utilization = UTILIZATION_WINDOWS_MS.map((windowMs) => mutator.utilization(windowMs));
  mutator.detach();
  const { checks, mismatches, described } = graph.checker;
  tell({ type: 'done', report: { operations: graph.operations, checks, mismatches, described, utilization } });
  await heap.close();
} catch (error) {
  if (!(error instanceof HeapError)) throw error;
  const { code, message, errno, syscall, figures } = error;
  tell({ type: 'failed', code, message, errno, syscall, figures });
}
