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
/**
 * One that finds more than this many times the fewest so far is an outlier: its thread had lost its CPU, say. The next is like the others.
 */
const OUTLIER_ABOVE = 1.5;
const MOST_ROUNDS = 12;

/** So many the last pause looks at in any case: a fraction of a millisecond. When it can hardly be deferred any more, so many. */
const MOST_IN_PAUSE = 128;
const MOST_IN_LATER_PAUSES = 256;
/**
 * When it finds more, it may be deferred: it becomes another round instead. Such a round looks at no more than some hundred pages and
 * takes as long as that; what it leaves gets less each time, whatever the scheduler does, unless the program writes that fast. So of the
 * budget for deferrals a round that had much to look at takes more than one that had little; most of all one that was about all pages,
 * beside running threads.
 */
const DEFERRAL_BUDGET = 16;
const SMALL_BUDGET = 4;
const UNBOUNDED = 0xffff_ffff;

function deferralCost(pages: number): number {
  return pages > 1024 ? 8 : pages > 256 ? 2 : 1;
}

/**
 * With more written pages than this the last pause is deferred: threads ran longer than intended between the last round and the pause.
 * `deferrals`: the pages that each round looked at that the last pause has become, in this marking.
 */
export function mostPagesInPause(deferrals: readonly number[]): number {
  const left = deferrals.reduce((budget, pages) => budget - deferralCost(pages), DEFERRAL_BUDGET);
  return left <= 0 ? UNBOUNDED : left <= SMALL_BUDGET ? MOST_IN_LATER_PAUSES : MOST_IN_PAUSE;
}

/** `writtenPages`: what each round so far has found. */
export function anotherRound(writtenPages: readonly number[]): boolean {
  if (writtenPages.length >= MOST_ROUNDS) return false;
  if (writtenPages.length < 2) return writtenPages.length === 0 || writtenPages[0]! > FEW_PAGES;
  const last = writtenPages.at(-1)!;
  if (last <= FEW_PAGES) return false;
  const fewest = Math.min(...writtenPages.slice(0, -1));
  return last < SHRINKS_BELOW * fewest || last > OUTLIER_ABOVE * fewest;
}
