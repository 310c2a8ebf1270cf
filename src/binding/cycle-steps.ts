/**
 * Cycle steps: the names of the steps of a cycle, and of the phases of the heap. The table is kSteps in native/gc/cycle.h; a test compares
 * these lists with it.
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

/** The phases of a heap, in order: see {@link Heap.phase}. */
export type HeapPhase = 'idle' | 'marking' | 'marked' | 'planned' | 'compacting' | 'finishing';

/** @internal All of them. */
// biome-ignore format: one list.
export const CYCLE_STEPS: readonly PhaseName[] = [
  'prepare', 'mark', 'preclean', 'remark', 'weak', 'plan', 'release', 'flip', 'compact', 'finish', 'reclaim',
];

/** @internal All of them. */
export const HEAP_PHASES: readonly HeapPhase[] = ['idle', 'marking', 'marked', 'planned', 'compacting', 'finishing'];
