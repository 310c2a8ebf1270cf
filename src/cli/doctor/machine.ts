/**
 * Machine: figures of the system that limit a heap: CPUs, memory, kernel limits. A figure that this system does not report is null.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Probe } from '../../binding.ts';
import { MAX_REGIONS, REGION_BYTES } from '../../binding/layout.ts';
import { addressBytes, addressSpace, memoryLimitBytes } from '../../heap/machine-limits.ts';

export interface MachineFacts {
  readonly kernel: string | null;
  readonly architecture: string;
  readonly node: string;
  readonly cpus: number;
  /** Whether the CPU has the instruction that speeds up the address function. */
  readonly popcnt: boolean;
  readonly totalMemoryBytes: number | null;
  readonly availableMemoryBytes: number | null;
  /** The memory limit of a container, if there is one. */
  readonly constrainedMemoryBytes: number | null;
  /** The limit of address space (`ulimit -v`), if there is one. */
  readonly addressLimitBytes: number | null;
  /** vm.overcommit_memory: 0 heuristic, 1 always, 2 never more than the limit. */
  readonly overcommit: number | null;
  /** vm.max_map_count: mode sigsegv needs many mappings. */
  readonly maxMapCount: number | null;
  /** vm.unprivileged_userfaultfd. */
  readonly unprivilegedUserfaultfd: number | null;
  /** The largest heap for which there is address space; memory is needed only for what is alive. */
  readonly largestHeapBytes: number;
}

const GIB = 2 ** 30;
/** The least threads of a collector: its control thread and one worker. */
const LEAST_THREADS = 2;

export function machineFacts(probe: Probe): MachineFacts {
  const total = probe.totalMemoryBytes ?? null;
  return {
    kernel: probe.kernel ?? null,
    architecture: probe.machine ?? process.arch,
    node: process.version,
    cpus: availableParallelism(),
    popcnt: probe.popcnt,
    totalMemoryBytes: total,
    availableMemoryBytes: kilobytesOf('MemAvailable'),
    constrainedMemoryBytes: memoryLimitBytes(total),
    addressLimitBytes: addressSpace()?.limitBytes ?? null,
    overcommit: setting('vm/overcommit_memory'),
    maxMapCount: setting('vm/max_map_count'),
    unprivilegedUserfaultfd: setting('vm/unprivileged_userfaultfd'),
    largestHeapBytes: largestHeap(),
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function setting(name: string): number | null {
  const text = read(`/proc/sys/${name}`);
  return text === undefined ? null : Number(text);
}

function kilobytesOf(name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read('/proc/meminfo') ?? '');
  return found === null ? null : Number(found[1]) * 1024;
}

/** A heap lies in a SharedArrayBuffer of whole GiB, plus one. The largest is tried first, so that only one is ever made. */
function largestHeap(): number {
  const most = (MAX_REGIONS * REGION_BYTES) / GIB;
  const left = addressSpace()?.leftBytes ?? Infinity;
  for (let gib = most; gib > 0; gib--) {
    if (addressBytes({ regions: (gib * GIB) / REGION_BYTES, threads: LEAST_THREADS }) > left) continue;
    try {
      void new SharedArrayBuffer((gib + 1) * GIB);
      return gib * GIB;
    } catch {
      // The address space is fragmented, or limited in a way that cannot be read: try the next smaller one.
    }
  }
  return 0;
}
