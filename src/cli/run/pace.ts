/**
 * Pace: what the main thread does while the mutators work: it requests a collection at regular intervals, on top of those that the heap
 * starts on its own, and limits the growth of the graph.
 *
 * Copies of a node accumulate while some slots still lead to older ones. When there are too many, threads reconcile slots instead of
 * copying, until most copies are gone: so the amount of live data stays about the same, however large the heap.
 */
import type { Heap } from '../../heap/heap.ts';
import type { MutatorThreads } from './mutator-threads.ts';

/** How much may accumulate in copies, as a share of the graph, and of the heap's headroom. */
const MOST_OF_GRAPH = 0.25;
const MOST_OF_HEADROOM = 0.4;
/** The share of that limit at which threads copy again. */
const PRESSURE_ENDS = 0.6;
/** Even a short run has this many collections, so that its result means something. */
const COLLECTIONS_A_RUN = 12;
const LONGEST_INTERVAL_MS = 1000;
const SHORTEST_INTERVAL_MS = 50;

export class Pace {
  readonly #heap: Heap;
  readonly #threads: MutatorThreads;
  readonly #graphBytes: number;
  readonly #timer: NodeJS.Timeout;
  readonly #onCycle = ({ liveBytes }: { liveBytes: number }): void => this.#judge(liveBytes);
  #peakLiveBytes = 0;
  #collecting: Promise<void> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /** `onFailure` is called when a collection fails; `end` is rejected with the reason then. */
  constructor(heap: Heap, threads: MutatorThreads, graphBytes: number, seconds: number, onFailure: () => void) {
    this.#heap = heap;
    this.#threads = threads;
    this.#graphBytes = graphBytes;
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, Math.min(LONGEST_INTERVAL_MS, (seconds * 1000) / COLLECTIONS_A_RUN));
    this.#timer = setInterval(() => this.#collect(onFailure), intervalMs);
    heap.on('cycle', this.#onCycle);
  }

  /** The most bytes that a marking has found alive. */
  get peakLiveBytes(): number {
    return this.#peakLiveBytes;
  }

  /** Requests no more collections; resolves when the last one requested is over. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#heap.off('cycle', this.#onCycle);
    await this.#collecting;
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #collect(onFailure: () => void): void {
    this.#collecting ??= this.#heap
      .collect({ kind: 'compact' })
      .then(
        () => {},
        (reason: unknown) => {
          this.#failure ??= { reason };
          onFailure();
        },
      )
      .finally(() => (this.#collecting = undefined));
  }

  #judge(liveBytes: number): void {
    const headroom = this.#heap.statistics().capacityBytes - this.#graphBytes;
    const most = Math.min(MOST_OF_GRAPH * this.#graphBytes, MOST_OF_HEADROOM * headroom);
    const copies = liveBytes - this.#graphBytes;
    if (copies > most) this.#threads.pressure = true;
    else if (copies < PRESSURE_ENDS * most) this.#threads.pressure = false;
    this.#peakLiveBytes = Math.max(this.#peakLiveBytes, liveBytes);
  }
}
