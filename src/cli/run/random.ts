/**
 * Random numbers for mutators: xorshift32 (Marsaglia, 2003). The same numbers for the same seed everywhere, a nanosecond each, and
 * nothing allocated.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring streams, and the state must not be 0.
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    this.#state = (mixed ^ (mixed >>> 16)) | 0 || 1;
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** An integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    return this.next() % limit;
  }
}
