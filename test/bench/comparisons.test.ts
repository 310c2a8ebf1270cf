/** Arms in pairs: what is told of synthetic invocations whose differences are known, by the code that the report uses. */
import { describe, expect, it } from 'vitest';
import type { InvocationRecord } from '../../bench/harness/records.ts';
import { randomFrom } from '../../bench/harness/random.ts';
import { type Comparison, comparisonsOf } from '../../bench/harness/report/comparisons.ts';

interface Figures {
  readonly wall: number;
  readonly cpu: number;
  readonly flip?: number;
  readonly remark?: number;
  readonly peak: number;
}

const POINT = {
  suites: ['own'],
  heap: { factor: 2 },
  configuration: { workload: 'gcbench', parameters: {}, system: 'faultline', driver: 'native', mutators: 1 },
};

function record(
  arm: string,
  round: number,
  { wall, cpu, peak, ...pauses }: Figures,
  more: { pair?: string; build?: string } = {},
): InvocationRecord {
  const { pair = 'p', build } = more;
  const pausesByKind = Object.entries(pauses).map(([kind, value]) => [kind, { percentilesNs: [0, 0, value, 0, 0, 0] }]);
  const configuration = { ...POINT.configuration, ...(build === undefined ? {} : { build }) };
  return {
    point: { ...POINT, configuration, arm, armIndex: arm === 'a' ? 0 : 1, pair },
    ...{ round, configuration },
    result: {
      ...{ ok: true, wall: { total: wall }, cpu: { total: cpu } },
      ...{ pausesByKind: Object.fromEntries(pausesByKind), memory: { peakBytes: peak } },
    },
  } as unknown as InvocationRecord;
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Rounds differ by 20 %, the arms of a round by 3 %; arm b's times are `factor` times as long. */
function experiment(random: () => number, rounds: number, factor = 1): InvocationRecord[] {
  return Array.from({ length: rounds }, (_, round) => {
    const moment = Math.exp(0.2 * gaussian(random));
    const figures = (times: number): Figures => {
      const noisy = (): number => times * moment * Math.exp(0.03 * gaussian(random));
      return { wall: noisy(), cpu: noisy(), flip: noisy(), remark: noisy(), peak: noisy() };
    };
    return [record('a', round, figures(1)), record('b', round, figures(factor))];
  }).flat();
}

/** By trying every way the signs can fall: how likely is it that so few lie on one side by chance, on either? */
function isChance(ratios: readonly number[]): boolean {
  const side = Math.min(ratios.filter((ratio) => ratio > 1).length, ratios.filter((ratio) => ratio < 1).length);
  let asFew = 0;
  for (let signs = 0; signs < 2 ** ratios.length; signs++) {
    let ones = 0;
    for (let bit = 0; bit < ratios.length; bit++) ones += (signs >> bit) & 1;
    if (Math.min(ones, ratios.length - ones) <= side) asFew++;
  }
  return asFew / 2 ** ratios.length > 0.05;
}

describe('arms in pairs', () => {
  it('with themselves differ in one figure of twenty at most, and by nothing on average (A/A of 100 rounds)', () => {
    const random = randomFrom(20261130);
    const told = Array.from({ length: 160 }, () => comparisonsOf(experiment(random, 100))).flatMap(([one]) =>
      Object.values(one!.differences),
    );
    expect(told).toHaveLength(160 * 5);
    expect(told.filter(({ verdict }) => verdict !== 'none').length / told.length).toBeLessThan(0.05);
    expect(Math.abs(told.reduce((sum, { relative }) => sum + relative, 0) / told.length)).toBeLessThan(0.001);
  });

  it('that differ by 10 % are told to, in every figure', () => {
    const random = randomFrom(10);
    const told = Array.from({ length: 100 }, () => comparisonsOf(experiment(random, 20, 1.1))).flatMap(([one]) =>
      Object.values(one!.differences),
    );
    expect(told.filter(({ verdict }) => verdict === 'more').length / told.length).toBeGreaterThan(0.98);
    expect(told.reduce((sum, { relative }) => sum + relative, 0) / told.length).toBeCloseTo(0.1, 2);
  });

  it('have the verdicts of a sign test', () => {
    const random = randomFrom(3);
    for (let trial = 0; trial < 200; trial++) {
      const count = 6 + (trial % 8);
      const ratios = Array.from({ length: count }, () => Math.exp(0.05 * gaussian(random) + 0.04));
      const records = ratios.flatMap((ratio, round) => [
        record('a', round, { wall: 1, cpu: 1, peak: 1 }),
        record('b', round, { wall: ratio, cpu: ratio, peak: 1 }),
      ]);
      const { wall } = comparisonsOf(records)[0]!.differences;
      expect(wall!.verdict === 'none', ratios.join(' ')).toBe(isChance(ratios));
    }
  });

  it('are compared kind of pause by kind of pause', () => {
    const records = Array.from({ length: 6 }, (_, round) => [
      record('a', round, { wall: 1, cpu: 1, peak: 1, flip: 100, remark: 50 }),
      // The longest one of any kind is as long as before.
      record('b', round, { wall: 1, cpu: 1, peak: 1, flip: 50, remark: 100 }),
    ]).flat();
    const [{ differences }] = comparisonsOf(records) as [Comparison];
    expect(differences['flip pause p99']).toMatchObject({ relative: -0.5, verdict: 'less' });
    expect(differences['remark pause p99']).toMatchObject({ relative: 1, verdict: 'more' });
  });

  it('are compared round by round, and a round that lacks one is left out', () => {
    const one = { wall: 1, cpu: 1, peak: 1 };
    const rounds = [1, 2, 3, 4, 5, 6].flatMap((round) => [
      record('b', round, { ...one, wall: 2 * round }),
      record('a', round, { ...one, wall: round }),
    ]);
    const [comparison] = comparisonsOf([...rounds, record('a', 7, { ...one, wall: 1000 })]);
    expect(comparison).toMatchObject({
      arm: 'b',
      base: 'a',
      pairs: 6,
      isSame: true,
      differences: { wall: { relative: 1, low: 1, high: 1, verdict: 'more' } },
    });
  });

  it('of several rows are told one by one, and together by the geometric mean of each round', () => {
    const one = { wall: 1, cpu: 1, peak: 1 };
    const row = (pair: string, factor: number): InvocationRecord[] =>
      [1, 2, 3, 4, 5, 6].flatMap((round) => [
        record('a', round, one, { pair }),
        record('b', round, { ...one, wall: factor }, { pair, build: 'v1' }),
      ]);
    const told = comparisonsOf([...row('p', 2), ...row('q', 8)]);
    expect(told.map(({ row: name, differences }) => [name === 'all rows', differences['wall']!.relative])).toEqual([
      [false, 1],
      [false, 7],
      [true, 3],
    ]);
    expect(told.every(({ isSame }) => !isSame)).toBe(true);
  });
});
