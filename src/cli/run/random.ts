/**
 * Random numbers for mutators: xoshiro128** (Blackman & Vigna, TOMS 2021), the generator of the benchmarks' workloads
 * (bench/workloads/random.ts); the package ships this part of it. The same seed gives the same numbers; nothing is allocated.
 */
const WEYL = 0x9e3779b9;

/** The 32-bit finalizer of MurmurHash3: neighbouring seeds do not give neighbouring streams. */
function mixed(value: number): number {
  let at = value ^ (value >>> 16);
  at = Math.imul(at, 0x85ebca6b);
  at ^= at >>> 13;
  at = Math.imul(at, 0xc2b2ae35);
  return at ^ (at >>> 16);
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.#a = mixed((seed + WEYL) | 0);
    this.#b = mixed((seed + 2 * WEYL) | 0);
    this.#c = mixed((seed + 3 * WEYL) | 0);
    this.#d = mixed((seed + 4 * WEYL) | 0);
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

  /** An integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    return Math.floor(this.next() * 2 ** -32 * limit);
  }
}
