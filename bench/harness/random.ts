/**
 * Random numbers of the harness (order of invocations, bootstrap): the Mersenne twister of pure-rand. The same seed gives the same
 * numbers everywhere.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';

/** Gives numbers from 0 (included) to 1 (excluded). */
export type Random = () => number;

/** `seed` is any integer; only its low 32 bits count. */
export function randomFrom(seed: number): Random {
  const generator = mersenne(seed);
  return () => uniformFloat64(generator);
}
