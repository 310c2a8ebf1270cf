/**
 * Triggers: when the heap collects by itself, and how much spare memory it keeps.
 */

/** A cycle starts when this share of what was free after the last one is in use, so that it ends before all of it is. */
const HEADROOM_SHARE = 0.6;
/** Spare pages kept for recycling, as a share of what is in use, and at least so much. */
const SPARE_SHARE = 0.25;
const LEAST_SPARE_BYTES = 16 * 2 ** 20;

/** Number of charged regions at which the next collection is asked for. */
export function nextTrigger(chargedRegions: number, capacityRegions: number): number {
  const headroom = Math.max(0, capacityRegions - chargedRegions);
  return Math.min(capacityRegions, chargedRegions + Math.max(1, Math.ceil(headroom * HEADROOM_SHARE)));
}

/** Bytes of free pages to keep in the heap file after a collection. */
export function spareBytes(usedBytes: number): number {
  return Math.max(LEAST_SPARE_BYTES, Math.ceil(usedBytes * SPARE_SHARE));
}
