/**
 * From a runtime's account to the contract's figures: what lies in the measured part, with times from its begin.
 */
import type { Finished, Interval, Memory, Pause } from '../harness/contract.ts';
import type { Account } from './systems.ts';

const MOST_SAMPLES = 400;

export interface MeasuredPart {
  readonly beganNs: number;
  readonly wallNs: number;
}

type Stamped = readonly [timeNs: number, ...rest: unknown[]];

/** Those that begin in the measured part. */
export function within<T extends Stamped>(events: readonly T[], { beganNs, wallNs }: MeasuredPart): T[] {
  return events.filter(([timeNs]) => timeNs >= beganNs && timeNs < beganNs + wallNs);
}

export function total(events: readonly (readonly [timeNs: number, value: number])[], part: MeasuredPart): number {
  return within(events, part).reduce((sum, [, value]) => sum + value, 0);
}

/** Pauses in the order of their starts, which count from the begin of the measured part. */
export function pausesOf(pauses: readonly Pause[], part: MeasuredPart): Pause[] {
  return within(pauses, part)
    .map(([startNs, lengthNs, kind]) => [Math.round(startNs - part.beganNs), Math.round(lengthNs), kind] as const)
    .sort(([a], [b]) => a - b);
}

/** One list a mutator: every stop of the world, and what is known of that mutator alone. */
export function interruptionsOf({ pauses, stops = [], stalls, slowPaths }: Account, part: MeasuredPart, mutators: number): Interval[][] {
  const all = pausesOf([...pauses, ...stops], part).map(([startNs, lengthNs]) => [startNs, lengthNs, 'pause'] as const);
  return Array.from({ length: mutators }, (_, thread) => {
    const own = within(
      [stalls, slowPaths].flatMap((lists) => lists?.get(`mutator-${thread}`) ?? []),
      part,
    ).map(([startNs, lengthNs, kind]) => [Math.round(startNs - part.beganNs), Math.round(lengthNs), kind] as const);
    return [...all, ...own].sort(([a], [b]) => a - b);
  });
}

/**
 * Memory over time as a curve of steps: a value holds until the next one, the last one before the measured part at its begin. What
 * collections left are single points, and only those of the measured part: between them nobody knows.
 */
export function memoryOf(account: Account, part: MeasuredPart, liveBytes: number): Memory {
  const endNs = part.beganNs + part.wallNs;
  const sorted = account.heap.toSorted(([a], [b]) => a - b);
  const before = sorted.findLast(([timeNs]) => timeNs < part.beganNs);
  const inside = sorted.filter(([timeNs]) => timeNs >= part.beganNs && timeNs <= endNs);
  const after = sorted.find(([timeNs]) => timeNs > endNs);
  const first = before ?? inside[0] ?? after;
  const steps = first === undefined ? [] : [[part.beganNs, first[1]] as const, ...inside];
  let weighted = 0;
  let peakBytes = 0;
  for (const [i, [timeNs, bytes]] of steps.entries()) {
    weighted += bytes * ((steps[i + 1]?.[0] ?? endNs) - timeNs);
    peakBytes = Math.max(peakBytes, bytes);
  }
  const left = within(account.live ?? [], part).sort(([a], [b]) => a - b);
  const live = liveBytes > 0 ? liveBytes : left.at(-1)?.[1];
  return {
    peakBytes,
    meanBytes: Math.round(weighted / Math.max(1, part.wallNs)),
    series: someOf(steps, part),
    ...(left.length === 0 ? {} : { liveSeries: someOf(left, part), liveSource: 'collector' as const }),
    ...(live === undefined ? {} : { liveBytes: live }),
    source: account.heapSource,
  };
}

/** At most some {@link MOST_SAMPLES} of the samples, the last one among them, by time since the begin. */
function someOf(samples: readonly (readonly [timeNs: number, bytes: number])[], part: MeasuredPart): Memory['series'] {
  const stride = Math.max(1, Math.ceil(samples.length / MOST_SAMPLES));
  return samples
    .filter((_, i) => i % stride === 0 || i === samples.length - 1)
    .map(([timeNs, bytes]) => [Math.round(timeNs - part.beganNs), bytes] as const);
}

/** Times of requests of all mutators, in the order of their starts. */
export function sortRequests(pairs: Float64Array): Float64Array {
  const order = Array.from({ length: pairs.length / 2 }, (_, i) => i).sort((a, b) => pairs[2 * a]! - pairs[2 * b]!);
  return Float64Array.from(order.flatMap((i) => [pairs[2 * i]!, pairs[2 * i + 1]!]));
}

/** CPU time of the measured part. What threads of a kind used is absent where their names do not tell it. */
export function cpuOf(
  { totalNs, mutatorThreadsNs, collectorThreadsNs }: { totalNs: number; mutatorThreadsNs?: number; collectorThreadsNs?: number },
  account: Account,
  part: MeasuredPart,
): Finished['cpuNs'] {
  const extraNs = account.collectorCpu === undefined ? undefined : total(account.collectorCpu, { ...part, wallNs: part.wallNs + 1 });
  const collector = collectorThreadsNs === undefined && extraNs === undefined ? undefined : (collectorThreadsNs ?? 0) + (extraNs ?? 0);
  const others = collector === undefined ? undefined : totalNs - collector;
  const mutators = mutatorThreadsNs === undefined ? others : mutatorThreadsNs - (extraNs ?? 0);
  const stalls = [...(account.stalls?.values() ?? [])].flat();
  const waitNs = total([...(account.waits ?? []), ...stalls.map(([startNs, lengthNs]) => [startNs, lengthNs] as const)], part);
  return {
    total: Math.round(totalNs),
    ...(mutators === undefined ? {} : { mutators: Math.round(mutators) }),
    ...(collector === undefined ? {} : { collector: Math.round(collector) }),
    ...(account.stalls === undefined && account.waits === undefined ? {} : { stalls: Math.round(waitNs) }),
  };
}
