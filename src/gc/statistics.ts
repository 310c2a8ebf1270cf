/**
 * Statistics: figures of one heap as plain numbers. Times are microseconds, sizes bytes; counts run from the heap's creation.
 */
import type { NativeCycleReport, NativeHistogram, NativeStatistics } from '../binding.ts';

/** A distribution of durations. Quantiles are exact to 3 %. */
export type DurationSummary = NativeHistogram;

export interface HeapStatistics extends Omit<NativeStatistics, 'freeRegions' | 'chargedRegions'> {
  /** Alive at the last marking. */
  readonly liveBytes: number;
  readonly fault: {
    readonly mode: string;
    readonly requestedMode: string;
    readonly faultAroundPages: number;
    /** A fault without work in this mode, where it was measured. */
    readonly bareP50Us?: number;
  };
  /** Regions of 1 MiB. */
  readonly regions: { readonly free: number; readonly charged: number };
}

/** @internal */
export function toStatistics(
  figures: NativeStatistics,
  report: NativeCycleReport,
  fault: HeapStatistics['fault'],
): HeapStatistics {
  const { freeRegions, chargedRegions, ...rest } = figures;
  return { ...rest, liveBytes: report.liveBytes, fault, regions: { free: freeRegions, charged: chargedRegions } };
}
