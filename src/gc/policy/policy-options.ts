/**
 * Policy options: the options of a heap that decide when it collects, what it evacuates, how much memory it uses and how many threads. The
 * token carries them, because any thread of the heap may have to restart its collector.
 */
import type { SizingOptions } from './sizing.ts';

/** When a heap collects and how much of its capacity it uses; see the options of the same names. */
export interface PolicyOptions extends SizingOptions {
  /** Unused memory goes back to the system after this time without allocation; 0 for never. */
  readonly returnAfterMs: number;
  /** The most that one cycle copies, except in full collections. */
  readonly evacuationBudgetBytes: number;
  /** Each cycle evacuates as much as memory allows, and freed memory is kept: for heaps with `stressEvery` or `checked`. */
  readonly movesEverything: boolean;
  /** The option of that name. */
  readonly stressFaults: boolean;
}

/** The GC workers of a heap: how many, and their niceness (0 to 19). */
export interface WorkerOptions {
  readonly count: number;
  /** See `workerNiceness` of the heap's options. */
  readonly niceness: number;
}
