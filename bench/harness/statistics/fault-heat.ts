/**
 * Fault heat around the flip: how many page faults mutators took, by time since the flip and by length. Right after a flip every page
 * a mutator touches may fault (the trap storm); how fast that cools down is what the design is judged by.
 */
import type { Interval, Pause } from '../contract.ts';

export const HEAT_FROM_MS = -2;
export const HEAT_UNTIL_MS = 30;
export const HEAT_BIN_MS = 0.5;
/** Rows: up to 1, 2, 4, … us. */
export const HEAT_ROWS = 14;

const COLUMNS = (HEAT_UNTIL_MS - HEAT_FROM_MS) / HEAT_BIN_MS;

export interface FaultHeat {
  readonly flips: number;
  /** Faults in `[row][column]`, all flips and mutators together; row i has lengths under 2^i us that no lower row has. */
  readonly counts: readonly (readonly number[])[];
}

export function faultHeat(pauses: readonly Pause[], interruptions: readonly (readonly Interval[])[]): FaultHeat {
  const ends = flipEnds(pauses);
  const counts = Array.from({ length: HEAT_ROWS }, () => new Array<number>(COLUMNS).fill(0));
  for (const intervals of interruptions) {
    for (const [startNs, lengthNs, kind] of intervals) {
      if (kind !== 'fault') continue;
      const column = columnOf(startNs, ends);
      if (column !== undefined) counts[rowOf(lengthNs)]![column]!++;
    }
  }
  return { flips: ends.length, counts };
}

/** The moments at which mutators go on after a flip, ascending. */
export function flipEnds(pauses: readonly Pause[]): number[] {
  return pauses
    .filter(([, , kind]) => kind === 'flip')
    .map(([start, length]) => start + length)
    .sort((a, b) => a - b);
}

export function addHeats(heats: readonly FaultHeat[]): FaultHeat {
  const sum = (row: number, column: number): number => heats.reduce((all, { counts }) => all + counts[row]![column]!, 0);
  return {
    flips: heats.reduce((all, { flips }) => all + flips, 0),
    counts: Array.from({ length: HEAT_ROWS }, (_, row) => Array.from({ length: COLUMNS }, (_unused, column) => sum(row, column))),
  };
}

/** By the last flip before the fault; a fault shortly before a flip, that follows none closely, counts before it. */
function columnOf(startNs: number, ends: readonly number[]): number | undefined {
  const next = firstAfter(ends, startNs);
  const sinceMs = next === 0 ? Number.POSITIVE_INFINITY : (startNs - ends[next - 1]!) / 1e6;
  const untilMs = next === ends.length ? Number.POSITIVE_INFINITY : (ends[next]! - startNs) / 1e6;
  const offsetMs = sinceMs < HEAT_UNTIL_MS ? sinceMs : -untilMs;
  if (offsetMs < HEAT_FROM_MS) return undefined;
  return Math.min(COLUMNS - 1, Math.floor((offsetMs - HEAT_FROM_MS) / HEAT_BIN_MS));
}

function rowOf(lengthNs: number): number {
  const us = lengthNs / 1000;
  return Math.min(HEAT_ROWS - 1, us < 1 ? 0 : Math.floor(Math.log2(us)) + 1);
}

/** The index of the first value over `value`. */
function firstAfter(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
