/**
 * Precleaning: whether the barrier-free marker should look at written pages once more while threads run, or stop them now.
 *
 * Each round looks at what was written during the one before. It pays as long as it leaves less than it found; a program that writes
 * faster than that is stopped, and the last pause does the rest, however long that takes.
 */

/** The last pause looks at this many pages in a fraction of a millisecond. */
const FEW_PAGES = 64;
/** A round that finds more than this share of the one before gains nothing. */
const SHRINKS_BELOW = 0.75;
const MOST_ROUNDS = 8;

/** `writtenPages`: what each round so far has found. */
export function anotherRound(writtenPages: readonly number[]): boolean {
  if (writtenPages.length === 0) return true;
  if (writtenPages.length >= MOST_ROUNDS) return false;
  const last = writtenPages.at(-1)!;
  if (last <= FEW_PAGES) return false;
  return writtenPages.length < 2 || last < SHRINKS_BELOW * writtenPages.at(-2)!;
}
