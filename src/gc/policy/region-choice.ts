/**
 * Region choice: which regions a cycle evacuates, or a wave of it (evacuation.ts). Pure policy; the mechanism is
 * native/gc/compaction/plan.h.
 *
 * The gain of a region is its garbage. Its cost is the copying of its live objects, and the building of the pages to which they are copied.
 * Regions with the best ratio go first (Detlefs et al., "Garbage-first garbage collection", ISMM 2004), as far as the budget for copying
 * and the free regions allow. Regions that are kept free for mutators while the cycle runs are not used as targets, except for the reserve,
 * which exists for nothing else.
 *
 * A cycle that moves anything at all also has to treat every page that stays and may hold references, because these may have to change.
 * That cost is weighed against the gain of all sources together. Pages of leaf regions that stay are only shown, and do not count.
 *
 * Leaf regions and mixed ones have targets of their own. If there is only one target, what moves is of one kind.
 *
 * A full collection evacuates every region that wastes anything, in as many waves as its targets allow. If each wave moves a good part of
 * the heap, the waves go through it in the order of addresses: the lowest regions are targets again, and what is free in the end is
 * contiguous. If there is little room, the emptiest regions go first, so that a wave frees the most for the next.
 */
import { PAGE_WORDS, REGION_PAGES, REGION_WORDS, WORD_BYTES } from '../../binding/layout.ts';
import type { CollectionKind } from '../requests.ts';

/** Region states, in the order of native/heap/region_states.h. */
export const REGION_STATES = ['free', 'allocating', 'live', 'source', 'target', 'large', 'large-tail', 'large-pending'] as const;
const FREE = REGION_STATES.indexOf('free');
const LIVE = REGION_STATES.indexOf('live');

/** Region kinds, in the order of native/heap/region_states.h. */
export const REGION_KINDS = ['mixed', 'leaf', 'pinnable'] as const;
const MIXED = REGION_KINDS.indexOf('mixed');
const PINNABLE = REGION_KINDS.indexOf('pinnable');

/** All regions after marking, one entry per region in each table. */
export interface RegionTables {
  readonly states: Uint8Array;
  readonly kinds: Uint8Array;
  readonly usedPages: Uint16Array;
  /** Pages that the heap file has, or may have. */
  readonly filePages: Uint16Array;
  readonly liveWords: Uint32Array;
  /** Pages that marking decided on; 0 for a region that was taken since then. */
  readonly markedPages: Uint16Array;
}

export interface ChoiceLimits {
  readonly kind: CollectionKind;
  readonly freeRegions: number;
  readonly reserveRegions: number;
  /** The most to copy; `full` has no such limit. */
  readonly budgetBytes: number;
  /** Evacuate everything there is room for, worthwhile or not, whatever the kind: for heaps that detect stale references. */
  readonly everything?: boolean;
  /** With `everything`: where the last choice ended, so that all regions get their turn if there is not room for all at once. */
  readonly startAt?: number;
  /** `full` only: the regions that still have to be evacuated in this collection. */
  readonly pending?: ReadonlySet<number>;
  /** `full` only: by so many pages the targets may enlarge the heap file; free regions whose pages are in it come first. */
  readonly mostNewPages?: number;
}

export interface RegionChoice {
  /** In evacuation order. */
  readonly sources: Uint32Array;
  readonly targets: number;
  /** What the choice costs and gains, as far as is known before there is a plan. */
  readonly copiedBytes: number;
  readonly gainedBytes: number;
  readonly stayingPages: number;
}

const NOTHING: RegionChoice = { sources: new Uint32Array(0), targets: 0, copiedBytes: 0, gainedBytes: 0, stayingPages: 0 };

/** In a region with less garbage than this, copying the rest is not worthwhile. */
const LEAST_GARBAGE_SHARE = 0.25;
/** `full` moves any region that wastes more than this, by garbage or by unused pages. */
const LEAST_WASTE_SHARE_FULL = 0.02;
/** `full` goes in the order of addresses if it takes no more waves than this. */
const MOST_WAVES_BY_ADDRESS = 16;
/** For a smaller gain, a flip is not worthwhile. */
const LEAST_GAIN_WORDS = 16 * PAGE_WORDS;
/** Nor if more pages than this have to be treated for each page gained. Does not apply to `full`, which was requested at any cost. */
const MOST_STAYING_PAGES_PER_GAINED = 64;
/** Building a page takes, besides its words, about as long as copying this many words. */
const PAGE_COST_WORDS = PAGE_WORDS;

interface Candidate {
  readonly region: number;
  readonly isLeaf: boolean;
  readonly live: number;
  readonly gain: number;
  readonly cost: number;
}

type CandidateLimits = Pick<ChoiceLimits, 'kind' | 'everything' | 'pending'>;

/** The regions that are to be evacuated if there is room for all; in the order of addresses. */
export function regionsToMove(tables: RegionTables, limits: CandidateLimits): number[] {
  return candidatesOf(tables, limits).map(({ region }) => region);
}

function candidatesOf(tables: RegionTables, limits: CandidateLimits): Candidate[] {
  if (limits.kind === 'mark' && !limits.everything) return [];
  const full = limits.kind === 'full';
  const candidates: Candidate[] = [];
  for (let region = 0; region < tables.states.length; region++) {
    // What may be pinned does not move.
    if (tables.kinds[region] === PINNABLE) continue;
    const isLeaf = tables.kinds[region] !== MIXED;
    const live = tables.liveWords[region]!;
    const used = tables.markedPages[region]! * PAGE_WORDS;
    if (tables.states[region] !== LIVE || used === 0 || live === 0) continue;
    const garbage = used - live;
    if (limits.everything) {
      if (limits.pending?.has(region) === false) continue;
    } else if (full) {
      if (limits.pending?.has(region) === false) continue;
      if (REGION_WORDS - live < LEAST_WASTE_SHARE_FULL * REGION_WORDS) continue;
    } else if (garbage < LEAST_GARBAGE_SHARE * REGION_WORDS) continue;
    const gain = full ? REGION_WORDS - live : garbage;
    candidates.push({ region, isLeaf, live, gain, cost: live + Math.ceil(live / PAGE_WORDS) * PAGE_COST_WORDS });
  }
  return candidates;
}

export function chooseRegions(tables: RegionTables, limits: ChoiceLimits): RegionChoice {
  const candidates = candidatesOf(tables, limits);
  if (limits.everything) return everything(candidates, limits);
  const full = limits.kind === 'full';
  const targetLimit = Math.min(
    limits.freeRegions,
    full ? targetsFrom(tables, limits) : Math.max(limits.reserveRegions, Math.floor(limits.freeRegions / 2)),
  );
  const waves = sumOf(candidates, ({ live }) => live) / (targetLimit * REGION_WORDS);
  if (!full) candidates.sort((a, b) => b.gain / b.cost - a.gain / a.cost);
  else if (waves > MOST_WAVES_BY_ADDRESS) candidates.sort((a, b) => a.live - b.live);

  const budget = full ? Number.POSITIVE_INFINITY : limits.budgetBytes / WORD_BYTES;
  let chosen: Candidate[] = [];
  let live = 0;
  for (const candidate of candidates) {
    if (live + candidate.live > budget) continue;
    if (live + candidate.live > targetLimit * REGION_WORDS) break;
    live += candidate.live;
    chosen.push(candidate);
  }
  if (targetLimit === 1) chosen = ofOneKind(chosen);
  live = sumOf(chosen, ({ live: words }) => words);
  const gain = sumOf(chosen, (candidate) => candidate.gain);
  const usedPages = tables.usedPages.reduce((sum, pages, region) => (tables.kinds[region] === MIXED ? sum + pages : sum), 0);
  const stayingPages = usedPages - sumOf(chosen, ({ region, isLeaf }) => (isLeaf ? 0 : tables.usedPages[region]!));
  const tooLittle = gain < LEAST_GAIN_WORDS || (!full && (gain / PAGE_WORDS) * MOST_STAYING_PAGES_PER_GAINED < stayingPages);
  if (chosen.length === 0 || tooLittle) return NOTHING;
  // Neighbours in memory stay neighbours.
  const sources = Uint32Array.from(chosen, ({ region }) => region).sort();
  const targets = Math.min(targetsFor(chosen), sources.length, targetLimit);
  return { sources, targets, copiedBytes: live * WORD_BYTES, gainedBytes: gain * WORD_BYTES, stayingPages };
}

/** How many free regions may be targets; one in any case, or nothing would ever move. */
function targetsFrom(tables: RegionTables, { mostNewPages = Number.POSITIVE_INFINITY }: ChoiceLimits): number {
  let recycled = 0;
  for (const [region, state] of tables.states.entries()) if (state === FREE && tables.filePages[region]! > 0) recycled++;
  return Math.max(1, recycled + Math.floor(mostNewPages / REGION_PAGES));
}

/** Of those that gain more together. */
function ofOneKind(candidates: readonly Candidate[]): Candidate[] {
  const gainOf = (kind: readonly Candidate[]): number => sumOf(kind, ({ gain }) => gain);
  const leaves = candidates.filter(({ isLeaf }) => isLeaf);
  const others = candidates.filter(({ isLeaf }) => !isLeaf);
  return gainOf(leaves) > gainOf(others) ? leaves : others;
}

/** What the words of each kind need, and one more for the space lost at the ends of targets. */
function targetsFor(chosen: readonly Candidate[]): number {
  const targetsOf = (leaf: boolean): number => Math.ceil(sumOf(chosen, ({ isLeaf, live }) => (isLeaf === leaf ? live : 0)) / REGION_WORDS);
  return targetsOf(false) + targetsOf(true) + 1;
}

function sumOf(candidates: readonly Candidate[], of: (candidate: Candidate) => number): number {
  return candidates.reduce((sum, candidate) => sum + of(candidate), 0);
}

/** Chooses from `startAt` on, as many as there is room for. */
function everything(candidates: readonly Candidate[], { freeRegions, reserveRegions, startAt = 0 }: ChoiceLimits): RegionChoice {
  const inTurn = [...candidates.filter(({ region }) => region >= startAt), ...candidates.filter(({ region }) => region < startAt)];
  // One more for the space lost at the ends of targets, but not from the reserve of the next cycle.
  const most = Math.min(freeRegions, candidates.length + (freeRegions > candidates.length + reserveRegions ? 1 : 0));
  const chosen = inTurn.slice(0, most);
  if (chosen.length === 0) return NOTHING;
  return {
    sources: Uint32Array.from(chosen, ({ region }) => region),
    targets: Math.min(most, targetsFor(chosen)),
    copiedBytes: sumOf(chosen, ({ live }) => live) * WORD_BYTES,
    gainedBytes: sumOf(chosen, ({ gain }) => gain) * WORD_BYTES,
    stayingPages: 0,
  };
}
