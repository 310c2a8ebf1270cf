/**
 * Sizing: how much of its capacity a heap means to use. After every collection the policy gives the limit at which pacing aims: more room
 * means fewer cycles and more memory.
 *
 *     fixed      the capacity
 *     growable   from `minBytes` up: between 40 % and 70 % of the limit is free after a collection
 *     adaptive   the collection time that one more MiB would save is weighed against its price (MemBalancer)
 *
 * No thread waits at the limit: see native/heap/regions.h.
 */
import { REGION_BYTES } from '../../binding/layout.ts';

export const SIZINGS = ['fixed', 'growable', 'adaptive'] as const;
/** How much of its capacity a heap means to use. */
export type Sizing = (typeof SIZINGS)[number];

export interface SizingOptions {
  readonly sizing: Sizing;
  readonly minBytes: number;
  readonly memoryPricePerMib: number;
}

/** A collection and the time before it. */
export interface SizingFigures {
  /** After the collection: regions in use, and what is alive in them. */
  readonly chargedBytes: number;
  readonly liveBytes: number;
  /** Allocated since the end of the previous collection, and the time since then. */
  readonly allocatedBytes: number;
  readonly elapsedMs: number;
  /** The time that its cycles took, and their number. */
  readonly cyclesMs: number;
  readonly cycles: number;
}

export interface SizingPolicy {
  /** The limit until the first collection. */
  readonly initialBytes: number;
  limitAfter(figures: SizingFigures): number;
}

class FixedSizing implements SizingPolicy {
  readonly initialBytes: number;

  constructor(capacityBytes: number) {
    this.initialBytes = capacityBytes;
  }

  limitAfter(): number {
    return this.initialBytes;
  }
}

const LEAST_FREE_SHARE = 0.4;
const MOST_FREE_SHARE = 0.7;

class GrowableSizing implements SizingPolicy {
  readonly initialBytes: number;
  readonly #capacityBytes: number;
  #limitBytes: number;

  constructor(minBytes: number, capacityBytes: number) {
    this.initialBytes = minBytes;
    this.#capacityBytes = capacityBytes;
    this.#limitBytes = minBytes;
  }

  limitAfter({ chargedBytes }: SizingFigures): number {
    const least = chargedBytes / (1 - LEAST_FREE_SHARE);
    const most = chargedBytes / (1 - MOST_FREE_SHARE);
    this.#limitBytes = within(this.initialBytes, clamp(this.#limitBytes, least, most), this.#capacityBytes);
    return this.#limitBytes;
  }
}

/** Weight of the latest collection in speed and rate; 0.5 in the paper. */
const LATEST_SHARE = 0.5;
/** The least room on top of what is in use, as a share of it: a program that becomes active should not have to collect at once. */
const LEAST_EXTRA_SHARE = 1 / 16;

/**
 * The square-root rule (Kirisame, Shenoy, Panchekha, "Optimal heap limits for reducing browser memory use", OOPSLA 2022). With
 * live bytes L, allocation rate g and collection speed s, a heap with E bytes to allocate in spends the share g/E · L/s of its
 * time collecting. One more byte saves g·L/(E²·s) of it; that is worth its price c as long as
 *
 *     E ≤ √(L · g / (s · c))
 *
 * Departures: after a collection the heap occupies whole regions, not live bytes, so E comes on top of those; and the rule is applied only
 * after collections, never in between.
 */
class AdaptiveSizing implements SizingPolicy {
  readonly initialBytes: number;
  readonly #capacityBytes: number;
  readonly #pricePerByte: number;
  #allocated = { bytes: 0, ms: 0 };
  #collected = { bytes: 0, ms: 0 };

  constructor(minBytes: number, capacityBytes: number, memoryPricePerMib: number) {
    this.initialBytes = minBytes;
    this.#capacityBytes = capacityBytes;
    this.#pricePerByte = memoryPricePerMib / 2 ** 20;
  }

  limitAfter(figures: SizingFigures): number {
    const { chargedBytes, liveBytes, cycles } = figures;
    this.#allocated = blend(this.#allocated, figures.allocatedBytes, figures.elapsedMs);
    this.#collected = blend(this.#collected, liveBytes * cycles, figures.cyclesMs);
    const rate = this.#allocated.bytes / Math.max(this.#allocated.ms, Number.MIN_VALUE);
    const msPerByte = this.#collected.ms / Math.max(this.#collected.bytes, 1);
    const extra = Math.sqrt((liveBytes * rate * msPerByte) / this.#pricePerByte);
    return within(this.initialBytes, chargedBytes + Math.max(extra, LEAST_EXTRA_SHARE * chargedBytes), this.#capacityBytes);
  }
}

export function sizingPolicy({ sizing, minBytes, memoryPricePerMib }: SizingOptions, capacityBytes: number): SizingPolicy {
  if (sizing === 'fixed') return new FixedSizing(capacityBytes);
  if (sizing === 'growable') return new GrowableSizing(minBytes, capacityBytes);
  return new AdaptiveSizing(minBytes, capacityBytes, memoryPricePerMib);
}

/** The least to keep for recycling. Copying or allocating into a fresh page costs five times as much. */
const LEAST_SPARE_BYTES = 16 * 2 ** 20;

/** For what pages of the heap file were needed, from the end of one collection to the end of the next. */
export interface PageNeeds {
  /** What mutators may take until the next collection begins. */
  untilTriggerBytes: number;
  /** What they took from the end of the previous collection to the end of this one. */
  takenBytes: number;
  /** The targets of this collection. */
  targetBytes: number;
}

/**
 * Bytes of free pages to keep in the heap file after a collection: what will be taken until the next one ends, if that is like this one.
 * Pages beyond that were needed once (by a larger live set, by the targets of a large evacuation) and go back to the system.
 */
export function spareBytes({ untilTriggerBytes, takenBytes, targetBytes }: PageNeeds): number {
  return Math.max(LEAST_SPARE_BYTES, untilTriggerBytes, takenBytes + targetBytes);
}

/** Whole regions, never below the minimum, never above the capacity. */
function within(minBytes: number, bytes: number, capacityBytes: number): number {
  return clamp(Math.ceil(bytes / REGION_BYTES) * REGION_BYTES, minBytes, capacityBytes);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function blend(before: { bytes: number; ms: number }, bytes: number, ms: number): { bytes: number; ms: number } {
  const keep = 1 - LATEST_SHARE;
  return { bytes: keep * before.bytes + LATEST_SHARE * bytes, ms: keep * before.ms + LATEST_SHARE * ms };
}
