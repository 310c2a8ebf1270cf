/**
 * Cycle steps: the names of what a cycle does, and of what the heap is in meanwhile. The table is kSteps in native/gc/cycle.h; a test
 * holds these lists to it.
 */

/** The steps of a cycle, in order. */
export const CYCLE_STEPS = ['prepare', 'mark', 'preclean', 'remark', 'weak', 'plan', 'release', 'flip', 'compact', 'finish', 'reclaim'] as const;

/** A step of a cycle, as the `phase` events name it. */
export type PhaseName = (typeof CYCLE_STEPS)[number];

/** What a heap can be in, in order. */
export const HEAP_PHASES = ['idle', 'marking', 'marked', 'planned', 'compacting', 'finishing'] as const;

/** What a heap is in: see {@link Heap.phase}. */
export type HeapPhase = (typeof HEAP_PHASES)[number];
