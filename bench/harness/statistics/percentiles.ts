/**
 * Percentiles of latencies by nearest rank: the smallest measured value that at least p % of all values do not exceed. No value is
 * made up between two measured ones, which in a tail may lie milliseconds apart.
 */

/** The percentiles reported of every distribution; 100 is the maximum. The same list as `hiccupNs` in the contract. */
export const PERCENTILES = [50, 90, 99, 99.9, 99.99, 100] as const;

/** 0.999 × 1000 is a little over 999 in floating point, and must not become the next rank. */
const RANK_TOLERANCE = 1e-9;

/** `sorted` ascends and is not empty; `percent` is over 0 and at most 100. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length - RANK_TOLERANCE);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]!;
}

/** One value for each of `PERCENTILES`; empty if there is nothing. `values` may be in any order. */
export function percentilesOf(values: Iterable<number>): number[] {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? [] : PERCENTILES.map((percent) => percentile(sorted, percent));
}
