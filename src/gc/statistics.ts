/**
 * Statistics: figures of one heap as plain numbers. Times are microseconds, sizes bytes; counts run from the heap's creation.
 */
import { COLLECTION_REASONS, type CollectionReason } from './requests.ts';
import type { NativeCycleReport, NativeHistogram, NativeStatistics } from '../binding.ts';

/** A distribution of durations: `count`, `p50Us`, `p99Us`, `p999Us`, `maxUs`, `totalUs`. Quantiles are exact to 3 %. */
export type DurationSummary = NativeHistogram;

/** Figures of one heap at one moment; docs/events.md has each of them. */
export interface HeapStatistics extends Omit<NativeStatistics, 'freeRegions' | 'chargedRegions' | 'collectionsByReason'> {
  /** Bytes alive at the last marking. */
  readonly liveBytes: number;
  /** Collections that have ended, and their reasons. */
  readonly collections: { readonly count: number; readonly byReason: Readonly<Record<CollectionReason, number>> };
  readonly fault: {
    readonly mode: string;
    readonly requestedMode: string;
    readonly faultAroundPages: number | 'adaptive';
    /** A fault without work in this mode, if it was measured. */
    readonly bareP50Us?: number;
  };
  /** Regions of 1 MiB. */
  readonly regions: { readonly free: number; readonly charged: number };
}

/** @internal */
export function toStatistics(figures: NativeStatistics, report: NativeCycleReport, fault: HeapStatistics['fault']): HeapStatistics {
  const { freeRegions, chargedRegions, collectionsByReason, ...rest } = figures;
  const byReason = Object.fromEntries(COLLECTION_REASONS.map((reason, i) => [reason, collectionsByReason[i]!]));
  return {
    ...rest,
    liveBytes: report.liveBytes,
    collections: {
      count: collectionsByReason.reduce((sum, count) => sum + count, 0),
      byReason: byReason as Record<CollectionReason, number>,
    },
    fault,
    regions: { free: freeRegions, charged: chargedRegions },
  };
}
