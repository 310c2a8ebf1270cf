/**
 * Policy options: those of a heap's options that decide when it collects, what it evacuates, how much memory it uses and how many threads.
 * They travel with the token, because any thread of the heap may have to start its collector anew.
 */
import type { SizingOptions } from './sizing.ts';

/** When a heap collects and how much of its capacity it uses; see the options of the same names. */
export interface PolicyOptions extends SizingOptions {
  /** Unused memory goes back to the system after so long without allocation; 0 for never. */
  readonly returnAfterMs: number;
  /** Copied in one cycle at most, full collections aside. */
  readonly evacuationBudgetBytes: number;
  /** Each cycle evacuates whatever memory allows, and freed memory stays as it is: for heaps with `stressEvery` or `checked`. */
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
