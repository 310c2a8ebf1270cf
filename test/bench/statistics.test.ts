/** Percentiles, bootstrap, latency and load against values computed by hand, and samples whose distribution is known. */
import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../bench/harness/random.ts';
import { difference, medianWithInterval, pairedDifference, ratioToLeast } from '../../bench/harness/statistics/bootstrap.ts';
import { criticalOperations } from '../../bench/harness/statistics/critical-operations.ts';
import { besideFloor } from '../../bench/harness/statistics/hiccup-floor.ts';
import { addUp, encodeHistogram, hgrmText, histogramOf, percentileCurve } from '../../bench/harness/statistics/histogram.ts';
import { meteredLatencies, simpleLatencies } from '../../bench/harness/statistics/latency.ts';
import { percentile, percentilesOf } from '../../bench/harness/statistics/percentiles.ts';

/** Gaussian by Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe('percentiles', () => {
  it('are measured values at the nearest rank', () => {
    const tens = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
    expect([10, 11, 50, 90, 91, 99, 100].map((percent) => percentile(tens, percent))).toEqual([10, 20, 50, 90, 100, 100, 100]);
  });

  it('of a thousand values leave one above 99.9 %', () => {
    const thousand = Array.from({ length: 1000 }, (_, i) => 1000 - i);
    expect(percentilesOf(thousand)).toEqual([500, 900, 990, 999, 1000, 1000]);
    expect(percentilesOf([])).toEqual([]);
  });
});

describe('bootstrap', () => {
  const seed = 20220526;

  it('gives the same interval for the same seed', () => {
    const sample = [5, 3, 8, 1, 9, 4];
    expect(medianWithInterval(sample, randomFrom(seed))).toEqual(medianWithInterval(sample, randomFrom(seed)));
    expect(medianWithInterval(sample, randomFrom(seed))).toMatchObject({ median: 4.5, count: 6 });
  });

  it('of equal values is certain', () => {
    expect(medianWithInterval([7, 7, 7], randomFrom(seed))).toEqual({ median: 7, low: 7, high: 7, count: 3 });
    expect(difference([7, 7, 7, 7, 7], [14, 14, 14, 14, 14], randomFrom(seed))).toEqual({ relative: 1, low: 1, high: 1, verdict: 'more' });
  });

  it(`covers the true median of a skewed distribution about as often as it says (seed ${seed})`, () => {
    const random = randomFrom(seed);
    const trials = 600;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const sample = Array.from({ length: 12 }, () => Math.exp(gaussian(random)));
      const { low, high } = medianWithInterval(sample, random, { resamples: 400 });
      if (low <= 1 && 1 <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.91);
    expect(covered / trials).toBeLessThan(0.985);
  });

  it(`finds no difference where there is none, and one of 10 % in noise of 2 % (seed ${seed})`, () => {
    const random = randomFrom(seed);
    const rows = (mean: number): number[] => Array.from({ length: 10 }, () => mean * (1 + 0.02 * gaussian(random)));
    const trials = 200;
    let none = 0;
    let more = 0;
    for (let trial = 0; trial < trials; trial++) {
      if (difference(rows(1), rows(1), random, { resamples: 300 }).verdict === 'none') none++;
      if (difference(rows(1), rows(1.1), random, { resamples: 300 }).verdict === 'more') more++;
    }
    expect(none / trials).toBeGreaterThan(0.9);
    expect(more / trials).toBeGreaterThan(0.99);
  });
});

describe('a verdict', () => {
  it('is given of five values on either side or six pairs, and of no fewer', () => {
    const values = (count: number, value: number): number[] => Array.from({ length: count }, () => value);
    const halves = (count: number): [number, number][] => Array.from({ length: count }, () => [1, 0.5]);
    for (const [a, b] of [
      [1, 1],
      [1, 100],
      [4, 5],
      [5, 4],
    ] as const) {
      expect(difference(values(a, 1), values(b, 2), randomFrom(1)).verdict).toBe('too few');
      expect(difference(values(a, 1), values(b, 1), randomFrom(1)).verdict).toBe('too few');
    }
    expect(difference(values(5, 1), values(5, 2), randomFrom(1)).verdict).toBe('more');
    for (const count of [1, 2, 5]) expect(pairedDifference(halves(count)).verdict).toBe('too few');
    expect(pairedDifference(halves(6)).verdict).toBe('less');
  });

  const noisy = (random: () => number, mean = 1): number => mean * Math.exp(0.07 * gaussian(random));
  const list = <T>(count: number, item: () => T): T[] => Array.from({ length: count }, item);

  it.each([6, 10, 20, 100])(
    'of %i pairs is wrong in one case of twenty at most where there is no difference, and has no offset',
    (count) => {
      const random = randomFrom(20261130 + count);
      const told = list(4000, () => pairedDifference(list(count, () => [noisy(random), noisy(random)] as const)));
      expect(told.filter(({ verdict }) => verdict !== 'none').length / told.length).toBeLessThan(0.05);
      expect(Math.abs(told.reduce((sum, { relative }) => sum + relative, 0) / told.length)).toBeLessThan(0.004);
      // One of 10 % in noise of 7 % on either side: by twenty pairs in seven cases of eight, by a hundred always.
      const found = list(500, () => pairedDifference(list(count, () => [noisy(random), noisy(random, 1.1)] as const)).verdict);
      expect(found.filter((verdict) => verdict === 'more').length / found.length).toBeGreaterThan(
        { 6: 0.2, 10: 0.4, 20: 0.85 }[count] ?? 0.999,
      );
    },
  );

  it.each([5, 10, 20])('of %i values on either side is wrong in one case of twenty at most where there is no difference', (count) => {
    const random = randomFrom(20261200 + count);
    const few = { resamples: 200 };
    const told = list(1500, () =>
      difference(
        list(count, () => noisy(random)),
        list(count, () => noisy(random)),
        random,
        few,
      ),
    );
    expect(told.filter(({ verdict }) => verdict !== 'none').length / told.length).toBeLessThan(0.05);
    expect(Math.abs(told.reduce((sum, { relative }) => sum + relative, 0) / told.length)).toBeLessThan(0.006);
  });
});

describe('a ratio to the least of some medians', () => {
  it('has the vagueness of the least one in its interval', () => {
    const random = randomFrom(3);
    const exact = ratioToLeast(
      [2, 2, 2, 2, 2],
      [
        [1, 1, 1, 1, 1],
        [3, 3, 3],
      ],
      random,
    );
    expect(exact).toEqual({ median: 2, low: 2, high: 2, count: 5 });
    const vague = ratioToLeast(
      [2, 2, 2, 2, 2],
      [
        [0.8, 0.9, 1, 1.1, 1.2],
        [3, 3, 3],
      ],
      random,
    );
    expect(vague.median).toBe(2);
    expect(vague.low).toBeLessThan(1.9);
    expect(vague.high).toBeGreaterThan(2.1);
  });
});

describe('a difference in pairs', () => {
  const seed = 20261121;

  it(`is found through what changes from round to round, and is none where there is none (seed ${seed})`, () => {
    const random = randomFrom(seed);
    // Rounds differ by 20 %, the two of a round by 0.5 %.
    const pairs = (ratio: number): [number, number][] =>
      Array.from({ length: 20 }, () => {
        const round = Math.exp(0.2 * gaussian(random));
        return [round * (1 + 0.005 * gaussian(random)), ratio * round * (1 + 0.005 * gaussian(random))];
      });
    const trials = 200;
    let none = 0;
    let less = 0;
    for (let trial = 0; trial < trials; trial++) {
      const same = pairedDifference(pairs(1));
      if (same.verdict === 'none') none++;
      if (pairedDifference(pairs(0.98)).verdict === 'less') less++;
    }
    expect(none / trials).toBeGreaterThan(0.9);
    expect(less / trials).toBeGreaterThan(0.99);
  });

  it('is that of the median pair', () => {
    const pairs = [
      [1, 2],
      [10, 11],
      [100, 120],
    ] as const;
    expect(pairedDifference(pairs).verdict).toBe('too few');
    expect(pairedDifference(pairs).relative).toBeCloseTo(0.2, 12);
  });
});

describe('latency', () => {
  // Requests every 10 ns; the third is held up by a pause until 100, and those after it come in a burst.
  const requests = {
    startsNs: Float64Array.of(0, 10, 20, 100, 101, 102),
    endsNs: Float64Array.of(1, 11, 100, 101, 102, 103),
  };

  it('simple is what was measured', () => {
    expect([...simpleLatencies(requests)]).toEqual([1, 1, 80, 1, 1, 1]);
  });

  it('metered over the whole run spaces all starts evenly', () => {
    // Smoothed: 0, 20.4, 40.8, 61.2, 81.6, 102. Only those that are earlier than the start count.
    const metered = [...meteredLatencies(requests, Number.POSITIVE_INFINITY)];
    expect(metered.map((value) => Number(value.toFixed(6)))).toEqual([1, 1, 80, 39.8, 20.4, 1]);
  });

  it('metered in a window spaces those near by', () => {
    // ±10 around 100: 100, 101, 102 are even already. ±90: 20, 100, 101, 102 become 20, 47.3, 74.7, 102.
    expect([...meteredLatencies(requests, 20)].map((value) => Number(value.toFixed(6)))).toEqual([1, 1, 80, 1, 1, 1]);
    const wide = [...meteredLatencies(requests, 160)];
    expect(wide[3]).toBeCloseTo(101 - (20 + 82 / 3), 9);
    expect(wide[0]).toBe(1);
  });

  it('of one request is its own', () => {
    expect([...meteredLatencies({ startsNs: Float64Array.of(5), endsNs: Float64Array.of(9) }, 100)]).toEqual([4]);
  });
});

describe('hiccup floor', () => {
  it('marks what the platform alone accounts for', () => {
    const told = besideFloor([10, 20, 30, 40, 50, 60], [1, 2, 3, 39, 50, 900]);
    expect(told.map(({ atFloor }) => atFloor)).toEqual([false, false, false, false, true, true]);
    expect(told[3]).toEqual({ percent: 99.9, valueNs: 40, floorNs: 39, atFloor: false });
    expect(besideFloor([], [1, 2, 3, 4, 5, 6])).toEqual([]);
    expect(besideFloor([10, 20, 30, 40, 50, 60], []).some(({ atFloor }) => atFloor)).toBe(false);
  });
});

describe('critical operations', () => {
  it('are the geometric mean of the highest rates that hold each limit', () => {
    const points = [
      { operationsPerSecond: 4000, p99Ns: 9e6 },
      { operationsPerSecond: 1000, p99Ns: 0.05e6 },
      { operationsPerSecond: 2000, p99Ns: 0.3e6 },
      { operationsPerSecond: 8000, p99Ns: 20e6 },
    ];
    const { mean, perLimit } = criticalOperations(points);
    expect(perLimit).toEqual([1000, 1000, 2000, 2000, 4000]);
    expect(mean).toBeCloseTo((1000 * 1000 * 2000 * 2000 * 4000) ** (1 / 5), 6);
  });

  it('do not trust a rate above one that broke the limit, and are 0 if a limit is never held', () => {
    const lucky = [
      { operationsPerSecond: 1000, p99Ns: 2e6 },
      { operationsPerSecond: 2000, p99Ns: 0.05e6 },
    ];
    expect(criticalOperations(lucky)).toEqual({ mean: 0, perLimit: [0, 0, 0, 0, 2000] });
    expect(criticalOperations([])).toEqual({ mean: 0, perLimit: [0, 0, 0, 0, 0] });
  });
});

describe('histogram', () => {
  it('keeps three digits through its encoded form, and adds up', () => {
    const low = histogramOf(Array.from({ length: 990 }, () => 1_000_000));
    const high = histogramOf(Array.from({ length: 10 }, () => 50_000_000.4));
    const both = addUp([encodeHistogram(low), encodeHistogram(high)]);
    expect(both.totalCount).toBe(1000);
    expect(both.getValueAtPercentile(99) / 1e6).toBeCloseTo(1, 2);
    expect(both.getValueAtPercentile(99.1) / 50e6).toBeCloseTo(1, 2);
  });

  it('is written as other tools read it', () => {
    const text = hgrmText(histogramOf([1e6, 2e6, 3e6, 4e6]));
    expect(text).toMatch(/^\s+Value\s+Percentile\s+TotalCount\s+1\/\(1-Percentile\)/);
    expect(text).toMatch(/Total count\s+=\s+4/);
  });

  it('gives a curve that starts at the minimum and ends in the tail', () => {
    const curve = percentileCurve(histogramOf(Array.from({ length: 1000 }, (_, i) => (i + 1) * 1000)));
    expect(curve[0]![0]).toBe(1);
    expect(curve.at(-1)![0]).toBeCloseTo(1000, 6);
    expect(curve.at(-1)![1] / 999e3).toBeCloseTo(1, 2);
    expect(percentileCurve(histogramOf([]))).toEqual([]);
  });
});
