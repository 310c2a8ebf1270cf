/** The statistics against values computed by hand, and the bootstrap against samples whose distribution is known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../bench/harness/contract.ts';
import { randomFrom } from '../../bench/harness/random.ts';
import { difference, medianWithInterval } from '../../bench/harness/statistics/bootstrap.ts';
import { criticalOperations } from '../../bench/harness/statistics/critical-operations.ts';
import { faultHeat, HEAT_BIN_MS, HEAT_FROM_MS } from '../../bench/harness/statistics/fault-heat.ts';
import { besideFloor } from '../../bench/harness/statistics/hiccup-floor.ts';
import { addUp, encodeHistogram, hgrmText, histogramOf, percentileCurve } from '../../bench/harness/statistics/histogram.ts';
import { coveredNs, intersection, type Span, spansOf, totalNs } from '../../bench/harness/statistics/intervals.ts';
import { meteredLatencies, simpleLatencies } from '../../bench/harness/statistics/latency.ts';
import { cpuCost, distilledCost, lowerBoundOverhead, wallCost } from '../../bench/harness/statistics/lower-bound-overhead.ts';
import { minimumUtilization, minimumUtilizationOfAll, utilizationAfter } from '../../bench/harness/statistics/mutator-utilization.ts';
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
    expect(difference([7, 7, 7], [14, 14], randomFrom(seed))).toEqual({ relative: 1, low: 1, high: 1, verdict: 'more' });
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

describe('intervals', () => {
  const pause = (start: number, length: number): Interval => [start, length, 'pause'];

  it('become spans that are apart, within the measured time', () => {
    expect(spansOf([pause(50, 10), pause(-5, 10), pause(55, 10), pause(65, 5), pause(95, 20), pause(30, 0)], 100)).toEqual([
      [0, 5],
      [50, 70],
      [95, 100],
    ]);
  });

  it('of several mutators intersect where nobody ran', () => {
    const a: Span[] = [[0, 10], [20, 30], [40, 60]];
    const b: Span[] = [[5, 25], [45, 50], [55, 70]];
    expect(intersection([a, b])).toEqual([[5, 10], [20, 25], [45, 50], [55, 60]]);
    expect(intersection([a, b, [[0, 8], [58, 100]]])).toEqual([[5, 8], [58, 60]]);
    expect(intersection([a])).toEqual(a);
    expect(intersection([])).toEqual([]);
    expect(totalNs(a)).toBe(40);
    expect(coveredNs(a, 5, 45)).toBe(20);
  });
});

describe('mutator utilization', () => {
  // 0 ──── 10 [10–14] 14 ── 20 [20–21] 21 ──── 30
  const spans: Span[] = [[10, 14], [20, 21]];

  it.each([
    [1, 0],
    [4, 0],
    [8, 0.5], // 4 of 8
    [10, 0.6], // [10, 20] or [4, 14]: 4
    [11, 6 / 11], // [10, 21]: 5
    [20, 0.75], // 5 of 20
    [30, 25 / 30],
    [300, 25 / 30], // longer than the run: the whole run
  ])('in windows of %d ns is %d at worst', (window, share) => {
    expect(minimumUtilization(spans, 30, window)).toBeCloseTo(share, 12);
  });

  it('is found where a window holds several spans, and at the edges', () => {
    expect(minimumUtilization([[0, 1], [6, 8], [12, 16]], 20, 10)).toBeCloseTo(0.4, 12); // [6, 16]: 2 + 4
    expect(minimumUtilization([[0, 3], [9, 12]], 12, 11)).toBeCloseTo(1 - 5 / 11, 12); // [0, 11]: 3 + 2
    expect(minimumUtilization([[2, 3], [9, 12]], 12, 4)).toBeCloseTo(1 / 4, 12); // [8, 12]: 3, and [9, 13] is over the end
  });

  it('is 1 without interruptions, 0 in one pause as long as the window, and that of the worst mutator', () => {
    expect(minimumUtilization([], 100, 10)).toBe(1);
    expect(minimumUtilization([[50, 60]], 100, 10)).toBe(0);
    expect(minimumUtilizationOfAll([spans, [], [[0, 2]]], 30, 10)).toBeCloseTo(0.6, 12);
    expect(minimumUtilizationOfAll([], 30, 10)).toBe(1);
  });

  it('is never worse at any place than the minimum, and somewhere as bad', () => {
    const lists = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 20 })), { maxLength: 12 });
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 250 }), (intervals, window) => {
        const some = spansOf(intervals.map(([start, length]): Interval => [start, length, 'fault']), 200);
        const length = Math.min(window, 200);
        let worst = 0;
        for (let at = 0; at + length <= 200; at++) worst = Math.max(worst, coveredNs(some, at, at + length));
        // Ends of spans are integers, so the worst window begins at one.
        expect(minimumUtilization(some, 200, window)).toBeCloseTo(1 - worst / length, 9);
      }),
    );
  });

  it('after a moment counts from there, and not beyond the run', () => {
    expect(utilizationAfter(spans, [9, 12, 25, 40], 30, 10)).toEqual([0.6, 1 - 3 / 10, 1]);
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

describe('lower-bound overhead', () => {
  it('of the table in the source', () => {
    const a = { total: 120, identified: 30 };
    const b = { total: 88, identified: 8 };
    expect(distilledCost([a, b])).toBe(80);
    expect(lowerBoundOverhead(a, 80)).toBe(1.5);
    expect(lowerBoundOverhead(b, 80)).toBeCloseTo(1.1, 12);
  });

  it('takes from the wall time only what stopped every mutator', () => {
    const interruptions: Interval[][] = [
      [[0, 10, 'pause'], [50, 10, 'fault']],
      [[0, 10, 'pause'], [55, 10, 'fault']],
    ];
    expect(wallCost(100, interruptions, 10)).toEqual({ total: 10, identified: 1.5 });
    expect(wallCost(100, interruptions.slice(0, 1), 10)).toEqual({ total: 10, identified: 2 });
    expect(wallCost(100, [], 10)).toEqual({ total: 10, identified: 0 });
  });

  it('takes from the CPU time what collector threads and faults took', () => {
    expect(cpuCost({ total: 100, collector: 20, faultService: 5, stalls: 50 }, 5)).toEqual({ total: 20, identified: 5 });
    expect(cpuCost({ total: 100 }, 5)).toEqual({ total: 20, identified: 0 });
  });
});

describe('hiccup floor', () => {
  it('marks what the platform alone accounts for', () => {
    const told = besideFloor([10, 20, 30, 40, 50, 60], [1, 2, 3, 39, 50, 900]);
    expect(told.map(({ atFloor }) => atFloor)).toEqual([false, false, false, false, true, true]);
    expect(told[3]).toEqual({ percent: 99.9, valueNs: 40, floorNs: 39, atFloor: false });
    expect(besideFloor([], [1, 2, 3, 4, 5, 6])).toEqual([]);
    expect(besideFloor([10, 20, 30, 40, 50, 60], [])).toEqual([]);
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
    const lucky = [{ operationsPerSecond: 1000, p99Ns: 2e6 }, { operationsPerSecond: 2000, p99Ns: 0.05e6 }];
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

describe('fault heat', () => {
  const column = (ms: number): number => Math.floor((ms - HEAT_FROM_MS) / HEAT_BIN_MS);

  it('puts each fault by its time since the flip and its length', () => {
    const heat = faultHeat(
      [[10e6, 1e6, 'flip'], [20e6, 1e6, 'remark'], [60e6, 0, 'flip']],
      [
        [[11.1e6, 900, 'fault'], [15e6, 5000, 'fault'], [16e6, 5000, 'pause'], [59.2e6, 5000, 'fault']],
        [[11.2e6, 4e9, 'fault'], [50e6, 1, 'fault']],
      ],
    );
    expect(heat.flips).toBe(2);
    expect(heat.counts[0]![column(0.1)]).toBe(1); // under 1 us, 0.1 ms after the flip's end
    expect(heat.counts[3]![column(4)]).toBe(1); // under 8 us
    expect(heat.counts[3]![column(-0.8)]).toBe(1); // 0.8 ms before the second flip
    expect(heat.counts.at(-1)![column(0.2)]).toBe(1); // however long
    expect(heat.counts.flat().reduce((a, b) => a + b)).toBe(4); // 39 ms after one flip and 10 before the next is around none
  });
});
