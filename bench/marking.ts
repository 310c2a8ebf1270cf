/**
 * Marking: how fast, what a mutator pays, how long the last pause is. The figures come from build/Release/test/marking_bench; here they
 * become lines of the report.
 */
import { runNativeBench } from './native-bench.ts';
import type { Line } from './report.ts';

interface Rate {
  markedPerUs: number;
  /** Of a traversal that remembers nothing; 0 where that would not end. */
  traversedPerUs: number;
  /** Of a traversal that sets a bit for each object by a plain store. */
  rememberedPerUs: number;
}

interface Remark {
  liveMib: number;
  markings: number;
  /** Nobody writes: what is fixed, and the scan of the page tables. */
  idleP50Us: number;
  p50Us: number;
  p90Us: number;
  p99Us: number;
  maxUs: number;
  pagesP50: number;
  pagesMax: number;
  usPerPage: number;
  rounds: number;
  writtenPages: number;
  /** Of the pauses before the last one: each takes the roots, some the written set as well. */
  startP50Us: number;
  startP99Us: number;
  /** Last pauses that became a round, per marking. */
  deferrals: number;
  markingMs: number;
  mbPerS: number;
}

export interface MarkingFigures {
  rate: { treeInOrder: Rate; treeScattered: Rate; sharedGraph: Rate };
  /** Null where the kernel does not track writes. */
  barrierFree: { firstWrite: { armedNs: number; againNs: number; outsideNs: number }; remark: Remark[] } | null;
}

const GOAL_REMARK_US = 1000;
const GOAL_LIVE_MIB = 1024;

export function measureMarking(quick: boolean): MarkingFigures {
  return runNativeBench<MarkingFigures>('marking_bench', quick);
}

export function markingLines({ rate, barrierFree }: MarkingFigures): Line[] {
  return [
    rateLine('a shared graph, each object found six times', rate.sharedGraph, 'remembered'),
    rateLine('a tree scattered over memory', rate.treeScattered, 'traversed'),
    rateLine('a tree in the order of the traversal', rate.treeInOrder, 'traversed'),
    ...(barrierFree === null ? [] : [...firstWriteLines(barrierFree.firstWrite), ...barrierFree.remark.map(remarkLine)]),
  ];
}

function rateLine(what: string, { markedPerUs, traversedPerUs, rememberedPerUs }: Rate, floor: 'traversed' | 'remembered'): Line {
  const ratio = markedPerUs / (floor === 'traversed' ? traversedPerUs : rememberedPerUs);
  const remembered = `${(markedPerUs / rememberedPerUs).toFixed(2)} of one that sets plain bits`;
  return {
    figure: `marking ${what}, one worker`,
    measured:
      `${markedPerUs.toFixed(1)} million objects/s: ` +
      (floor === 'traversed' ? `${ratio.toFixed(2)} of a traversal that remembers nothing, ${remembered}` : remembered),
    goal: '>= 0.50',
    reached: ratio >= 0.5,
  };
}

function firstWriteLines({ armedNs, againNs, outsideNs }: { armedNs: number; againNs: number; outsideNs: number }): Line[] {
  return [
    {
      figure: 'first write to a page while marking runs',
      measured: `${armedNs.toFixed(0)} ns a page; the next one ${againNs.toFixed(0)} ns, outside a cycle ${outsideNs.toFixed(0)} ns`,
      goal: '<= 1000 ns',
      reached: armedNs <= 1000,
    },
  ];
}

function remarkLine(remark: Remark): Line {
  const { liveMib, idleP50Us, p50Us, p90Us, p99Us, maxUs, pagesP50, usPerPage, rounds, mbPerS, startP99Us, deferrals } = remark;
  const held = liveMib === GOAL_LIVE_MIB;
  return {
    figure: `remark at ${liveMib} MiB live, 2 mutators writing ${mbPerS.toFixed(0)} MB/s each`,
    measured:
      `p50 ${p50Us.toFixed(0)}, p90 ${p90Us.toFixed(0)}, p99 ${p99Us.toFixed(0)}, longest ${maxUs.toFixed(0)} us; ${idleP50Us.toFixed(0)} us when nobody writes, ` +
      `${pagesP50.toFixed(0)} pages at ${usPerPage.toFixed(1)} us; ${rounds.toFixed(0)} rounds before, ` +
      `${deferrals.toFixed(1)} of them in a pause (p99 of the pauses before: ${startP99Us.toFixed(0)} us)`,
    goal: held ? 'p99 <= 1000 us' : '',
    reached: !held || p99Us <= GOAL_REMARK_US,
  };
}
