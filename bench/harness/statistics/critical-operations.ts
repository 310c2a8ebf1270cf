/**
 * Critical operations: how much load a system bears while its tail latency stays under a limit, in one number. After SPECjbb2015's
 * critical-jOPS: for each limit of the 99th percentile the highest rate that holds it, and the geometric mean of those rates.
 *
 * A rate counts only if every lower one holds the limit too: a lucky run at a high rate proves nothing. If a limit is never
 * held, the mean is 0; the rates for the other limits are still reported.
 */
import { geometricMean } from 'simple-statistics';

export const LIMITS_MS = [0.1, 0.25, 0.5, 1, 10] as const;

/** An open loop at one rate. */
export interface LoadPoint {
  readonly operationsPerSecond: number;
  readonly p99Ns: number;
}

export interface CriticalOperations {
  /** Operations a second; 0 if a limit is never held. */
  readonly mean: number;
  /** For each of `LIMITS_MS`; 0 where no rate holds it. */
  readonly perLimit: readonly number[];
}

/** The order of `points` does not matter. */
export function criticalOperations(points: readonly LoadPoint[]): CriticalOperations {
  const ascending = [...points].sort((a, b) => a.operationsPerSecond - b.operationsPerSecond);
  const perLimit = LIMITS_MS.map((limitMs) => {
    const broken = ascending.findIndex(({ p99Ns }) => p99Ns > limitMs * 1e6);
    const held = broken < 0 ? ascending : ascending.slice(0, broken);
    return held.at(-1)?.operationsPerSecond ?? 0;
  });
  return { mean: perLimit.every((rate) => rate > 0) ? geometricMean(perLimit) : 0, perLimit };
}
