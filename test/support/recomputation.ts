/**
 * Figures of the benchmarks by other algorithms than those of bench/: by counting, by sweeps over all edges, by exact distributions. For
 * the recomputation (test/bench/recomputation.test.ts); nothing of bench/ is used.
 */
import type { Finished } from '../../bench/harness/contract.ts';

export type Request = readonly [startNs: number, endNs: number];

/** A reader of RFC 4180 that takes one character after the other. */
export function tableOf(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  let cell = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (isQuoted && character === '"' && text[i + 1] === '"') cell += text[i++];
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === ',' || character === '\n')) {
      rows.at(-1)!.push(cell.replace(/\r$/, ''));
      cell = '';
      if (character === '\n') rows.push([]);
    } else cell += character;
  }
  const [head, ...body] = rows.slice(0, -1);
  return body.map((cells) => Object.fromEntries(head!.map((name, i) => [name, cells[i]!])));
}

/** By counting: the least value that `percent` of all do not exceed. In whole numbers, so that nothing is rounded. */
export function nearestRank(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const needed = (BigInt(Math.round(percent * 100)) * BigInt(sorted.length) + 9999n) / 10_000n;
  return sorted[Number(needed) - 1]!;
}

export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** How many of the lists cover each piece of time, by a sweep over all edges at once. */
export function coverage(lists: Finished['interruptions'], lengthNs: number): [fromNs: number, untilNs: number, lists: number][] {
  const edges = lists.flatMap((intervals, list) =>
    intervals.flatMap(([start, length]) => [[start, 1, list] as const, [start + length, -1, list] as const]),
  );
  edges.sort(([a], [b]) => a - b);
  const open = lists.map(() => 0);
  const pieces: [number, number, number][] = [];
  let from = 0;
  for (const [at, change, list] of [...edges, [lengthNs, 0, 0] as const]) {
    const until = Math.min(Math.max(at, 0), lengthNs);
    if (until > from) pieces.push([from, until, open.filter((count) => count > 0).length]);
    from = Math.max(from, until);
    open[list] = open[list]! + change;
  }
  return pieces;
}

/** The time covered before a moment: by bisection in running sums. */
export function coveredBefore(pieces: readonly (readonly [number, number, number])[]): (moment: number) => number {
  const sums = [0];
  for (const [from, until, lists] of pieces) sums.push(sums.at(-1)! + (lists > 0 ? until - from : 0));
  return (moment) => {
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if (pieces[half]![1] <= moment) low = half + 1;
      else high = half;
    }
    if (low === pieces.length) return sums[low]!;
    const [from, , lists] = pieces[low]!;
    return sums[low]! + (lists > 0 ? Math.max(0, moment - from) : 0);
  };
}

/** Every placement at which the share can turn: either end of the window at any edge. */
export function worstShare(intervals: Finished['interruptions'][number], lengthNs: number, windowNs: number): number {
  const pieces = coverage([intervals], lengthNs);
  const before = coveredBefore(pieces);
  const window = Math.min(windowNs, lengthNs);
  const edges = [0, lengthNs, ...pieces.flat()];
  const begins = edges.flatMap((edge) => [edge, edge - window]).filter((begin) => begin >= 0 && begin + window <= lengthNs);
  return Math.min(...begins.map((begin) => 1 - (before(begin + window) - before(begin)) / window));
}

/** Median of a sample that is drawn again from itself, with its probability: by order statistics, for an odd number of values. */
export function medianDistribution(sample: readonly number[]): [value: number, probability: number][] {
  const n = sample.length;
  const choose = (k: number): number => (k === 0 ? 1 : (choose(k - 1) * (n - k + 1)) / k);
  const atMost = (rank: number): number => {
    let sum = 0;
    for (let k = (n + 1) / 2; k <= n; k++) sum += choose(k) * (rank / n) ** k * (1 - rank / n) ** (n - k);
    return sum;
  };
  return sample.toSorted((a, b) => a - b).map((value, i) => [value, atMost(i + 1) - atMost(i)]);
}

/** The ratio of two such medians, or of one to the least of some. */
export function ratioDistribution(
  sample: readonly number[],
  others: readonly (readonly number[])[],
): [value: number, probability: number][] {
  let least: [number, number][] = [[Number.POSITIVE_INFINITY, 1]];
  for (const other of others) {
    least = least.flatMap(([a, p]) => medianDistribution(other).map(([b, q]): [number, number] => [Math.min(a, b), p * q]));
  }
  return medianDistribution(sample).flatMap(([a, p]) => least.map(([b, q]): [number, number] => [a / b, p * q]));
}

export function quantile(distribution: readonly (readonly [value: number, probability: number])[], share: number): number {
  let sum = 0;
  for (const [value, probability] of distribution.toSorted(([a], [b]) => a - b)) if ((sum += probability) >= share) return value;
  return Math.max(...distribution.map(([value]) => value));
}

/** The first request from a moment on. */
function firstFrom(requests: readonly Request[], moment: number): number {
  let low = 0;
  let high = requests.length;
  while (low < high) {
    const half = (low + high) >> 1;
    if (requests[half]![0] < moment) low = half + 1;
    else high = half;
  }
  return low;
}
/** From the first that begins no more than half a window before to the first that begins no less than half a window after, or the last. */
export function meteredOf(requests: readonly Request[], windowNs: number): number[] {
  return requests.map(([start, end], i) => {
    const first = windowNs === Number.POSITIVE_INFINITY ? 0 : firstFrom(requests, start - windowNs / 2);
    const last = Math.min(requests.length - 1, firstFrom(requests, start + windowNs / 2));
    const step = last === first ? 0 : (requests[last]![0] - requests[first]![0]) / (last - first);
    return end - Math.min(start, requests[first]![0] + (i - first) * step);
  });
}
