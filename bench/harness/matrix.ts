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
  /** Which systems have it besides `faultline` and `v8`. */
  readonly peers: readonly string[];
}

const OPENJDK = ['openjdk-zgc', 'openjdk-shenandoah', 'openjdk-g1', 'openjdk-parallel', 'openjdk-serial', 'openjdk-epsilon'];
const MALLOC = ['malloc-glibc', 'malloc-jemalloc', 'malloc-mimalloc'];
const PEERS = [...OPENJDK, 'go', 'go-limit', 'bdwgc', ...MALLOC];
const TREE_PEERS = [...PEERS, 'sbcl', 'ocaml'];

/** In the order in which reports have them. */
export const SYSTEMS: readonly string[] = ['faultline', 'v8', ...TREE_PEERS];

/** Those that `--quick` asks for. */
export const QUICK_PEERS: readonly string[] = ['openjdk-zgc', 'go', 'bdwgc', 'malloc-jemalloc'];

export const WORKLOADS: readonly WorkloadRow[] = [
  { name: 'gcbench', quick: { stretchDepth: 16, longLivedDepth: 15, arrayLength: 300_000, maxDepth: 13, rounds: 3 }, peers: TREE_PEERS },
  { name: 'binary-trees', quick: { maxDepth: 14, rounds: 4 }, peers: TREE_PEERS },
  { name: 'lru', quick: { keys: 80_000, limitBytes: 8 * 2 ** 20, warmUpRequests: 50_000, requests: 200_000 }, peers: PEERS },
  { name: 'fragmentation', quick: { limitBytes: 8 * 2 ** 20, firstCount: 60_000, secondCount: 30_000 }, peers: PEERS },
  { name: 'allocation-rate', quick: { liveBytes: 4 * 2 ** 20, warmUpOperations: 20_000, operations: 100_000 }, peers: PEERS },
  { name: 'graph', quick: { vertices: 20_000, rankEvery: 1000, warmUpOperations: 500, operations: 4000 }, peers: [] },
  { name: 'documents', quick: { documents: 1000, vocabulary: 4000, warmUpRequests: 1000, requests: 10_000 }, peers: [] },
  { name: 'replay', quick: { warmUpOperations: 1000, operations: 10_000 }, peers: [] },
];

/** The knob of every workload that makes its loop open: requests started a second. */
export const RATE = 'operationsPerSecond';

/** Knobs that say how long a workload runs, and nothing about what is alive: the minimum heap does not depend on them. */
export const LENGTH_KNOBS: readonly string[] = [RATE, 'requests', 'warmUpRequests', 'operations', 'warmUpOperations', 'rounds'];

/** Rates of the open loop, a second, and how long each is held. */
export const RATES: readonly number[] = [5_000, 10_000, 20_000, 40_000, 80_000];
export const QUICK_RATES: readonly number[] = [10_000];
export const RATE_SECONDS = 6;
export const QUICK_RATE_SECONDS = 2;

/**
 * One mutator: with two CPUs the collector then has one for itself, and a mutator never waits for one that lost its CPU. What the
 * collector does beside the mutator is in the CPU times, not in the wall time.
 */
export const MUTATORS = 1;

export function workloadRow(name: string): WorkloadRow {
  return WORKLOADS.find((row) => row.name === name)!;
}
