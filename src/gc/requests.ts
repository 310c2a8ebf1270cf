/**
 * Requests: what a collection is asked to do, and why. The order of both lists is known to native/node/mutator_binding.cc.
 */

/** The larger wins when several are asked for at once. */
export const COLLECTION_KINDS = ['mark', 'compact', 'full'] as const;
export type CollectionKind = (typeof COLLECTION_KINDS)[number];

export const COLLECTION_REASONS = ['occupancy', 'allocation-rate', 'quiet', 'explicit', 'exhausted', 'stress'] as const;
export type CollectionReason = (typeof COLLECTION_REASONS)[number];

export interface CollectionRequest {
  /**
   * `mark`: one cycle without compaction: what is dead is found, and regions in which nothing is alive are free.
   * `compact`: one cycle; the regions with most garbage are evacuated.
   * `full`: as many cycles as it takes to evacuate every region once, and unused pages go back to the system.
   */
  kind?: CollectionKind;
  reason?: CollectionReason;
}

export function kindNumber(kind: CollectionKind): number {
  return COLLECTION_KINDS.indexOf(kind);
}

export function reasonNumber(reason: CollectionReason): number {
  return COLLECTION_REASONS.indexOf(reason);
}
