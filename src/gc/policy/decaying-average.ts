/**
 * Decaying average: mean and deviation of a figure whose newest values count most.
 *
 *     mean ← mean + weight · (value − mean)
 *     variance ← (1 − weight) · (variance + weight · (value − mean before)²)
 */

export class DecayingAverage {
  #count = 0;
  #mean = 0;
  #variance = 0;

  /** `weight` is the share that this value has in the new mean, above 0 to 1. The first value is the mean. */
  add(value: number, weight: number): void {
    const share = this.#count === 0 ? 1 : weight;
    const difference = value - this.#mean;
    this.#mean += share * difference;
    this.#variance = (1 - share) * (this.#variance + share * difference ** 2);
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#mean;
  }

  get deviation(): number {
    return Math.sqrt(this.#variance);
  }
}
