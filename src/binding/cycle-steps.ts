/**
 * Cycle steps: the names of what a cycle does, and of what the heap is in meanwhile. The table is kSteps in native/gc/cycle.h; a test
 * holds these lists to it.
 */

/** A step of a cycle, as the `phase` events name it; in order. */
export type PhaseName =
  | 'prepare'
  | 'mark'
  | 'preclean'
  | 'remark'
  | 'weak'
  | 'plan'
  | 'release'
  | 'flip'
  | 'compact'
  | 'finish'
  | 'reclaim';

/** What a heap can be in, in order: see {@link Heap.phase}. */
export type HeapPhase = 'idle' | 'marking' | 'marked' | 'planned' | 'compacting' | 'finishing';

/** @internal All of them. */
// biome-ignore format: one list.
export const CYCLE_STEPS: readonly PhaseName[] = [
  'prepare', 'mark', 'preclean', 'remark', 'weak', 'plan', 'release', 'flip', 'compact', 'finish', 'reclaim',
];

/** @internal All of them. */
export const HEAP_PHASES: readonly HeapPhase[] = ['idle', 'marking', 'marked', 'planned', 'compacting', 'finishing'];
