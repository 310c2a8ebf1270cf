/**
 * Spans of time on one line: sorted, not empty, apart from each other. What took a mutator from its work becomes such a list before
 * anything is computed from it, so that a fault inside a pause counts once.
 */
import type { Interval } from '../contract.ts';

export type Span = readonly [startNs: number, endNs: number];

/** The union of intervals, cut to what lies between 0 and `lengthNs`. */
export function spansOf(intervals: readonly Interval[], lengthNs: number): Span[] {
  const sorted = intervals.map(([start, length]): Span => [Math.max(0, start), Math.min(lengthNs, start + length)]);
  sorted.sort(([a], [b]) => a - b);
  const spans: [number, number][] = [];
  for (const [start, end] of sorted) {
    if (end <= start) continue;
    const last = spans.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else spans.push([start, end]);
  }
  return spans;
}

/** The spans in which every one of the lists has one: no mutator ran. */
export function intersection(lists: readonly (readonly Span[])[]): Span[] {
  return lists.length === 0 ? [] : lists.reduce<readonly Span[]>(both, lists[0]!).slice();
}

export function totalNs(spans: readonly Span[]): number {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** Time covered by the spans between two moments. Cost: the number of spans. */
export function coveredNs(spans: readonly Span[], fromNs: number, untilNs: number): number {
  return spans.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, untilNs) - Math.max(start, fromNs)), 0);
}

function both(a: readonly Span[], b: readonly Span[]): Span[] {
  const common: Span[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const start = Math.max(a[i]![0], b[j]![0]);
    const end = Math.min(a[i]![1], b[j]![1]);
    if (start < end) common.push([start, end]);
    if (a[i]![1] < b[j]![1]) i++;
    else j++;
  }
  return common;
}
