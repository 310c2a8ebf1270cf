/**
 * Allocation rate: how fast mutators take memory, from samples of what they have taken so far.
 *
 * Samples come at uneven intervals (the control thread has other things to do), so each is weighted by the time it covers. Time in which
 * mutators were stopped does not count: they will not be stopped in the time that is predicted.
 *
 * The prediction is for what threads allocate during a whole cycle, not between two samples. Single samples vary widely, with the buffers
 * that threads happen to take; so the deviation is that of the mean, over a longer time.
 */
import { DecayingAverage } from './decaying-average.ts';

/** After this time, a steady new rate makes up 63 % of the mean. Short, because what counts is the rate during the next cycle. */
const MEMORY_MS = 150;
/** The same for the deviation of the mean. */
const DEVIATION_MEMORY_MS = 1000;
/** Samples closer together than this are merged: memory is taken in buffers, and a single buffer gives no rate. */
const SHORTEST_SAMPLE_MS = 5;

export class AllocationRate {
  readonly #average = new DecayingAverage();
  readonly #averages = new DecayingAverage();
  #bytes: number;
  #timeMs: number;
  #stoppedMs = 0;

  constructor(allocatedBytes: number, timeMs: number) {
    this.#bytes = allocatedBytes;
    this.#timeMs = timeMs;
  }

  /** All mutators were stopped for this time since the last sample. */
  noteStopped(ms: number): void {
    this.#stoppedMs += ms;
  }

  /** `allocatedBytes` counts from the heap's creation. */
  sample(allocatedBytes: number, timeMs: number): void {
    const elapsedMs = timeMs - this.#timeMs - this.#stoppedMs;
    if (elapsedMs < SHORTEST_SAMPLE_MS) return;
    const bytesPerS = ((allocatedBytes - this.#bytes) / elapsedMs) * 1000;
    this.#average.add(bytesPerS, 1 - Math.exp(-elapsedMs / MEMORY_MS));
    this.#averages.add(this.#average.mean, 1 - Math.exp(-elapsedMs / DEVIATION_MEMORY_MS));
    this.#bytes = allocatedBytes;
    this.#timeMs = timeMs;
    this.#stoppedMs = 0;
  }

  get meanBytesPerS(): number {
    return this.#average.mean;
  }

  get deviationBytesPerS(): number {
    return this.#averages.deviation;
  }
}
