/**
 * The matrix as data: everything that can be varied. Suites (suites.ts) choose from it; a new barrier, workload or peer is a line
 * here and a program that keeps the contract.
 */
import type { BarrierRow } from './contract.ts';

export const SUITES = ['barriers', 'markers', 'fault-around', 'heap-sweep', 'latency', 'fragmentation', 'peers', 'a-a', 'all'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Multiples of the minimum heap of a workload. */
export const HEAP_FACTORS: readonly number[] = [1.1, 1.25, 1.5, 2, 3, 4, 6];

/** Ways of the heap to keep mutators from stale references; `none` collects nothing and is the floor of every comparison. */
export const MODES = ['sigbus', 'thread', 'copy-sigbus', 'copy-thread', 'move', 'sigsegv', 'load-barrier', 'stw', 'none'] as const;
export type Mode = (typeof MODES)[number];

export const MARKERS: readonly BarrierRow['marker'][] = ['barrier-free', 'satb', 'stopped'];
export const FAULT_AROUND_PAGES: readonly BarrierRow['faultAroundPages'][] = [1, 4, 16, 64, 'adaptive'];

/** The heap as it comes. */
export const DEFAULT_ROW: BarrierRow = { mode: 'sigbus', marker: 'barrier-free', faultAroundPages: 'adaptive' };
/** Works on every machine, and nothing in it depends on how threads are scheduled: minimum heaps are found with it. */
export const REFERENCE_ROW: BarrierRow = { mode: 'stw', marker: 'stopped', faultAroundPages: 'adaptive' };

export interface WorkloadRow {
  readonly name: string;
  /** For `--quick`: an invocation takes about a second. Without `--quick` the workload's own defaults hold. */
  readonly quick: Readonly<Record<string, number>>;
  /** Has requests, and so latencies. */
  readonly requests: boolean;
  /** Which systems have it besides `faultline` and `v8`. */
  readonly peers: readonly string[];
}

const OPENJDK = ['openjdk-zgc', 'openjdk-shenandoah', 'openjdk-g1', 'openjdk-parallel', 'openjdk-serial', 'openjdk-epsilon'];
const MALLOC = ['glibc', 'jemalloc', 'mimalloc'];
const COLLECTORS = [...OPENJDK, 'go', 'bdwgc'];
const TREES = [...COLLECTORS, ...MALLOC, 'sbcl', 'ocaml', 'chez'];

/** In the order in which reports have them. */
export const SYSTEMS: readonly string[] = ['faultline', 'v8', ...COLLECTORS, ...MALLOC, 'sbcl', 'ocaml', 'chez'];

export const WORKLOADS: readonly WorkloadRow[] = [
  {
    name: 'gcbench',
    quick: { stretchDepth: 14, longLivedDepth: 12, arrayLength: 50_000, maxDepth: 12, rounds: 2 },
    requests: false,
    peers: TREES,
  },
  { name: 'binary-trees', quick: { maxDepth: 12, rounds: 2 }, requests: false, peers: TREES },
  { name: 'lru', quick: {}, requests: true, peers: [...COLLECTORS, ...MALLOC] },
  { name: 'fragmentation', quick: {}, requests: false, peers: [...COLLECTORS, ...MALLOC] },
  { name: 'allocation-rate', quick: {}, requests: false, peers: COLLECTORS },
  { name: 'graph', quick: {}, requests: false, peers: [] },
  { name: 'documents', quick: {}, requests: true, peers: [] },
  { name: 'replay', quick: {}, requests: false, peers: [] },
];

/** The knob of every workload that makes its loop open: requests started a second. Not part of what decides the minimum heap. */
export const RATE = 'operationsPerSecond';

/** Rates of the open loop, a second. */
export const RATES: readonly number[] = [5_000, 10_000, 20_000, 40_000, 80_000];
export const QUICK_RATES: readonly number[] = [5_000];

/**
 * One mutator: with two CPUs the collector then has one for itself, and a mutator never waits for one that lost its CPU. What the
 * collector does beside the mutator is in the CPU times, not in the wall time.
 */
export const MUTATORS = 1;

export function workloadRow(name: string): WorkloadRow {
  return WORKLOADS.find((row) => row.name === name)!;
}
