/**
 * Triggers: when the heap collects by itself, and how much spare memory it keeps.
 */
import { REGION_BYTES } from '../heap/layout.ts';

/** A cycle starts when this share of what was free after the last one is in use, so that it ends before all of it is. */
const HEADROOM_SHARE = 0.6;
/** Spare pages kept for recycling, at least. Copying or allocating into a fresh page costs five times as much. */
const LEAST_SPARE_BYTES = 16 * 2 ** 20;

/** Number of charged regions at which the next collection is asked for. */
export function nextTrigger(chargedRegions: number, capacityRegions: number): number {
  const headroom = Math.max(0, capacityRegions - chargedRegions);
  return Math.min(capacityRegions, chargedRegions + Math.max(1, Math.ceil(headroom * HEADROOM_SHARE)));
}

/**
 * Bytes of free pages to keep in the heap file after a collection: what mutators will take until the next one. More than that
 * was needed once (by a larger live set, by the targets of a large evacuation) and goes back to the system.
 */
export function spareBytes(chargedRegions: number, capacityRegions: number): number {
  return Math.max(LEAST_SPARE_BYTES, (nextTrigger(chargedRegions, capacityRegions) - chargedRegions) * REGION_BYTES);
}
