/**
 * The noise floor: the overshoot of a thread that only sleeps (after Tene's jHiccup), while nothing of what is measured runs: an
 * invocation of its own each round, with as many threads that only compute as there are mutators (bench/invocation/idle.ts). It is printed
 * beside every latency, and a latency that does not exceed it says nothing about the collector.
 *
 * What a sleeper suffers beside the system under test is another matter, a symptom: it waits for the CPUs that the collector has.
 *
 * Like is compared with like: both are medians over invocations of each one's percentile; and a pause ends with a wake-up, as a sleep does.
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

/** The values and the floor at each of `PERCENTILES`. Without values there is nothing to report; without a floor no value is at it. */
export function besideFloor(valuesNs: readonly number[], noiseNs: readonly number[]): FlooredValue[] {
  if (valuesNs.length < PERCENTILES.length) return [];
  return PERCENTILES.map((percent, i) => {
    const valueNs = valuesNs[i]!;
    const floorNs = noiseNs[i] ?? 0;
    return { percent, valueNs, floorNs, atFloor: floorNs >= valueNs };
  });
}
