/**
 * Events: what a heap reports about its collections. One stream; statistics, `heap.on(...)`, `node:diagnostics_channel` and
 * `performance.measure` all read it.
 *
 *     trigger? ─▶ collection-started ─▶ cycle-started ─▶ phase… ─▶ pause… ─▶ cycle ─▶ collection
 *
 * The control thread is the only writer. Threads get events through a BroadcastChannel when their event loop turns. Times are fractional
 * milliseconds since the epoch, so that they can be compared across threads.
 */
import type { Refusal } from '../binding.ts';
import type { PhaseName } from '../binding/cycle-steps.ts';
import type { DirectorInputs, Rule, Verdict } from './policy/director.ts';
import type { CollectionKind, CollectionReason } from './requests.ts';

/** `mark`: everything is marked in it; `mark-start`: roots are copied; `remark`: the end of a concurrent marking. */
export type PauseName = 'mark' | 'mark-start' | 'remark' | 'flip';

interface Event<Type extends string> {
  /** Which event it is. */
  readonly type: Type;
  /** When it happened, in milliseconds since the epoch. */
  readonly timeMs: number;
}

/** The heap starts a collection on its own. */
export interface Triggered extends Event<'trigger'> {
  readonly rule: Rule;
  readonly reason: CollectionReason;
  /** What noticed: the control thread at a sample, or a mutator that reached the trigger armed by it. */
  readonly noticedBy: 'sample' | 'allocation';
  /** The figures when the collection was begun. */
  readonly inputs: DirectorInputs;
  /** Every rule's verdict on them, in the order in which the rules count. */
  readonly verdicts: readonly Verdict[];
}

/** A collection has begun. */
export interface CollectionStarted extends Event<'collection-started'> {
  readonly kind: CollectionKind;
  readonly reason: CollectionReason;
}

/** A cycle has begun. */
export interface CycleStarted extends Event<'cycle-started'> {
  /** The cycle's number in the heap, from 1. */
  readonly cycle: number;
}

/** A phase of a cycle is over. */
export interface PhaseEnded extends Event<'phase'> {
  /** The cycle's number in the heap, from 1. */
  readonly cycle: number;
  readonly phase: PhaseName;
  readonly durationMs: number;
}

/** Mutators run again after a pause. */
export interface PauseEnded extends Event<'pause'> {
  /** The cycle's number in the heap, from 1. */
  readonly cycle: number;
  readonly pause: PauseName;
  /** From the stop of the last mutator to the resume. */
  readonly pauseUs: number;
  /** From the request until the last mutator had stopped. */
  readonly timeToSafepointUs: number;
}

/** A cycle is over. */
export interface CycleSummary extends Event<'cycle'> {
  /** The cycle's number in the heap, from 1. */
  readonly cycle: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly markedObjects: number;
  readonly liveBytes: number;
  /** The pause that ended marking: all of it with the marker `stopped`, the remark otherwise. */
  readonly markPauseUs: number;
  /** From the first object looked at to the end of that pause. */
  readonly markingMs: number;
  /** Precleaning rounds, and the written pages that they and the remark looked at again. */
  readonly markingRounds: number;
  readonly writtenPages: number;
  readonly remarkPages: number;
  /** How often something was moved: 0 or 1, more in a full collection that has no memory to move all at once. */
  readonly waves: number;
  /** The flip pauses of all waves together; each has its own `pause` event. */
  readonly flipPauseUs: number;
  /** The longest of them; the same if there is one. */
  readonly longestFlipPauseUs: number;
  /** Roots at the last flip. */
  readonly roots: number;
  /** Regions in which nothing was alive; they were freed at once. */
  readonly sweptRegions: number;
  readonly sourceRegions: number;
  readonly targetRegions: number;
  readonly copiedBytes: number;
  readonly pagesByWorkers: number;
  readonly pagesByMutators: number;
  readonly compactionMs: number;
  /** Faults served since the last cycle ended, and their total time. */
  readonly faults: { readonly count: number; readonly totalUs: number };
  readonly regions: { readonly free: number; readonly charged: number };
  readonly fileBytes: number;
  /** The kernel refused the flip; the cycle compacted inside its pause. */
  readonly flipRefused?: Refusal;
}

/** A collection is over. */
export interface CollectionSummary extends Event<'collection'> {
  /** Counts from 1. */
  readonly collection: number;
  readonly kind: CollectionKind;
  readonly reason: CollectionReason;
  /** 1; 0 where nothing is ever collected. */
  readonly cycles: number;
  readonly durationMs: number;
  readonly liveBytes: number;
  readonly usedBytes: number;
  readonly fileBytes: number;
  /** How much of the capacity sizing policy means to use from now on. */
  readonly limitBytes: number;
}

/** Objects with finalizers have died, and can be taken (`heap.finalizable()`). */
export interface FinalizersReady extends Event<'finalizable'> {
  /** The cycle's number in the heap, from 1. */
  readonly cycle: number;
  /** How many became ready in this cycle. */
  readonly count: number;
}

/** It has been quiet for a long time, and free pages went back to the system. */
export interface MemoryReturned extends Event<'memory-returned'> {
  readonly returnedBytes: number;
  readonly fileBytes: number;
}

/** The collector continues in a way that its user should know about. */
export interface Degraded extends Event<'degraded'> {
  readonly message: string;
}

/** Any event of the stream; `type` tells them apart. */
export type HeapEvent =
  | Triggered
  | CollectionStarted
  | CycleStarted
  | PhaseEnded
  | PauseEnded
  | CycleSummary
  | CollectionSummary
  | FinalizersReady
  | MemoryReturned
  | Degraded;

/** The channels of `node:diagnostics_channel`; nothing is published without a subscriber. */
export const DIAGNOSTICS = {
  cycle: 'faultline:cycle',
  phase: 'faultline:phase',
  pause: 'faultline:pause',
  collection: 'faultline:collection',
  trigger: 'faultline:trigger',
} as const;
