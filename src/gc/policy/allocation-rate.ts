/**
 * Allocation rate: how fast mutators take memory, from samples of what they have taken so far.
 *
 * Samples come at uneven intervals (the control thread has other things to do), so a sample weighs as much as the time it stands
 * for. Time in which mutators were stopped does not count: they will not be stopped in the time that is to be predicted.
 *
 * What is to be predicted is what a whole cycle lets through, not what one sample shows. Single samples vary wildly, by the buffers
 * that threads happen to take; so the deviation is that of the mean, over a longer time.
 */
import { DecayingAverage } from './decaying-average.ts';

/** After so long a steady new rate makes up 63 % of the mean. Short: what counts is the rate during the next cycle. */
const MEMORY_MS = 150;
/** The same for the deviation of the mean. */
const DEVIATION_MEMORY_MS = 1000;
/** Samples closer together than this become one: memory is taken in buffers, and one buffer is no rate. */
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

  /** All mutators were stopped for so long since the last sample. */
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
