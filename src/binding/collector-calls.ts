/**
 * Calls of the collector: the control thread and the GC workers only. native/gc/collector.h has the laws of the steps.
 */
import type { HeapPhase } from './cycle-steps.ts';
import type { HeapHandle } from './handles.ts';
import type { Refusal } from './refusal.ts';

/** Figures of one cycle, times in nanoseconds. */
export interface NativeCycleReport {
  number: number;
  markedObjects: number;
  liveBytes: number;
  /** Of the last marking: roots copied (the latest such pause), and the pause at its end. */
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
  flipPauseNs: number;
  flipSafepointNs: number;
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

/**
 * What `pulse` writes where: regions charged, pages that mutators may take without charging another one, pages they have taken
 * since the heap was made.
 */
export const PULSE = { chargedRegions: 0, openPages: 1, handedOutPages: 2, count: 3 } as const;

/** MarkPauseOutcome of native/gc/collector.h. */
export const MARK_PAUSE = { notStopped: 0, anotherRound: 1, marked: 2 } as const;

export interface CollectorCalls {
  becomeControl(heap: HeapHandle, onRequest: () => void): boolean;
  resignControl(heap: HeapHandle): void;
  takeRequest(heap: HeapHandle): { kind: number; reason: number; byTrigger: boolean } | null;
  /** Whether a request waits to be taken. */
  isRequested(heap: HeapHandle): boolean;
  /** Wakes the mutators that wait for memory or for a flip. */
  tellMutators(heap: HeapHandle): void;
  endCollection(heap: HeapHandle, reason: number, kind: number): void;
  recover(heap: HeapHandle, sliceMs: number): boolean;
  prepareMarking(heap: HeapHandle, sliceMs: number): boolean;
  rootsPause(heap: HeapHandle, sliceMs: number): boolean;
  trace(heap: HeapHandle, sliceMs: number): boolean;
  /** Pages that the last round looked at because they had been written. */
  writtenPages(heap: HeapHandle): number;
  /** `mostWrittenPages`: a u32. The answer is one of {@link MARK_PAUSE}. */
  markPause(heap: HeapHandle, sliceMs: number, mostWrittenPages: number): number;
  /** Whether the last marking left something for processWeak. */
  weakPending(heap: HeapHandle): boolean;
  processWeak(heap: HeapHandle, sliceMs: number): boolean;
  releaseMarking(heap: HeapHandle, sliceMs: number): boolean;
  sweep(heap: HeapHandle): number;
  readRegions(heap: HeapHandle, states: Uint8Array, usedPages: Uint16Array, liveWords: Uint32Array, markedPages: Uint16Array): number;
  /** At so many charged regions a mutator asks for a collection, or wakes the control thread; each once. */
  setTrigger(heap: HeapHandle, triggerRegions: number, alarmRegions: number): void;
  /** What sizing policy means to use of the capacity; nobody waits at it. */
  setLimit(heap: HeapHandle, regions: number): void;
  /** Fills in the figures that {@link PULSE} names; under a microsecond. */
  pulse(heap: HeapHandle, figures: Float64Array): void;
  /** The targets; empty when nothing will move. */
  makePlan(heap: HeapHandle, sources: Uint32Array, targets: number): Uint32Array;
  flipPause(heap: HeapHandle, sliceMs: number): boolean;
  compact(heap: HeapHandle, sliceMs: number): boolean;
  finish(heap: HeapHandle, sliceMs: number): boolean;
  reclaim(heap: HeapHandle, keepBytes: number, tails: boolean, sliceMs: number): boolean;
  /** Objects found, or -1 when the world has not stopped yet. */
  verifyPause(heap: HeapHandle, sliceMs: number): number;
  serve(heap: HeapHandle, worker: number, sliceMs: number): void;
  report(heap: HeapHandle): NativeCycleReport;
  phase(heap: HeapHandle): HeapPhase;
}
