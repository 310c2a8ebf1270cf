/** What the collector takes from mutators (spans, MMU, LBO, faults around the flip) against values computed by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../bench/harness/contract.ts';
import { faultHeat, HEAT_BIN_MS, HEAT_FROM_MS } from '../../bench/harness/statistics/fault-heat.ts';
import { coveredNs, intersection, type Span, spansOf, totalNs } from '../../bench/harness/statistics/intervals.ts';
import { cpuCost, wallCost } from '../../bench/harness/statistics/lower-bound-overhead.ts';
import { minimumUtilization, minimumUtilizationOfAll, utilizationAfter } from '../../bench/harness/statistics/mutator-utilization.ts';

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
    const a: Span[] = [
      [0, 10],
      [20, 30],
      [40, 60],
    ];
    const b: Span[] = [
      [5, 25],
      [45, 50],
      [55, 70],
    ];
    expect(intersection([a, b])).toEqual([
      [5, 10],
      [20, 25],
      [45, 50],
      [55, 60],
    ]);
    expect(
      intersection([
        a,
        b,
        [
          [0, 8],
          [58, 100],
        ],
      ]),
    ).toEqual([
      [5, 8],
      [58, 60],
    ]);
    expect(intersection([a])).toEqual(a);
    expect(intersection([])).toEqual([]);
    expect(totalNs(a)).toBe(40);
    expect(coveredNs(a, 5, 45)).toBe(20);
  });
});

describe('mutator utilization', () => {
  // 0 ──── 10 [10–14] 14 ── 20 [20–21] 21 ──── 30
  const spans: Span[] = [
    [10, 14],
    [20, 21],
  ];

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
    expect(
      minimumUtilization(
        [
          [0, 1],
          [6, 8],
          [12, 16],
        ],
        20,
        10,
      ),
    ).toBeCloseTo(0.4, 12); // [6, 16]: 2 + 4
    expect(
      minimumUtilization(
        [
          [0, 3],
          [9, 12],
        ],
        12,
        11,
      ),
    ).toBeCloseTo(1 - 5 / 11, 12); // [0, 11]: 3 + 2
    expect(
      minimumUtilization(
        [
          [2, 3],
          [9, 12],
        ],
        12,
        4,
      ),
    ).toBeCloseTo(1 / 4, 12); // [8, 12]: 3, and [9, 13] is over the end
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
        const some = spansOf(
          intervals.map(([start, length]): Interval => [start, length, 'fault']),
          200,
        );
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

describe('lower-bound overhead', () => {
  it('takes from the wall time only what stopped every mutator', () => {
    const interruptions: Interval[][] = [
      [
        [0, 10, 'pause'],
        [50, 10, 'fault'],
      ],
      [
        [0, 10, 'pause'],
        [55, 10, 'fault'],
      ],
    ];
    expect(wallCost(100, interruptions, 10)).toEqual({ total: 10, identified: 1.5 });
    expect(wallCost(100, interruptions.slice(0, 1), 10)).toEqual({ total: 10, identified: 2 });
    expect(wallCost(100, [], 10)).toEqual({ total: 10, identified: 0 });
    // Memory management too.
    expect(
      wallCost(
        100,
        [
          [
            [0, 10, 'pause'],
            [20, 30, 'slow-path'],
          ],
        ],
        10,
      ),
    ).toEqual({ total: 10, identified: 4 });
  });

  it('takes from the CPU time what collector threads and faults took', () => {
    expect(cpuCost({ total: 100, collector: 20, faultService: 5, stalls: 50 }, 5)).toEqual({ total: 20, identified: 5 });
    expect(cpuCost({ total: 100 }, 5)).toEqual({ total: 20, identified: 0 });
    // Counters that overlap: mutators took 40 outside faults, so at most 60 is the collector's.
    expect(cpuCost({ total: 100, mutators: 45, collector: 90, faultService: 5 }, 5)).toEqual({ total: 20, identified: 12 });
  });
});

describe('fault heat', () => {
  const column = (ms: number): number => Math.floor((ms - HEAT_FROM_MS) / HEAT_BIN_MS);

  it('puts each fault by its time since the flip and its length', () => {
    const heat = faultHeat(
      [
        [10e6, 1e6, 'flip'],
        [20e6, 1e6, 'remark'],
        [60e6, 0, 'flip'],
      ],
      [
        [
          [11.1e6, 900, 'fault'],
          [15e6, 5000, 'fault'],
          [16e6, 5000, 'pause'],
          [59.2e6, 5000, 'fault'],
        ],
        [
          [11.2e6, 4e9, 'fault'],
          [50e6, 1, 'fault'],
        ],
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
