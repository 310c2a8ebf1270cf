/**
 * Mutator utilization: what share of a window of time a mutator had for itself. The minimum over every placement of the window is
 * the MMU (Cheng and Blelloch, 2001). Pauses, fault service, waits for memory and allocation slow paths all count against the
 * mutator: a collector whose barrier is the page fault would otherwise hide its cost in them.
 *
 * The minimum is exact, not taken on a grid. A worst window whose begin lies inside a span can slide left to the span's begin: it
 * gains there at least what it loses at its end. One whose begin lies outside can slide right to the next span's begin, or to the
 * edge of the measured time, and loses nothing. So only windows that begin with a span, or lie at an edge, have to be looked at.
 */
import type { Span } from './intervals.ts';

/** Window lengths of every MMU curve, in ms. */
export const MMU_WINDOWS_MS = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100] as const;

/** How long after the flip utilization is told for, in ms. */
export const AFTER_FLIP_MS = [1, 5, 10, 50] as const;

/**
 * The worst share, 0 to 1, of a mutator with these interruptions within `[0, lengthNs]`. A window longer than that is as long as
 * that. Cost: linear in the number of spans, apart from one sort of as many numbers.
 */
export function minimumUtilization(spans: readonly Span[], lengthNs: number, windowNs: number): number {
  if (lengthNs <= 0) return 1;
  const window = Math.min(windowNs, lengthNs);
  const last = lengthNs - window;
  const begins = [0, last];
  for (const [start] of spans) if (start < last) begins.push(start);
  begins.sort((a, b) => a - b);
  const atBegin = collectorTime(spans);
  const atEnd = collectorTime(spans);
  let worstNs = 0;
  for (const begin of begins) worstNs = Math.max(worstNs, atEnd(begin + window) - atBegin(begin));
  return Math.max(0, 1 - worstNs / window);
}

/** The MMU of several mutators: that of the one that fares worst. */
export function minimumUtilizationOfAll(mutators: readonly (readonly Span[])[], lengthNs: number, windowNs: number): number {
  return Math.min(1, ...mutators.map((spans) => minimumUtilization(spans, lengthNs, windowNs)));
}

/** The share that a mutator has for itself from each of some moments on, for `windowNs` or until `lengthNs`. `moments` ascend. */
export function utilizationAfter(spans: readonly Span[], moments: readonly number[], lengthNs: number, windowNs: number): number[] {
  const atBegin = collectorTime(spans);
  const atEnd = collectorTime(spans);
  const within = moments.filter((moment) => moment < lengthNs);
  return within.map((moment) => {
    const end = Math.min(lengthNs, moment + windowNs);
    return 1 - (atEnd(end) - atBegin(moment)) / (end - moment);
  });
}

/** Tells how much of the time before a moment the spans cover, for moments that ascend from call to call. */
function collectorTime(spans: readonly Span[]): (moment: number) => number {
  let index = 0;
  let before = 0;
  return (moment) => {
    while (index < spans.length && spans[index]![1] <= moment) {
      before += spans[index]![1] - spans[index]![0];
      index++;
    }
    return before + (index < spans.length ? Math.max(0, moment - spans[index]![0]) : 0);
  };
}
