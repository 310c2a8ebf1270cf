/**
 * Random: a small seeded generator, the same in tests and in worker threads.
 */

/** Mulberry32. Functions, not a class: they are called a million times. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  /** An integer from 0 to `limit` - 1. */
  const below = (limit) => next() % limit;
  return { next, below, chance: (one, of) => below(of) < one, pick: (list) => list[below(list.length)] };
}
