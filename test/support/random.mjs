/**
 * Random: seeded numbers for tests and for the programs of their worker threads, from pure-rand. The Mersenne twister, because its
 * streams for neighbouring seeds, as threads have them, are unrelated.
 */
import { mersenne } from 'pure-rand/generator/mersenne';

/** Functions, not a class: they are called a million times. */
export function makeRandom(seed) {
  const generator = mersenne(seed);
  /** An integer from 0 to 2^32 - 1. */
  const next = () => generator.next() >>> 0;
  /** An integer from 0 to `limit` - 1. */
  const below = (limit) => next() % limit;
  return { next, below, chance: (one, of) => below(of) < one, pick: (list) => list[below(list.length)] };
}
