/**
 * Lower-bound overhead (LBO; Cai, Blackburn, Bond and Maas, 2022): what a collector costs at least.
 *
 * The cost of the program alone cannot be measured, because there is no collector that costs nothing. It is bounded from above: of
 * every row (collector and heap size) what can be identified as the collector's cost is taken away from its total, and the least
 * that remains anywhere is the distilled cost. Total ÷ distilled is then at most the true overhead, for every row:
 *
 *     row       total   identified   remains                       LBO
 *     a           120           30        90                       120 ÷ 80 = 1.5
 *     b            88            8        80  = distilled cost      88 ÷ 80 = 1.1
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

/** The least that remains of any row. `costs` is not empty. */
export function distilledCost(costs: readonly Cost[]): number {
  return Math.min(...costs.map(({ total, identified }) => total - identified));
}

/** 1 if the row is the distilled cost itself. */
export function lowerBoundOverhead(cost: Cost, distilled: number): number {
  return cost.total / distilled;
}

/**
 * Wall time of a run, and that part of it in which no mutator ran: with one mutator all that interrupted it. Slow paths of allocation do
 * not count: without a collector a program takes pages too.
 */
export function wallCost(wallNs: number, interruptions: readonly (readonly Interval[])[], operations: number): Cost {
  const stopped = intersection(
    interruptions.map((intervals) =>
      spansOf(
        intervals.filter(([, , kind]) => kind !== 'slow-path'),
        wallNs,
      ),
    ),
  );
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
