/**
 * Lower-bound overhead (LBO; Cai, Blackburn, Bond and Maas, 2022): what a collector costs at least.
 *
 * The cost of the program alone cannot be measured, because no memory costs nothing. It is bounded from above: from the total of a row
 * what can be identified as the cost of memory management is taken away, and the least that remains of the floors is the distilled cost.
 * Total ÷ distilled is then at most the true overhead, for every row:
 *
 *     row       total   identified   remains                       LBO
 *     a           120                                              120 ÷ 80 = 1.5
 *     floor        88            8        80  = distilled cost      88 ÷ 80 = 1.1
 *
 * We depart from the paper in one thing: only floors, which collect nothing, give the distilled cost, and they belong to every choice of
 * rows. The least of all rows would be another one whenever rows are left out, and with it every number. (`ratioToLeast` in bootstrap.ts.)
 *
 * It is done once for wall time and once for CPU time of all threads: a concurrent collector may hide its work on other CPUs.
 */
import type { CpuTime, Interval } from '../contract.ts';
import { intersection, spansOf, totalNs } from './intervals.ts';

export interface Cost {
  /** Of one operation of the workload, so that rows compare that did not do the same number. */
  readonly total: number;
  /** The part of it that is the collector's beyond doubt. */
  readonly identified: number;
}

/**
 * Wall time of a run, and that part of it in which no mutator did its work: with one mutator all that interrupted it. Slow paths of
 * allocation are memory management as well, in a floor too.
 */
export function wallCost(wallNs: number, interruptions: readonly (readonly Interval[])[], operations: number): Cost {
  const stopped = intersection(interruptions.map((intervals) => spansOf(intervals, wallNs)));
  return { total: wallNs / operations, identified: totalNs(stopped) / operations };
}

/**
 * CPU time of the whole process, and that of collector threads and fault service. What a system cannot tell is not identified; what
 * mutator threads took outside fault service is never the collector's, however coarsely the rest was counted.
 */
export function cpuCost({ total, mutators = 0, collector = 0, faultService = 0 }: CpuTime, operations: number): Cost {
  const remains = Math.max(total - collector - faultService, mutators - faultService, 0);
  return { total: total / operations, identified: (total - remains) / operations };
}
