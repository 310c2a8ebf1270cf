/**
 * Random numbers of the harness (order of invocations, bootstrap): splitmix32, which is Steele, Lea and Flood's SplitMix (2014) cut
 * down to 32 bits. The same seed gives the same numbers everywhere.
 */

/** Gives numbers from 0 (included) to 1 (excluded). */
export type Random = () => number;

const GOLDEN_GAMMA = 0x9e3779b9;

/** `seed` is any integer; only its low 32 bits count. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + GOLDEN_GAMMA) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
