/** The matrix: the names of everything that an experiment can vary (experiment.ts), in the order in which reports have them. */
import { PEERS } from '../peers/systems.ts';
import { WORKLOADS } from '../workloads/index.ts';
import type { BarrierRow } from './contract.ts';

/** Ways of the heap to keep mutators from stale references; `none` collects nothing and is the floor of every comparison. */
export const MODES = ['sigbus', 'thread', 'copy-sigbus', 'copy-thread', 'move', 'sigsegv', 'load-barrier', 'stw', 'none'] as const;
export const MARKERS = ['barrier-free', 'satb', 'stopped'] as const satisfies readonly BarrierRow['marker'][];
export const FAULT_AROUND_PAGES = [1, 4, 16, 64, 'adaptive'] as const satisfies readonly BarrierRow['faultAroundPages'][];

/** No system: an invocation that measures the noise of the machine. */
export const IDLE = 'idle';

/** The heap with its defaults. */
export const DEFAULT_ROW: BarrierRow = { mode: 'sigbus', marker: 'barrier-free', faultAroundPages: 'adaptive' };
/** Works on every machine, and nothing in it depends on how threads are scheduled: minimum heaps are found with it. */
export const REFERENCE_ROW: BarrierRow = { mode: 'stw', marker: 'stopped', faultAroundPages: 'adaptive' };

export const SYSTEMS: readonly string[] = ['faultline', 'v8', ...PEERS.keys()];
export const WORKLOAD_NAMES: readonly string[] = [...WORKLOADS.keys()];

/** The knob of every workload that makes its loop open: requests started a second. */
export const RATE = 'operationsPerSecond';

/** Knobs that say how long a workload runs, and nothing about what is alive: the minimum heap does not depend on them. */
export const LENGTH_KNOBS: readonly string[] = [RATE, 'requests', 'warmUpRequests', 'operations', 'warmUpOperations', 'rounds'];
