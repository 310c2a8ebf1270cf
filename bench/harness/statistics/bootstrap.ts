/**
 * Bootstrap: how certain a median is. The sample is drawn again from itself, with replacement, thousands of times; the middle 95 % of
 * the medians that come out are the interval (Efron's percentile method). It assumes no distribution, which suits
 * ten or twenty times that are skewed and have outliers.
 *
 * Medians and intervals over invocations, never the best of them: Georges, Buytaert and Eeckhout, 2007.
 */
import { median, quantileSorted, sampleWithReplacement } from 'simple-statistics';
import type { Random } from '../random.ts';

export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Of the sample. */
  readonly count: number;
}

/** Two samples side by side. */
export interface Difference {
  /** median(b) ÷ median(a) − 1: 0.02 means that b is 2 % larger. */
  readonly relative: number;
  readonly low: number;
  readonly high: number;
  /** `none` if the interval holds 0; `too few` below {@link LEAST_FOR_VERDICT}, where the interval says nothing. */
  readonly verdict: 'none' | 'less' | 'more' | 'too few';
}

/**
 * Values of either sample, below which no verdict is given. Where there is no difference at all, three values on either side find one in a
 * case of ten, two in one of three; five in one of thirty.
 */
export const LEAST_FOR_VERDICT = 5;
/** The same of pairs: all of five lie on one side by chance in one case of sixteen. */
export const LEAST_PAIRS_FOR_VERDICT = 6;

export interface BootstrapOptions {
  /** Share of the medians within the interval, between 0 and 1; 0.95 unless told. */
  readonly confidence?: number;
  /** 2000 unless told. Cost: this many sorts of the sample. */
  readonly resamples?: number;
}

/** `sample` is not empty. One value has the interval from itself to itself, which says nothing. */
export function medianWithInterval(sample: readonly number[], random: Random, options: BootstrapOptions = {}): Estimate {
  const [low, high] = interval(() => median(again(sample, random)), options);
  return { median: median([...sample]), low, high, count: sample.length };
}

/** How much larger `b` is than `a`; neither is empty, and the values are positive. The two are drawn independently. */
export function difference(a: readonly number[], b: readonly number[], random: Random, options: BootstrapOptions = {}): Difference {
  const [low, high] = interval(() => median(again(b, random)) / median(again(a, random)) - 1, options);
  return { relative: median([...b]) / median([...a]) - 1, low, high, verdict: verdictOf(low, high, Math.min(a.length, b.length)) };
}

/**
 * The same for values that belong together two by two, as those of one round do: what changes from round to round does not widen the
 * interval. `pairs` are of a and b, and not empty. The interval is that of the sign test, from one of the ordered ratios to another: exact
 * for any distribution, where resamples of ten pairs would be wrong in one case of ten. Fewer than six pairs have no interval of 95 %: no
 * verdict.
 */
export function pairedDifference(pairs: readonly (readonly [a: number, b: number])[]): Difference {
  const ratios = pairs.map(([a, b]) => b / a - 1).sort((a, b) => a - b);
  const left = signRank(ratios.length);
  const [low, high] = [ratios[left]!, ratios[ratios.length - 1 - left]!];
  return { relative: median(ratios), low, high, verdict: verdictOf(low, high, pairs.length, LEAST_PAIRS_FOR_VERDICT) };
}

/** How many ordered values on either side lie outside of the interval of a median: as many as leave 95 % inside, if there are any. */
function signRank(count: number): number {
  let term = 0.5 ** count;
  let outside = term;
  let rank = 0;
  while (outside <= 0.025) {
    term = (term * (count - rank)) / (rank + 1);
    outside += term;
    if (outside <= 0.025) rank++;
  }
  return rank;
}

/**
 * The ratio of a sample's median to the least of the medians of others, and its interval: all of them are drawn again, so that how vague
 * the least one is, and which it is, is in the interval too. None is empty.
 */
export function ratioToLeast(
  sample: readonly number[],
  others: readonly (readonly number[])[],
  random: Random,
  options: BootstrapOptions = {},
): Estimate {
  const least = (draw: (of: readonly number[]) => number): number => Math.min(...others.map(draw));
  const [low, high] = interval(() => median(again(sample, random)) / least((other) => median(again(other, random))), options);
  return { median: median([...sample]) / least((other) => median([...other])), low, high, count: sample.length };
}

function verdictOf(low: number, high: number, count: number, least = LEAST_FOR_VERDICT): Difference['verdict'] {
  if (count < least) return 'too few';
  return low > 0 ? 'more' : high < 0 ? 'less' : 'none';
}

function again(sample: readonly number[], random: Random): number[] {
  return sampleWithReplacement([...sample], sample.length, random);
}

function interval(draw: () => number, { confidence = 0.95, resamples = 2000 }: BootstrapOptions): [number, number] {
  const drawn = Array.from({ length: resamples }, draw).sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return [quantileSorted(drawn, tail), quantileSorted(drawn, 1 - tail)];
}
