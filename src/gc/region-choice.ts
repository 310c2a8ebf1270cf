/**
 * Region choice: which regions a cycle evacuates. Pure policy; the mechanism is native/gc/plan.h.
 *
 * Most garbage first (Detlefs et al., "Garbage-first garbage collection", ISMM 2004), as far as free regions can take what is
 * alive in them. What is kept free for mutators while the cycle runs is not used as a target, except for the reserve, which
 * exists for nothing else.
 */
import { MAX_EVACUATED_WORDS, PAGE_WORDS, REGION_WORDS } from '../heap/layout.ts';
import type { CollectionKind } from './requests.ts';

/** Region states, in the order of native/heap/regions.h. */
export const REGION_STATES = [
  'free',
  'allocating',
  'live',
  'source',
  'target',
  'large',
  'large-tail',
  'large-pending',
] as const;
const LIVE = REGION_STATES.indexOf('live');

/** All regions after marking, one entry per region in each table. */
export interface RegionTables {
  readonly states: Uint8Array;
  readonly usedPages: Uint16Array;
  readonly liveWords: Uint32Array;
  /** Pages that marking decided on; 0 for a region that was taken since. */
  readonly markedPages: Uint16Array;
}

export interface ChoiceLimits {
  readonly kind: CollectionKind;
  readonly freeRegions: number;
  readonly reserveRegions: number;
  /** `full` only: the regions that still have to be evacuated in this collection. */
  readonly pending?: ReadonlySet<number>;
}

export interface RegionChoice {
  /** In evacuation order. */
  readonly sources: Uint32Array;
  readonly targets: number;
}

/** A region with less garbage than this is not worth copying the rest. */
const LEAST_GARBAGE_SHARE = 0.25;
/** `full` moves anything that wastes more than this, by garbage or by unused pages. */
const LEAST_WASTE_SHARE_FULL = 0.02;
/** A cycle that gains less is not worth a flip. */
const LEAST_GAIN_WORDS = 16 * PAGE_WORDS;

export function chooseRegions(tables: RegionTables, limits: ChoiceLimits): RegionChoice {
  const full = limits.kind === 'full';
  const candidates: { region: number; live: number; garbage: number }[] = [];
  for (let region = 0; region < tables.states.length; region++) {
    const live = tables.liveWords[region]!;
    const used = tables.markedPages[region]! * PAGE_WORDS;
    if (tables.states[region] !== LIVE || used === 0 || live === 0 || live > MAX_EVACUATED_WORDS) continue;
    const garbage = used - live;
    if (full) {
      if (limits.pending?.has(region) === false) continue;
      if (REGION_WORDS - live < LEAST_WASTE_SHARE_FULL * REGION_WORDS) continue;
    } else if (garbage < LEAST_GARBAGE_SHARE * REGION_WORDS) continue;
    candidates.push({ region, live, garbage });
  }
  // In a full collection the emptiest regions go first: each round then sets the most regions free for the next one.
  candidates.sort((a, b) => (full ? a.live - b.live : b.garbage - a.garbage));

  const targetLimit = Math.min(
    limits.freeRegions,
    full ? limits.freeRegions : Math.max(limits.reserveRegions, Math.floor(limits.freeRegions / 2)),
  );
  const chosen: typeof candidates = [];
  let live = 0;
  for (const candidate of candidates) {
    if (live + candidate.live > targetLimit * REGION_WORDS) break;
    live += candidate.live;
    chosen.push(candidate);
  }
  const gain = chosen.reduce((sum, { garbage, live: words }) => sum + (full ? REGION_WORDS - words : garbage), 0);
  if (chosen.length === 0 || gain < LEAST_GAIN_WORDS) return { sources: new Uint32Array(0), targets: 0 };
  // Neighbours in memory stay neighbours. One target more than the words need, for what is lost at the ends of targets.
  const sources = Uint32Array.from(chosen, ({ region }) => region).sort();
  const targets = Math.min(Math.ceil(live / REGION_WORDS) + 1, sources.length, targetLimit);
  return { sources, targets };
}
