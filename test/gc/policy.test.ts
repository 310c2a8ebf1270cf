/**
 * Policy: which regions are evacuated, and when the heap collects by itself. Pure functions of tables and figures.
 */
import { describe, expect, it } from 'vitest';
import { type ChoiceLimits, chooseRegions, REGION_STATES, type RegionTables } from '../../src/gc/region-choice.ts';
import { nextTrigger, spareBytes } from '../../src/gc/triggers.ts';
import { MAX_EVACUATED_WORDS, PAGE_WORDS, REGION_PAGES, REGION_WORDS } from '../../src/heap/layout.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

interface Region {
  state?: (typeof REGION_STATES)[number];
  live: number;
  pages?: number;
  marked?: number;
}

function tables(regions: readonly Region[]): RegionTables {
  return {
    states: Uint8Array.from(regions, ({ state = 'live' }) => REGION_STATES.indexOf(state)),
    usedPages: Uint16Array.from(regions, ({ pages = REGION_PAGES }) => pages),
    liveWords: Uint32Array.from(regions, ({ live }) => live),
    markedPages: Uint16Array.from(regions, ({ pages = REGION_PAGES, marked = pages }) => marked),
  };
}

function choose(regions: readonly Region[], limits: Partial<ChoiceLimits> = {}) {
  const { sources, targets } = chooseRegions(tables(regions), { kind: 'compact', freeRegions: 8, reserveRegions: 2, ...limits });
  return { sources: [...sources], targets };
}

const share = (part: number): number => Math.floor(part * REGION_WORDS);

describe('the choice of regions', () => {
  it('is empty when there is nothing, nothing alive, or everything alive', () => {
    expect(choose([])).toEqual({ sources: [], targets: 0 });
    expect(choose([{ live: 0 }])).toEqual({ sources: [], targets: 0 });
    expect(choose([{ live: REGION_WORDS }, { live: MAX_EVACUATED_WORDS + 1 }])).toEqual({ sources: [], targets: 0 });
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

  it('needs a free region to go to', () => {
    expect(choose([{ live: share(0.1) }], { freeRegions: 0, reserveRegions: 0 })).toEqual({ sources: [], targets: 0 });
  });

  it('in a full collection takes what wastes more than 2 %, garbage or unused pages, and only what is pending', () => {
    const regions = [{ live: share(0.99) }, { live: share(0.97) }, { live: 4 * PAGE_WORDS, pages: 4 }, { live: share(0.5) }];
    expect(choose(regions, { kind: 'full' }).sources).toEqual([1, 2, 3]);
    expect(choose(regions, { kind: 'full', pending: new Set([0, 3]) }).sources).toEqual([3]);
  });

  it('never takes more than its targets can hold, and never more targets than there are sources or free regions', () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    for (let round = 0; round < 500; round++) {
      const regions = Array.from({ length: random.below(40) }, () => ({
        state: random.pick(REGION_STATES),
        live: random.below(REGION_WORDS + 1),
        pages: REGION_PAGES,
        marked: random.chance(1, 8) ? 0 : REGION_PAGES,
      }));
      const freeRegions = random.below(12);
      const kind = random.pick(['compact', 'full'] as const);
      const { sources, targets } = choose(regions, { kind, freeRegions, reserveRegions: random.below(3) });
      expect(new Set(sources).size).toBe(sources.length);
      expect(targets).toBeLessThanOrEqual(Math.min(freeRegions, sources.length));
      expect(targets > 0).toBe(sources.length > 0);
      const live = sources.reduce((sum, region) => sum + regions[region]!.live, 0);
      expect(live).toBeLessThanOrEqual(targets * REGION_WORDS);
      for (const region of sources) {
        expect(regions[region]).toMatchObject({ state: 'live', marked: REGION_PAGES });
        expect(regions[region]!.live).toBeGreaterThan(0);
      }
    }
  });
});

describe('the occupancy trigger', () => {
  it('leaves room to allocate in and never lies beyond the capacity', () => {
    for (let capacity = 1; capacity < 200; capacity += 7) {
      let last = 0;
      for (let charged = 0; charged <= capacity; charged++) {
        const trigger = nextTrigger(charged, capacity);
        expect(trigger).toBeLessThanOrEqual(capacity);
        if (charged < capacity) expect(trigger).toBeGreaterThan(charged);
        expect(trigger).toBeGreaterThanOrEqual(last);
        last = trigger;
      }
    }
  });

  it('comes before the heap is full, once there is room for more than one region', () => {
    expect(nextTrigger(0, 100)).toBeLessThan(100);
    expect(nextTrigger(90, 100)).toBeLessThan(100);
  });

  it('keeps spare the pages that will be taken until it comes again, and at least a few', () => {
    expect(spareBytes(0, 1)).toBeGreaterThan(0);
    expect(spareBytes(100, 100)).toBe(spareBytes(0, 1));
    expect(spareBytes(1_000, 4_000)).toBe((nextTrigger(1_000, 4_000) - 1_000) * REGION_WORDS * 8);
    expect(spareBytes(3_000, 4_000)).toBeLessThan(spareBytes(1_000, 4_000));
  });
});
