/**
 * Precleaning: whether the barrier-free marker should rescan written pages once more while threads run, or stop them now.
 *
 * Each round rescans what was written during the one before. It pays as long as it leaves less than it found; a program that writes faster
 * than that is stopped, and the last pause does the rest, however long that takes.
 */

/** The last pause rescans this many pages in a fraction of a millisecond. */
const FEW_PAGES = 64;
/** A round that finds more than this share of the fewest pages found so far gains nothing. */
const SHRINKS_BELOW = 0.75;
/**
 * A round that finds more than this many times the fewest is an outlier: perhaps its thread lost its CPU. The next is like the others.
 */
const OUTLIER_ABOVE = 1.5;
const MOST_ROUNDS = 12;

/** The last pause always rescans this many pages, in a fraction of a millisecond; and this many when it can hardly be deferred any more. */
const MOST_IN_PAUSE = 128;
const MOST_IN_LATER_PAUSES = 256;
/**
 * If the last pause finds more pages, it may be deferred: it becomes another round instead. Such a round rescans at most some hundred
 * pages, and takes correspondingly long; it leaves less each time, whatever the scheduler does, unless the program writes that fast. A
 * round that had many pages to rescan takes more of the budget for deferrals than one that had few; a round over all pages, while threads
 * run, takes the most.
 */
const DEFERRAL_BUDGET = 16;
const SMALL_BUDGET = 4;
const UNBOUNDED = 0xffff_ffff;

function deferralCost(pages: number): number {
  return pages > 1024 ? 8 : pages > 256 ? 2 : 1;
}

/**
 * With more written pages than this, the last pause is deferred: threads ran longer than intended between the last round and the pause.
 * `deferrals`: for each round that the last pause has become in this marking, the pages that it rescanned.
 */
export function mostPagesInPause(deferrals: readonly number[]): number {
  const left = deferrals.reduce((budget, pages) => budget - deferralCost(pages), DEFERRAL_BUDGET);
  return left <= 0 ? UNBOUNDED : left <= SMALL_BUDGET ? MOST_IN_LATER_PAUSES : MOST_IN_PAUSE;
}

/** `writtenPages`: the pages that each round so far has found. */
export function anotherRound(writtenPages: readonly number[]): boolean {
  if (writtenPages.length >= MOST_ROUNDS) return false;
  if (writtenPages.length < 2) return writtenPages.length === 0 || writtenPages[0]! > FEW_PAGES;
  const last = writtenPages.at(-1)!;
  if (last <= FEW_PAGES) return false;
  const fewest = Math.min(...writtenPages.slice(0, -1));
  return last < SHRINKS_BELOW * fewest || last > OUTLIER_ABOVE * fewest;
}
