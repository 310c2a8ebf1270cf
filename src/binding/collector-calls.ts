/**
 * Calls of the collector: the control thread and the GC workers only. native/gc/collector.h has the laws of the steps.
 */
import type { HeapPhase } from './cycle-steps.ts';
import type { NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** Figures of one cycle, times in nanoseconds. */
export interface NativeCycleReport {
  number: number;
  markedObjects: number;
  liveBytes: number;
  /** The last marking: the latest pause in which roots were copied, and the pause at its end. */
  markStartPauseNs: number;
  markStartSafepointNs: number;
  markPauseNs: number;
  markSafepointNs: number;
  markingNs: number;
  markingRounds: number;
  writtenPages: number;
  remarkPages: number;
  /** Finalizers that became ready. */
  finalizable: number;
  /** How often something was moved. */
  waves: number;
  /** The last flip. */
  flipPauseNs: number;
  flipSafepointNs: number;
  /** Those of all waves. */
  allFlipPausesNs: number;
  longestFlipPauseNs: number;
  roots: number;
  sweptRegions: number;
  sourceRegions: number;
  targetRegions: number;
  copiedBytes: number;
  pagesByWorkers: number;
  pagesByMutators: number;
  compactionNs: number;
  flipRefused?: Refusal;
}

/** What will move, and where to. */
export interface NativePlan {
  /** The sources of the plan: those that were chosen, or fewer if their targets cannot hold all of them. */
  sources: Uint32Array;
  targets: Uint32Array;
}

/**
 * Where `pulse` writes what: charged regions, pages that mutators may take without charging another region, pages they have taken since the
 * heap was made.
 */
export const PULSE = { chargedRegions: 0, openPages: 1, handedOutPages: 2, count: 3 } as const;

/** MarkPauseOutcome of native/gc/collector.h. */
export const MARK_PAUSE = { notStopped: 0, anotherRound: 1, marked: 2 } as const;

export interface CollectorCalls {
  becomeControl(heap: NativeHeap, onRequest: () => void): boolean;
  resignControl(heap: NativeHeap): void;
  takeRequest(heap: NativeHeap): { kind: number; reason: number; byTrigger: boolean } | null;
  /** Whether a request waits to be taken. */
  isRequested(heap: NativeHeap): boolean;
  /** Wakes the mutators that wait for memory or for a flip. */
  tellMutators(heap: NativeHeap): void;
  endCollection(heap: NativeHeap, reason: number, kind: number): void;
  recover(heap: NativeHeap, sliceMs: number): boolean;
  prepareMarking(heap: NativeHeap, sliceMs: number): boolean;
  rootsPause(heap: NativeHeap, sliceMs: number): boolean;
  trace(heap: NativeHeap, sliceMs: number): boolean;
  /** Pages that the last round rescanned because they had been written. */
  writtenPages(heap: NativeHeap): number;
  /** `mostWrittenPages`: a u32. Returns one of {@link MARK_PAUSE}. */
  markPause(heap: NativeHeap, sliceMs: number, mostWrittenPages: number): number;
  /** Whether the last marking left something for processWeak. */
  weakPending(heap: NativeHeap): boolean;
  processWeak(heap: NativeHeap, sliceMs: number): boolean;
  releaseMarking(heap: NativeHeap, sliceMs: number): boolean;
  sweep(heap: NativeHeap): number;
  readRegions(
    heap: NativeHeap,
    states: Uint8Array,
    kinds: Uint8Array,
    usedPages: Uint16Array,
    filePages: Uint16Array,
    liveWords: Uint32Array,
    markedPages: Uint16Array,
  ): number;
  /** The numbers of charged regions at which a mutator requests a collection, or wakes the control thread; each once. */
  setTrigger(heap: NativeHeap, triggerRegions: number, alarmRegions: number): void;
  /** How much of the capacity sizing policy means to use; no thread waits at it. */
  setLimit(heap: NativeHeap, regions: number): void;
  /** Fills in the figures that {@link PULSE} names; under a microsecond. */
  pulse(heap: NativeHeap, figures: Float64Array): void;
  /**
   * `targets` is a number. Those of `later` that are not among the sources of the plan are for another wave, and not filled further until
   * the next call; where there are none, this is the last wave.
   */
  makePlan(heap: NativeHeap, sources: Uint32Array, targets: number, later: Uint32Array): NativePlan;
  flipPause(heap: NativeHeap, sliceMs: number): boolean;
  compact(heap: NativeHeap, sliceMs: number): boolean;
  finish(heap: NativeHeap, sliceMs: number): boolean;
  /** Instead of `finish`, when another wave is to be planned. */
  finishWave(heap: NativeHeap, sliceMs: number): boolean;
  reclaim(heap: NativeHeap, keepBytes: number, tails: boolean, sliceMs: number): boolean;
  /** Objects found, or -1 when the world has not stopped yet. */
  verifyPause(heap: NativeHeap, sliceMs: number): number;
  serve(heap: NativeHeap, worker: number, sliceMs: number): void;
  report(heap: NativeHeap): NativeCycleReport;
  phase(heap: NativeHeap): HeapPhase;
}
