/**
 * Precleaning: whether the barrier-free marker should look at written pages once more while threads run, or stop them now.
 *
 * Each round looks at what was written during the one before. It pays as long as it leaves less than it found; a program that writes
 * faster than that is stopped, and the last pause does the rest, however long that takes.
 */

/** The last pause looks at this many pages in a fraction of a millisecond. */
const FEW_PAGES = 64;
/** A round that finds more than this share of the fewest so far gains nothing. */
const SHRINKS_BELOW = 0.75;
/** One that finds more than this many times the fewest so far was an accident: its thread had lost its CPU, say. The next is like the others. */
const ACCIDENT_ABOVE = 1.5;
const MOST_ROUNDS = 12;

/** So many the last pause looks at without a second thought: a fraction of a millisecond. Later so many more. */
const MOST_IN_PAUSE = 128;
const MOST_IN_LATER_PAUSES = 256;
/**
 * So often it may find more and become another round instead. Such a round looks at no more than some hundred pages and takes as long as
 * that; what it leaves gets less each time, whatever the scheduler does.
 */
const LATER_SECOND_THOUGHTS = 12;
const MOST_SECOND_THOUGHTS = 16;
/** A second thought that looked at more pages than this was about all of them, beside running threads: it may leave as many. */
const PAGES_OF_A_LARGE_ONE = 1024;
const MOST_LARGE_ONES = 2;
const UNBOUNDED = 0xffff_ffff;

/**
 * With more written pages than this the last pause is to become another round: threads were let run for longer than meant between the
 * last round and the pause. `secondThoughts`: the pages that each of those looked at, in this marking.
 */
export function mostPagesInPause(secondThoughts: readonly number[]): number {
  if (secondThoughts.length >= MOST_SECOND_THOUGHTS) return UNBOUNDED;
  if (secondThoughts.filter((pages) => pages > PAGES_OF_A_LARGE_ONE).length >= MOST_LARGE_ONES) return UNBOUNDED;
  return secondThoughts.length < LATER_SECOND_THOUGHTS ? MOST_IN_PAUSE : MOST_IN_LATER_PAUSES;
}

/** `writtenPages`: what each round so far has found. */
export function anotherRound(writtenPages: readonly number[]): boolean {
  if (writtenPages.length >= MOST_ROUNDS) return false;
  if (writtenPages.length < 2) return writtenPages.length === 0 || writtenPages[0]! > FEW_PAGES;
  const last = writtenPages.at(-1)!;
  if (last <= FEW_PAGES) return false;
  const fewest = Math.min(...writtenPages.slice(0, -1));
  return last < SHRINKS_BELOW * fewest || last > ACCIDENT_ABOVE * fewest;
}
