/**
 * Region choice: which regions are evacuated. A pure function of tables.
 */
import { describe, expect, it } from 'vitest';
import {
  type ChoiceLimits,
  chooseRegions,
  REGION_KINDS,
  REGION_STATES,
  regionsToMove,
  type RegionTables,
} from '../../src/gc/policy/region-choice.ts';
import { PAGE_WORDS, REGION_BYTES, REGION_PAGES, REGION_WORDS } from '../../src/binding/layout.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

interface Region {
  file?: number;
  state?: (typeof REGION_STATES)[number];
  kind?: (typeof REGION_KINDS)[number];
  live: number;
  pages?: number;
  marked?: number;
}

function tables(regions: readonly Region[]): RegionTables {
  return {
    states: Uint8Array.from(regions, ({ state = 'live' }) => REGION_STATES.indexOf(state)),
    kinds: Uint8Array.from(regions, ({ kind = 'mixed' }) => REGION_KINDS.indexOf(kind)),
    usedPages: Uint16Array.from(regions, ({ pages = REGION_PAGES }) => pages),
    filePages: Uint16Array.from(regions, ({ pages = REGION_PAGES, file = pages }) => file),
    liveWords: Uint32Array.from(regions, ({ live }) => live),
    markedPages: Uint16Array.from(regions, ({ pages = REGION_PAGES, marked = pages }) => marked),
  };
}

function choose(regions: readonly Region[], limits: Partial<ChoiceLimits> = {}) {
  const { sources, targets } = chooseRegions(tables(regions), {
    kind: 'compact',
    freeRegions: 8,
    reserveRegions: 2,
    budgetBytes: REGION_BYTES * 1000,
    ...limits,
  });
  return { sources: [...sources], targets };
}

const share = (part: number): number => Math.floor(part * REGION_WORDS);

describe('the choice of regions', () => {
  it('is empty when there is nothing, nothing alive, or everything alive', () => {
    expect(choose([])).toEqual({ sources: [], targets: 0 });
    expect(choose([{ live: 0 }])).toEqual({ sources: [], targets: 0 });
    expect(choose([{ live: REGION_WORDS }, { live: REGION_WORDS - 1 }])).toEqual({ sources: [], targets: 0 });
  });

  it('takes only regions that are live and were marked', () => {
    const half = { live: share(0.5) };
    const others = REGION_STATES.filter((state) => state !== 'live').map((state) => ({ ...half, state }));
    expect(choose([...others, { ...half, marked: 0 }, half]).sources).toEqual([REGION_STATES.length]);
  });

  it('leaves regions alone whose garbage is not worth copying the rest', () => {
    expect(choose([{ live: share(0.76) }]).sources).toEqual([]);
    expect(choose([{ live: share(0.74) }]).sources).toEqual([0]);
  });

  it('takes the most garbage first, and lists neighbours in their order', () => {
    const regions = [0.7, 0.1, 0.6, 0.2, 0.5].map((part) => ({ live: share(part) }));
    expect(choose(regions, { freeRegions: 2, reserveRegions: 1 }).sources).toEqual([1, 3, 4]);
    expect(choose(regions, { freeRegions: 8, reserveRegions: 1 }).sources).toEqual([0, 1, 2, 3, 4]);
  });

  it('prefers garbage that costs little copying to more garbage that costs much', () => {
    // 50 % garbage of a full region, at half a region of copying; 40 % of which next to nothing is alive.
    const regions = [{ live: share(0.5) }, { live: share(0.05), pages: Math.ceil(0.45 * REGION_PAGES) }];
    expect(choose(regions, { budgetBytes: REGION_BYTES / 2 }).sources).toEqual([1]);
    expect(choose(regions, { budgetBytes: 0.56 * REGION_BYTES }).sources).toEqual([0, 1]);
  });

  it('copies no more than the budget, unless everything is to be evacuated', () => {
    const regions = [0.3, 0.2, 0.4, 0.1].map((part) => ({ live: share(part) }));
    expect(choose(regions, { budgetBytes: 0.45 * REGION_BYTES }).sources).toEqual([1, 3]);
    expect(choose(regions, { budgetBytes: 0.1 * REGION_BYTES }).sources).toEqual([3]);
    expect(choose(regions, { budgetBytes: 1 })).toEqual({ sources: [], targets: 0 });
    expect(choose(regions, { kind: 'full', budgetBytes: 1 }).sources).toEqual([0, 1, 2, 3]);
  });

  it('does not treat a whole heap for a handful of pages', () => {
    const garbage = { live: share(0.7) };
    const full = { live: REGION_WORDS };
    // 77 pages gained are worth the treatment of 64 times as many: 19 regions and not 21.
    expect(choose([garbage, ...Array.from({ length: 19 }, () => full)]).sources).toEqual([0]);
    expect(choose([garbage, ...Array.from({ length: 21 }, () => full)]).sources).toEqual([]);
    expect(choose([garbage, ...Array.from({ length: 21 }, () => full)], { kind: 'full' }).sources).toEqual([0]);
    const large = Array.from({ length: 21 }, () => ({ ...full, state: 'large-tail' as const }));
    expect(choose([garbage, ...large]).sources).toEqual([]);
  });

  it('does not count the pages of leaf regions that stay', () => {
    const garbage = { live: share(0.7) };
    const others = (kind: 'mixed' | 'leaf') => Array.from({ length: 40 }, () => ({ live: REGION_WORDS, kind }));
    expect(choose([garbage, ...others('mixed')]).sources).toEqual([]);
    expect(choose([garbage, ...others('leaf')]).sources).toEqual([0]);
    expect(choose([{ ...garbage, kind: 'leaf' }, ...others('leaf')]).sources).toEqual([0]);
    const limits = { kind: 'compact', freeRegions: 2, reserveRegions: 2, budgetBytes: REGION_BYTES } as const;
    const large = { live: REGION_WORDS, kind: 'leaf', state: 'large' } as const;
    expect(chooseRegions(tables([garbage, large, { live: REGION_WORDS }, { live: share(0.2), kind: 'leaf' }]), limits)).toMatchObject({
      stayingPages: REGION_PAGES,
    });
  });

  it('never moves a region in which objects may be pinned, whatever it gains', () => {
    const limits = { freeRegions: 8, reserveRegions: 8, budgetBytes: 2 ** 30 };
    const regions = tables([{ live: 1, kind: 'pinnable' }, { live: share(0.3) }]);
    for (const kind of ['compact', 'full'] as const) {
      for (const everything of [false, true]) {
        expect([...chooseRegions(regions, { ...limits, kind, everything }).sources]).toEqual([1]);
        expect(regionsToMove(regions, { kind, everything })).toEqual([1]);
      }
    }
  });

  it('has targets for each kind of region; of one target only, what moves is of the kind that gains more', () => {
    const mixed = { live: share(0.3) };
    const leaf = { live: share(0.2), kind: 'leaf' as const };
    expect(choose([mixed, leaf, mixed, leaf])).toEqual({ sources: [0, 1, 2, 3], targets: 3 });
    expect(choose([mixed, mixed, mixed, mixed])).toEqual({ sources: [0, 1, 2, 3], targets: 3 });
    const one = { freeRegions: 1, reserveRegions: 1 };
    expect(choose([mixed, leaf, mixed, leaf], one)).toEqual({ sources: [1, 3], targets: 1 });
    expect(choose([mixed, leaf, mixed], one)).toEqual({ sources: [0, 2], targets: 1 });
    expect(choose([mixed, leaf], { ...one, kind: 'full' })).toEqual({ sources: [1], targets: 1 });
    expect(choose([mixed, leaf, mixed], { everything: true, freeRegions: 8 })).toEqual({ sources: [0, 1, 2], targets: 3 });
  });

  it('is empty when the collection is to mark only', () => {
    expect(choose([{ live: share(0.1) }], { kind: 'mark' })).toEqual({ sources: [], targets: 0 });
  });

  it('tells what it costs and brings', () => {
    const regions = tables([{ live: share(0.25) }, { live: REGION_WORDS }, { live: 0, state: 'free', pages: 0 }]);
    const limits = { kind: 'compact', freeRegions: 1, reserveRegions: 1, budgetBytes: REGION_BYTES } as const;
    expect(chooseRegions(regions, limits)).toMatchObject({
      copiedBytes: REGION_BYTES / 4,
      gainedBytes: (REGION_BYTES * 3) / 4,
      stayingPages: REGION_PAGES,
    });
  });

  it('needs a free region to go to', () => {
    expect(choose([{ live: share(0.1) }], { freeRegions: 0, reserveRegions: 0 })).toEqual({ sources: [], targets: 0 });
  });

  it('in a full collection takes what wastes more than 2 %, garbage or unused pages, and only what is pending', () => {
    const regions = [{ live: share(0.99) }, { live: share(0.97) }, { live: 4 * PAGE_WORDS, pages: 4 }, { live: share(0.5) }];
    expect(choose(regions, { kind: 'full' }).sources).toEqual([1, 2, 3]);
    expect(choose(regions, { kind: 'full', pending: new Set([0, 3]) }).sources).toEqual([3]);
  });

  it('in a full collection enlarges the file by no more pages than it may; what the file has already comes first', () => {
    const half = { live: share(0.5) };
    const free = [0, REGION_PAGES, 1].map((file) => ({ state: 'free' as const, live: 0, pages: 0, file }));
    const regions = [...Array.from({ length: 8 }, () => half), ...free];
    const targets = (mostNewPages: number): number => choose(regions, { kind: 'full', freeRegions: 3, mostNewPages }).targets;
    expect([0, REGION_PAGES - 1, REGION_PAGES, 100 * REGION_PAGES].map(targets)).toEqual([2, 2, 3, 3]);
    expect(choose(regions, { kind: 'full', freeRegions: 3, mostNewPages: 0 }).sources).toEqual([0, 1, 2, 3]);
    // One at least, or nothing would ever move.
    expect(choose(regions.slice(0, 8), { kind: 'full', freeRegions: 3, mostNewPages: 0 })).toEqual({ sources: [0, 1], targets: 1 });
    expect(choose(regions, { freeRegions: 3, mostNewPages: 0 }).targets).toBe(2);
  });

  it('in a full collection goes by addresses, but takes the emptiest regions first where that would take many waves', () => {
    const regions = Array.from({ length: 60 }, (_, i) => ({ live: share(0.9 - i / 100) }));
    const limits = { kind: 'full', reserveRegions: 1 } as const;
    expect(choose(regions, { ...limits, freeRegions: 4 }).sources).toEqual([0, 1, 2, 3]);
    expect(choose(regions, { ...limits, freeRegions: 2 }).sources).toEqual([55, 56, 57, 58, 59]);
  });

  it('knows, for a full collection in waves, what there is to move in all', () => {
    const regions = tables([{ live: share(0.99) }, { live: share(0.5), state: 'large' }, { live: share(0.97) }, { live: share(0.5) }]);
    expect(regionsToMove(regions, { kind: 'full' })).toEqual([2, 3]);
    expect(regionsToMove(regions, { kind: 'full', everything: true })).toEqual([0, 2, 3]);
  });

  it('never takes more than its targets can hold, and never more targets than there are sources or free regions', () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    for (let round = 0; round < 500; round++) {
      const regions = Array.from({ length: random.below(40) }, () => ({
        state: random.pick(REGION_STATES),
        kind: random.pick(REGION_KINDS),
        live: random.below(REGION_WORDS + 1),
        pages: REGION_PAGES,
        marked: random.chance(1, 8) ? 0 : REGION_PAGES,
      }));
      const freeRegions = random.below(12);
      const kind = random.pick(['compact', 'full'] as const);
      const budgetBytes = random.chance(1, 2) ? REGION_BYTES * 1000 : random.below(5 * REGION_BYTES);
      const { sources, targets } = choose(regions, { kind, freeRegions, reserveRegions: random.below(3), budgetBytes });
      expect(new Set(sources).size).toBe(sources.length);
      expect(targets).toBeLessThanOrEqual(Math.min(freeRegions, sources.length));
      expect(targets > 0).toBe(sources.length > 0);
      const live = sources.reduce((sum, region) => sum + regions[region]!.live, 0);
      expect(live).toBeLessThanOrEqual(targets * REGION_WORDS);
      if (kind === 'compact') expect(live * 8).toBeLessThanOrEqual(budgetBytes);
      for (const region of sources) {
        expect(regions[region]).toMatchObject({ state: 'live', marked: REGION_PAGES });
        expect(regions[region]!.live).toBeGreaterThan(0);
      }
    }
  });
});
