/**
 * Requests: what a collection is asked to do, and why. Native code knows the order of both lists (native/node/allocation_binding.cc).
 */
import { argumentRangeError } from '../errors.ts';

/** If several are requested at once, the later one in this list wins. */
export const COLLECTION_KINDS = ['mark', 'compact', 'full'] as const;
/** How much a collection does; see {@link CollectionRequest}. */
export type CollectionKind = (typeof COLLECTION_KINDS)[number];

export const COLLECTION_REASONS = ['occupancy', 'allocation-rate', 'quiet', 'explicit', 'exhausted', 'stress'] as const;
/** Why there is a collection. */
export type CollectionReason = (typeof COLLECTION_REASONS)[number];

/** What a collection is asked to do. */
export interface CollectionRequest {
  /**
   * `mark`: one cycle without compaction: dead objects are found, and regions in which nothing is alive are freed. `compact`: one cycle;
   * the regions with most garbage are evacuated. `full`: one cycle; every region that wastes memory is evacuated, in waves where there is
   * no room for all at once, and unused pages go back to the system.
   */
  kind?: CollectionKind;
  /** Reported in its events and counted in the statistics. Default `explicit`. */
  reason?: CollectionReason;
}

/** @internal Throws RangeError ERR_OPTION for a kind that does not exist. */
export function kindNumber(kind: CollectionKind): number {
  return numberOf('kind of a collection', COLLECTION_KINDS, kind);
}

/** @internal Throws RangeError ERR_OPTION for a reason that does not exist. */
export function reasonNumber(reason: CollectionReason): number {
  return numberOf('reason of a collection', COLLECTION_REASONS, reason);
}

function numberOf<T extends string>(what: string, known: readonly T[], value: T): number {
  const number = known.indexOf(value);
  if (number < 0) throw argumentRangeError(what, `one of ${known.join(', ')}`, value);
  return number;
}
