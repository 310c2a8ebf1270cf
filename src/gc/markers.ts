/**
 * Markers: how a heap finds what is alive, which marker it uses, and what to say about that. The markers themselves are in
 * native/gc/marking/marker.h.
 *
 * `auto` takes the barrier-free marker if the kernel tracks writes and the processor keeps stores in order; otherwise the one with a write
 * barrier, if the program has promised to use the barrier; otherwise the one that marks inside its pause.
 */
import type { Probe } from '../binding.ts';
import { ORDERED_MEMORY } from './fault-mode-choice.ts';
import { writeTrackingReason } from './refusal-reasons.ts';

/** In the order of native/gc/marking/marker.h, which is also the order of preference. */
export const MARKERS = ['barrier-free', 'satb', 'stopped'] as const;
/** How live objects are found; docs/concurrency.md says why each marker is correct. */
export type MarkerName = (typeof MARKERS)[number];
/** A marker, or the best one here. */
export type RequestedMarker = MarkerName | 'auto';

export interface MarkerVerdict {
  readonly marker: MarkerName;
  readonly works: boolean;
  /** Why it does not work, and what would make it work; or what to know about it. */
  readonly remark: string;
}

/** Every marker, best first. `barrieredStores`: the program stores every reference with `mutator.setReference`. */
export function judgeMarkers(probe: Probe, barrieredStores: boolean, arch: string = process.arch): MarkerVerdict[] {
  return [
    { marker: 'barrier-free', ...judgeBarrierFree(probe, arch) },
    {
      marker: 'satb',
      works: barrieredStores,
      remark: barrieredStores
        ? 'every reference must be stored with mutator.setReference'
        : 'every reference would have to be stored with mutator.setReference; promise it with barrieredStores: true',
    },
    { marker: 'stopped', works: true, remark: 'threads are stopped while everything alive is marked' },
  ];
}

function judgeBarrierFree(probe: Probe, arch: string): { works: boolean; remark: string } {
  if (!ORDERED_MEMORY.has(arch)) {
    return { works: false, remark: `on ${arch} a thread's stores may become visible out of order` };
  }
  if (probe.writeTracking.errno !== 0) {
    return {
      works: false,
      remark: `the kernel does not tell which pages were written: ${writeTrackingReason(probe)}`,
    };
  }
  return { works: true, remark: 'threads run while it marks and execute no barrier: the kernel notes which pages they write' };
}

/** The marker `auto` takes. */
export function bestMarker(verdicts: readonly MarkerVerdict[]): MarkerName {
  return verdicts.find((verdict) => verdict.works)!.marker;
}
