/**
 * Machine limits: what the process may use, checked before a heap is made that needs more.
 *
 * V8 ends the process if a thread finds no address space for its isolate, so the collector's threads are counted here, while an error can
 * still be thrown.
 */
import { readFileSync } from 'node:fs';
import { HeapError } from '../errors.ts';
import { warnDegraded } from '../gc/warnings.ts';
import { REGION_BYTES, VIEW_ALIGNMENT_BYTES } from '../binding/layout.ts';
import { cgroupLimitBytes } from './memory-cgroup.ts';

/** Address space of one more worker thread: Node 20 reserves 590 MiB, most of it for code. */
const THREAD_BYTES = 640 * 2 ** 20;
/** Address space besides: of the first thread, of tables and of loaded code. */
const SLACK_BYTES = 448 * 2 ** 20;

/** What `Heap.create` needs address space for. */
export interface AddressDemand {
  /** Capacity and reserve. */
  readonly regions: number;
  /** Threads of the collector, including its control thread. */
  readonly threads: number;
}

/** Address space of a heap (the buffer around its view, the alias, scratch, and their alignment) and of the collector's threads. */
export function addressBytes({ regions, threads }: AddressDemand): number {
  const spanBytes = Math.ceil((regions * REGION_BYTES) / VIEW_ALIGNMENT_BYTES) * VIEW_ALIGNMENT_BYTES;
  return 3 * spanBytes + 2 * VIEW_ALIGNMENT_BYTES + threads * THREAD_BYTES + SLACK_BYTES;
}

/** The limit of address space (`ulimit -v`), and how much of it is left; null if there is none, or the system does not report it. */
export function addressSpace(): { limitBytes: number; leftBytes: number } | null {
  const limit = /^Max address space\s+(\d+)/m.exec(read('/proc/self/limits'));
  const used = /^VmSize:\s+(\d+) kB/m.exec(read('/proc/self/status'));
  if (limit === null || used === null) return null;
  return { limitBytes: Number(limit[1]), leftBytes: Math.max(0, Number(limit[1]) - Number(used[1]) * 1024) };
}

/** The limit of the process's memory cgroup; null if there is none below the machine's memory. `root`: see {@link cgroupLimitBytes}. */
export function memoryLimitBytes(totalBytes: number | null, root?: string): number | null {
  const limit = Math.min(process.constrainedMemory?.() || Infinity, cgroupLimitBytes(root) ?? Infinity);
  return totalBytes !== null && limit < totalBytes ? limit : null;
}

/** Throws ERR_HEAP_TOO_LARGE if the limit of address space leaves no room for the heap and its collector's threads. */
export function mustFitAddressSpace(demand: AddressDemand, capacityRegions: number): void {
  const space = addressSpace();
  const needed = addressBytes(demand);
  if (space === null || needed <= space.leftBytes) return;
  throw new HeapError(
    'ERR_HEAP_TOO_LARGE',
    `no address space for a heap of ${capacityRegions} MiB: its views and its collector's ${demand.threads} threads need ` +
      `${mib(needed)} MiB of addresses (not of memory), and the limit of ${mib(space.limitBytes)} MiB (ulimit -v) leaves ` +
      `${mib(space.leftBytes)}. Raise it, or take fewer workers.`,
    { figures: { capacityBytes: capacityRegions * REGION_BYTES, addressBytes: needed, leftBytes: space.leftBytes } },
  );
}

/** Warns, once per process for each text, that the kernel will end the process before the heap is full. */
export function warnAboveMemoryLimit(capacityRegions: number, totalBytes: number | null): void {
  const limit = memoryLimitBytes(totalBytes);
  if (limit === null || limit >= capacityRegions * REGION_BYTES) return;
  warnDegraded(`a heap of ${capacityRegions} MiB `, [
    `is larger than the memory of this process's cgroup (${mib(limit)} MiB): the kernel ends the process when that is used up, before ` +
      'the heap is full. Make capacityBytes smaller, or raise the limit.',
  ]);
}

function mib(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
