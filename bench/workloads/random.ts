/**
 * Random: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", TOMS 2021), seeded by the 32-bit
 * finalizer of MurmurHash3 over a Weyl sequence. native/bench/any_heap/random.h draws the same numbers, bit by bit: all that is not 32-bit
 * integer arithmetic is done in doubles, in the same order.
 */

/** Spreads the bits of a 32-bit number over the result (0 to 2^32 - 1). */
export function mixed(value: number): number {
  let at = value ^ (value >>> 16);
  at = Math.imul(at, 0x85ebca6b);
  at ^= at >>> 13;
  at = Math.imul(at, 0xc2b2ae35);
  return (at ^ (at >>> 16)) >>> 0;
}

const WEYL = 0x9e3779b9;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.#a = mixed((seed + WEYL) | 0) | 0;
    this.#b = mixed((seed + 2 * WEYL) | 0) | 0;
    this.#c = mixed((seed + 3 * WEYL) | 0) | 0;
    this.#d = mixed((seed + 4 * WEYL) | 0) | 0;
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  fraction(): number {
    return this.next() * 2 ** -32;
  }

  /** An integer from 0 to `limit` - 1; `limit` is below 2^31. */
  below(limit: number): number {
    return (this.fraction() * limit) | 0;
  }

  /** The same, where small numbers are somewhat more likely: the square of a fraction. */
  squared(limit: number): number {
    const fraction = this.fraction();
    return (fraction * fraction * limit) | 0;
  }

  /** The same, where small numbers are more likely: the cube of a fraction. */
  skewed(limit: number): number {
    const fraction = this.fraction();
    return (fraction * fraction * fraction * limit) | 0;
  }
}
