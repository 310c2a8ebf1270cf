/**
 * The hiccup floor: the overshoot of a thread that only sleeps, beside the mutators (after Tene's jHiccup). What such a thread
 * suffers is the platform's, not the collector's. It is printed beside every latency, and a latency that does not exceed it says
 * nothing about the collector.
 */
import { PERCENTILES } from './percentiles.ts';

/** A measured value and the floor at the same percentile. */
export interface FlooredValue {
  readonly percent: number;
  readonly valueNs: number;
  readonly floorNs: number;
  /** The platform alone accounts for it: no claim can rest on this value. */
  readonly atFloor: boolean;
}

/** Both lists have a value for each of `PERCENTILES`; an empty one (not measured) gives an empty answer. */
export function besideFloor(valuesNs: readonly number[], hiccupNs: readonly number[]): FlooredValue[] {
  if (valuesNs.length < PERCENTILES.length || hiccupNs.length < PERCENTILES.length) return [];
  return PERCENTILES.map((percent, i) => {
    const valueNs = valuesNs[i]!;
    const floorNs = hiccupNs[i]!;
    return { percent, valueNs, floorNs, atFloor: floorNs >= valueNs };
  });
}
