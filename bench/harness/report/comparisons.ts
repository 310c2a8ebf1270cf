/**
 * Comparisons of arms in pairs: of one round, one seed, one after the other. A row is compared with the same row in the first arm; all rows
 * together by the geometric mean of their ratios in each round.
 */
import type { Digest } from '../digest.ts';
import { labelOf } from '../point.ts';
import type { InvocationRecord } from '../records.ts';
import { type Difference, pairedDifference } from '../statistics/bootstrap.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import { groups } from './groups.ts';

/** What is compared, each value for less is better. Pauses by their kind: more short ones of one kind must not hide another's. */
function figuresOf({ wall, cpu, pausesByKind, latencies, memory }: Digest): Record<string, number | undefined> {
  const pauses = Object.entries(pausesByKind).map(([kind, { percentilesNs }]) => [`${kind} pause p99`, percentilesNs[AT_99]]);
  return {
    ...{ wall: wall.total, CPU: cpu.total, ...Object.fromEntries(pauses) },
    ...{ 'latency p99': latencies?.simple.percentilesNs[AT_99], 'peak memory': memory.peakBytes },
  };
}

export interface Comparison {
  /** The row, or `all rows`. */
  readonly row: string;
  readonly arm: string;
  readonly base: string;
  readonly pairs: number;
  readonly differences: Readonly<Record<string, Difference>>;
  /** The arms differ in nothing: what is found is the harness's. */
  readonly isSame: boolean;
}

const AT_99 = PERCENTILES.indexOf(99);

type Pair = readonly [base: Digest, other: Digest];

export function comparisonsOf(records: readonly InvocationRecord[]): Comparison[] {
  const armed = records.filter(({ point }) => point.pair !== undefined);
  const arms = [...new Set(armed.map(({ point }) => point.arm!))].sort((a, b) => orderOf(armed, a) - orderOf(armed, b));
  const [base, ...others] = arms;
  if (base === undefined) return [];
  return others.flatMap((arm) => {
    const rows = [...groups(armed, ({ point }) => point.pair!)].map(([, all]) => rowOf(all, base, arm));
    const told = rows.filter(({ pairs }) => pairs.size > 0);
    const single = told.map(
      ({ label, pairs, isSame }): Comparison => ({
        ...{ row: label, arm, base, pairs: pairs.size, isSame },
        differences: differences(namesOf(pairs.values()), (name) => ratiosOf([...pairs.values()], name)),
      }),
    );
    if (told.length < 2) return single;
    const rounds = [...new Set(told.flatMap(({ pairs }) => [...pairs.keys()]))].filter((round) =>
      told.every(({ pairs }) => pairs.has(round)),
    );
    const names = namesOf(told.flatMap(({ pairs }) => [...pairs.values()]));
    const together = (name: string): number[] =>
      rounds.flatMap((round) => {
        const ratios = told.flatMap(({ pairs }) => ratiosOf([pairs.get(round)!], name));
        return ratios.length === 0 ? [] : [Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)];
      });
    const isSame = told.every((row) => row.isSame);
    return [...single, { row: 'all rows', arm, base, pairs: rounds.length, isSame, differences: differences(names, together) }];
  });
}

/** The first arm is the one that the experiment names first: its points come first in the records' points of each pair. */
function orderOf(records: readonly InvocationRecord[], arm: string): number {
  return records.find(({ point }) => point.arm === arm)!.point.armIndex ?? 0;
}

interface PairedRow {
  readonly label: string;
  readonly pairs: Map<number, Pair>;
  readonly isSame: boolean;
}

function rowOf(records: readonly InvocationRecord[], base: string, arm: string): PairedRow {
  const pairs = new Map<number, Pair>();
  for (const [round, together] of groups(records, (record) => String(record.round))) {
    const of = (name: string): InvocationRecord['result'] | undefined => together.find(({ point }) => point.arm === name)?.result;
    const [a, b] = [of(base), of(arm)];
    if (a?.ok && b?.ok) pairs.set(Number(round), [a, b]);
  }
  const [first, other] = [base, arm].map((name) => records.find(({ point }) => point.arm === name));
  const { arm: _, ...point } = first?.point ?? records[0]!.point;
  const { build: __, ...configuration } = point.configuration;
  const isSame = JSON.stringify(first?.point.configuration) === JSON.stringify(other?.point.configuration);
  return { label: labelOf({ ...point, configuration }), pairs, isSame };
}

function namesOf(pairs: Iterable<Pair>): string[] {
  return [...new Set([...pairs].flatMap(([base]) => Object.keys(figuresOf(base))))];
}

/** Only where both have the figure. */
function ratiosOf(pairs: readonly Pair[], name: string): number[] {
  return pairs.flatMap(([base, other]) => {
    const [a, b] = [figuresOf(base)[name], figuresOf(other)[name]];
    return a && b ? [b / a] : [];
  });
}

function differences(names: readonly string[], ratiosOfFigure: (name: string) => number[]): Comparison['differences'] {
  return Object.fromEntries(
    names.flatMap((name) => {
      const ratios = ratiosOfFigure(name);
      return ratios.length === 0 ? [] : [[name, pairedDifference(ratios.map((ratio) => [1, ratio] as const))] as const];
    }),
  );
}
