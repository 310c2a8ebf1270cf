/** The parts that workloads are made of, against what can be said about them by hand. */
import { describe, expect, it } from 'vitest';
import { allocationRate, referencesOf, SizeDistribution } from '../../bench/workloads/allocation-rate.ts';
import { mergedByStart } from '../../bench/invocation/measurement.ts';
import { nominalOf } from '../../bench/invocation/nominal.ts';
import { mixed, Random } from '../../bench/workloads/random.ts';
import { TreeSchedule, treeSize } from '../../bench/workloads/trees.ts';
import { settingsOf } from '../../bench/workloads/workload.ts';
import { seedOfTest } from '../support/seeds.ts';

describe('random numbers', () => {
  it('are those of xoshiro128**', () => {
    // By the authors' reference, in BigInt, from the state that the seed leads to.
    const words = [1, 2, 3, 4].map((i) => BigInt(mixed((7 + i * 0x9e3779b9) | 0)));
    const mask = 0xffffffffn;
    const rotated = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & mask;
    const random = new Random(7);
    for (let i = 0; i < 1000; i++) {
      const expected = (rotated((words[1]! * 5n) & mask, 7n) * 9n) & mask;
      const shifted = (words[1]! << 9n) & mask;
      words[2]! ^= words[0]!;
      words[3]! ^= words[1]!;
      words[1]! ^= words[2]!;
      words[0]! ^= words[3]!;
      words[2]! ^= shifted;
      words[3] = rotated(words[3]!, 11n);
      expect(random.next()).toBe(Number(expected));
    }
  });

  it('stay below their limit, and reach its ends', () => {
    const random = new Random(seedOfTest());
    const seen = new Set<number>();
    for (let i = 0; i < 10_000; i++) seen.add(random.below(17));
    expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, i) => i));
    let small = 0;
    for (let i = 0; i < 10_000; i++) if (random.skewed(1000) < 125) small++;
    // The cube of a fraction is below 1/8 in half of all cases.
    expect(Math.abs(small - 5000)).toBeLessThan(300);
  });
});

it.each(Object.entries(allocationRate.presets!))('objects have the sizes that the preset %s says', (_name, preset) => {
  const parameters = { ...allocationRate.defaults, ...preset };
  const sizes = new SizeDistribution(parameters);
  const random = new Random(seedOfTest());
  const drawn = Array.from({ length: 100_000 }, () => sizes.pick(random) * 8).toSorted((a, b) => a - b);
  const mean = drawn.reduce((sum, bytes) => sum + bytes, 0) / drawn.length;
  // Five standard deviations of how many are drawn below a percentile.
  for (const [share, bytes] of [
    [0.1, parameters['objectBytesP10']!],
    [0.5, parameters['objectBytesP50']!],
    [0.9, parameters['objectBytesP90']!],
  ] as const) {
    const slack = 5 * Math.sqrt(drawn.length * share * (1 - share));
    expect(drawn[Math.floor(drawn.length * share - slack)]).toBeLessThanOrEqual(bytes);
    expect(drawn[Math.ceil(drawn.length * share + slack)]).toBeGreaterThanOrEqual(bytes);
  }
  expect(Math.abs(mean / parameters['objectBytesMean']! - 1)).toBeLessThan(0.05);
});

it('an object has as many references as fit beside header and stamp, and one at least', () => {
  expect([3, 4, 5, 12].map((words) => referencesOf(words, 1))).toEqual([2, 4, 5, 8]);
  expect([3, 4, 100].map((words) => referencesOf(words, 0))).toEqual([1, 1, 1]);
});

it('a schedule of trees begins anew when it has been gone through', () => {
  const trees = new TreeSchedule();
  trees.add({ depth: 4, topDown: true, count: 2 });
  trees.add({ depth: 6, topDown: false, count: 1 });
  expect([0, 1, 2, 3, 5].map((index) => trees.at(index).depth)).toEqual([4, 4, 6, 4, 6]);
  expect([0, 1, 2].map(treeSize)).toEqual([1, 3, 7]);
});

it('nominal statistics come from what was allocated by all mutators', () => {
  const sizes = new Float64Array(16);
  sizes[2] = 5;
  sizes[3] = 4;
  sizes[10] = 1;
  const one = { sizes, allocatedWords: 32, referenceSlots: 8 };
  expect(nominalOf([one, one])).toEqual({
    objectBytesMean: 25.6,
    objectBytesP10: 16,
    objectBytesP50: 16,
    objectBytesP90: 24,
    pointerDensity: 0.25,
    allocatedBytes: 512,
  });
});

it('requests of several mutators are put in the order of their starts', () => {
  const lists = [
    [1, 5, 6, 7],
    [2, 3],
    [0, 9, 2, 4, 8, 9],
  ].map((list) => Float64Array.from(list));
  expect([...mergedByStart(lists)]).toEqual([0, 9, 1, 5, 2, 3, 2, 4, 6, 7, 8, 9]);
});

it('what a configuration leaves out is filled in, and what a workload does not have is refused', () => {
  const { parameters } = settingsOf(allocationRate, { preset: 'h2', liveBytes: 1e6 });
  expect(parameters).toMatchObject({ objectBytesMean: 41, liveBytes: 1e6, survivalPercent: 15, corruptAt: 0 });
  expect(() => settingsOf(allocationRate, { nonsense: 1 })).toThrow(/no parameter nonsense/);
  expect(() => settingsOf(allocationRate, { liveBytes: -1 })).toThrow(/liveBytes/);
});
