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

/** So many the last pause looks at without a second thought: a fraction of a millisecond. With little patience left, so many more. */
const MOST_IN_PAUSE = 128;
const MOST_IN_LATER_PAUSES = 256;
/**
 * When it finds more, it may become another round instead. Such a round looks at no more than some hundred pages and takes as long as
 * that; what it leaves gets less each time, whatever the scheduler does, unless the program writes that fast. So a round that had much to
 * look at costs more patience than one that had little; most of all one that was about all pages, beside running threads.
 */
const PATIENCE = 16;
const LITTLE_PATIENCE = 4;
const UNBOUNDED = 0xffff_ffff;

function patienceFor(pages: number): number {
  return pages > 1024 ? 8 : pages > 256 ? 2 : 1;
}

/**
 * With more written pages than this the last pause is to become another round: threads were let run for longer than meant between the
 * last round and the pause. `secondThoughts`: the pages that each of those looked at, in this marking.
 */
export function mostPagesInPause(secondThoughts: readonly number[]): number {
  const left = secondThoughts.reduce((patience, pages) => patience - patienceFor(pages), PATIENCE);
  return left <= 0 ? UNBOUNDED : left <= LITTLE_PATIENCE ? MOST_IN_LATER_PAUSES : MOST_IN_PAUSE;
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
