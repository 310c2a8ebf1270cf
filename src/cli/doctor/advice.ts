/**
 * Advice: what to change on this machine to get a better fault mode or a larger heap, from the least to the most far-reaching change.
 */
import type { Probe } from '../../binding.ts';
import { kernelFaultsAdvice, minorFaultsReason, openingAdvice, writeTrackingReason } from '../../gc/refusal-reasons.ts';
import type { MachineFacts } from './machine.ts';

/** The kernel's default; with a lower limit, a large heap in mode sigsegv can run out of mappings. */
const USUAL_MAX_MAP_COUNT = 65_530;
const NEVER_OVERCOMMIT = 2;
const GIB = 2 ** 30;
const MOST_GIB = 16;

export function adviceFor(probe: Probe, machine: MachineFacts): string[] {
  const advice: string[] = [];
  if (probe.openedBy === 'none') {
    advice.push(`for modes sigbus and thread, and for concurrent marking without a write barrier: ${openingAdvice(probe)}`);
  } else if (!probe.minorFaults) {
    advice.push(`for modes sigbus and thread: ${minorFaultsReason(probe)}`);
  } else if (probe.openedBy.includes('USER_MODE_ONLY')) {
    advice.push(`for system calls on heap memory in mode thread: ${kernelFaultsAdvice(probe)}`);
  }
  // If nothing can open userfaultfd, the modes and the marker have the same reason, which is given only once.
  if (probe.writeTracking.errno !== 0 && probe.openedBy !== 'none') {
    advice.push(`for concurrent marking without a write barrier: ${writeTrackingReason(probe)}`);
  }
  if (machine.maxMapCount !== null && machine.maxMapCount < USUAL_MAX_MAP_COUNT) {
    advice.push(`for large heaps in mode sigsegv: raise vm.max_map_count to ${USUAL_MAX_MAP_COUNT} (it is ${machine.maxMapCount})`);
  }
  if (machine.largestHeapBytes < MOST_GIB * GIB) {
    const strict = machine.overcommit === NEVER_OVERCOMMIT;
    const remedy = strict ? 'vm.overcommit_memory 0 or 1 instead of 2' : 'more memory or swap';
    const limit = machine.addressLimitBytes;
    const addresses = limit === null ? '' : `a higher limit on address space (ulimit -v; it is ${(limit / GIB).toFixed(1)} GiB), else `;
    advice.push(`for heaps above ${machine.largestHeapBytes / GIB} GiB: ${addresses}${remedy}`);
  }
  if (machine.constrainedMemoryBytes !== null) {
    const most = Math.floor(machine.constrainedMemoryBytes / 2 ** 20);
    advice.push(`for heaps that may fill up above ${most} MiB: a higher memory limit of this container (cgroup memory.max)`);
  }
  if (machine.cpus === 1) advice.push('for collections that run beside the program: more than one CPU');
  return advice;
}
