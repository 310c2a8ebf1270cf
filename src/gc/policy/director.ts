/**
 * Director: decides when the heap collects on its own. Pure functions of figures; src/gc/pacing.ts gets the figures.
 *
 * The model is the director of ZGC (Lidén and Karlsson; zDirector.cpp of OpenJDK 17): a few rules, each with a threshold, and the first
 * that is due starts a cycle. A cycle has to end before mutators run out of memory, so the central rule is
 *
 *     free ≤ rate · (cycle time + sampling interval) + deviation of this product + margin
 *
 * Departures from ZGC: rate and time are not bounded separately, because both at their worst is much rarer than either; memory is compared
 * with what was free after the last collection, not with the capacity, so that a heap nearly full of live objects does not collect all the
 * time; and the rule for quiet times waits until no thread allocates at all.
 *
 * Most rules reduce to a bound on free memory, which can be turned into a number of charged regions: the native trigger that a mutator
 * reaches if no sample has noticed in time (triggerAt).
 */
import { REGION_BYTES } from '../../binding/layout.ts';
import type { CollectionReason } from '../requests.ts';

/** The inputs of the rules that start collections; docs/pacing.md explains them. */
export interface DirectorInputs {
  readonly capacityBytes: number;
  /** How much of the capacity sizing policy means to use. */
  readonly limitBytes: number;
  /** Bytes of all regions in use, counted whole. */
  readonly chargedBytes: number;
  /** Room in regions that are in use, which mutators fill first. */
  readonly openBytes: number;
  /** What was free when the last collection had ended, or the heap was made. */
  readonly freeAfterLastBytes: number;
  readonly chargedAfterLastBytes: number;
  /** What was allocated since then. */
  readonly allocatedBytes: number;
  readonly allocationRate: { readonly meanBytesPerS: number; readonly deviationBytesPerS: number };
  readonly cycleTime: { readonly cycles: number; readonly meanMs: number; readonly deviationMs: number };
  readonly samplingMs: number;
  /** Time since a thread last allocated. */
  readonly quietMs: number;
  /** How long it has to be quiet before memory goes back; 0 for never. */
  readonly returnAfterMs: number;
}

export const RULES = ['warm-up', 'allocation-rate', 'high-usage', 'quiet'] as const;
/** A rule that starts collections, in the order in which they count. */
export type Rule = (typeof RULES)[number];

/** The verdict of one rule. It has no threshold if the rule does not apply. */
export interface Verdict {
  readonly rule: Rule;
  readonly due: boolean;
  /** Due when at most this much is free. */
  readonly atFreeBytes?: number;
  /** Due when it has been quiet for this time. */
  readonly atQuietMs?: number;
}

export interface Decision {
  readonly rule: Rule;
  readonly reason: CollectionReason;
}

const REASONS: Readonly<Record<Rule, CollectionReason>> = {
  'warm-up': 'occupancy',
  'allocation-rate': 'allocation-rate',
  'high-usage': 'occupancy',
  quiet: 'quiet',
};

/** With fewer cycles than this there is no prediction. */
const WARM_CYCLES = 3;
/** Until then a cycle starts when this share of what was free is left. */
const WARM_UP_FREE_SHARE = 0.4;
/** A program may allocate at this many times its mean rate before the deviation shows it. */
const SPIKE_TOLERANCE = 1.5;
/** A normally distributed figure exceeds its mean by more than this many deviations once in a hundred times. */
const DEVIATIONS = 2.33;
/** Whatever the rate, a cycle starts when this share of what was free is left. */
const HIGH_USAGE_FREE_SHARE = 0.1;
/** Between two cycles, at least these shares are allocated: of what was free, and of the limit. */
const LEAST_PROGRESS_OF_FREE = 0.1;
const LEAST_PROGRESS_OF_LIMIT = 1 / 64;
/** What threads hold back unused in their buffers, as a share of the limit. */
const MARGIN_OF_LIMIT = 1 / 64;
/** A quiet heap in which less than this was allocated is left alone. */
const LEAST_QUIET_BYTES = REGION_BYTES;

export function freeBytes({ limitBytes, chargedBytes, openBytes }: DirectorInputs): number {
  return Math.max(0, limitBytes - chargedBytes) + openBytes;
}

/** The allocation rate, the cycle time, and the bytes that may be allocated until a cycle ends that starts now. */
export function neededBytes({ limitBytes, allocationRate, cycleTime, samplingMs }: DirectorInputs): number {
  const { meanBytesPerS, deviationBytesPerS } = allocationRate;
  const seconds = (cycleTime.meanMs + samplingMs) / 1000;
  const deviation = Math.hypot(deviationBytesPerS * seconds, (meanBytesPerS * cycleTime.deviationMs) / 1000);
  return SPIKE_TOLERANCE * meanBytesPerS * seconds + DEVIATIONS * deviation + MARGIN_OF_LIMIT * limitBytes;
}

function progressBytes({ freeAfterLastBytes, limitBytes }: DirectorInputs): number {
  return Math.max(LEAST_PROGRESS_OF_FREE * freeAfterLastBytes, LEAST_PROGRESS_OF_LIMIT * limitBytes);
}

/** Every rule's verdict, in the order in which they count. */
export function consider(inputs: DirectorInputs): Verdict[] {
  const free = freeBytes(inputs);
  const progress = inputs.allocatedBytes >= progressBytes(inputs);
  const { cycles } = inputs.cycleTime;
  const byFree = (rule: Rule, applies: boolean, atFreeBytes: number): Verdict =>
    applies ? { rule, due: progress && free <= atFreeBytes, atFreeBytes } : { rule, due: false };
  const { quietMs, returnAfterMs } = inputs;
  return [
    byFree('warm-up', cycles < WARM_CYCLES, WARM_UP_FREE_SHARE * inputs.freeAfterLastBytes),
    byFree('allocation-rate', cycles > 0, neededBytes(inputs)),
    byFree('high-usage', true, HIGH_USAGE_FREE_SHARE * inputs.freeAfterLastBytes),
    returnAfterMs === 0
      ? { rule: 'quiet', due: false }
      : { rule: 'quiet', due: quietMs >= returnAfterMs && inputs.allocatedBytes >= LEAST_QUIET_BYTES, atQuietMs: returnAfterMs },
  ];
}

/** The cycle to start now, if there is one. */
export function decide(inputs: DirectorInputs): Decision | undefined {
  const due = consider(inputs).find((verdict) => verdict.due);
  return due === undefined ? undefined : { rule: due.rule, reason: REASONS[due.rule] };
}

/** The number of charged regions at which a mutator itself requests the collection, and the rule that is due first there. */
export function triggerAt(inputs: DirectorInputs): { regions: number; decision: Decision } {
  const first = consider(inputs).reduce((a, b) => ((b.atFreeBytes ?? -1) > (a.atFreeBytes ?? -1) ? b : a));
  const limit = Math.floor(inputs.limitBytes / REGION_BYTES);
  const progress = Math.max(1, Math.ceil(progressBytes(inputs) / REGION_BYTES));
  const earliest = Math.max(inputs.chargedAfterLastBytes / REGION_BYTES + progress, inputs.chargedBytes / REGION_BYTES + 1);
  const regions = Math.max(earliest, limit - Math.floor((first.atFreeBytes ?? 0) / REGION_BYTES));
  return {
    regions: Math.min(regions, Math.floor(inputs.capacityBytes / REGION_BYTES)),
    decision: { rule: first.rule, reason: REASONS[first.rule] },
  };
}
