/**
 * Sizing: how much of its capacity a heap aims to use.
 */
import { describe, expect, it } from 'vitest';
import { SIZINGS, type SizingFigures, sizingPolicy, spareBytes } from '../../src/gc/policy/sizing.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';

const MIB = 2 ** 20;

interface Collected {
  live?: number;
  charged?: number;
  /** MiB per second, and how much the collector gets through. */
  rate?: number;
  speed?: number;
}

/** Figures of a collection in MiB. */
function figures({ live = 50, charged = live, rate = 100, speed = 500 }: Collected): SizingFigures {
  return {
    chargedBytes: charged * MIB,
    liveBytes: live * MIB,
    allocatedBytes: rate * MIB,
    elapsedMs: 1000,
    cyclesMs: (live / speed) * 1000,
    cycles: 1,
  };
}

const policy = (sizing: (typeof SIZINGS)[number], price = 0.001) =>
  sizingPolicy({ sizing, minBytes: 10 * MIB, memoryPricePerMib: price }, 1000 * MIB);

/** The limit in MiB that a policy comes to when it sees the same again and again. */
function settled(sizing: (typeof SIZINGS)[number], collected: Collected, price?: number): number {
  const asked = policy(sizing, price);
  let limit = 0;
  for (let i = 0; i < 20; i++) limit = asked.limitAfter(figures(collected));
  return limit / MIB;
}

describe('the limit', () => {
  it('of a fixed heap is its capacity', () => {
    expect(policy('fixed').initialBytes).toBe(1000 * MIB);
    expect(settled('fixed', { live: 1 })).toBe(1000);
  });

  it('of the others starts at the minimum', () => {
    expect(policy('growable').initialBytes).toBe(10 * MIB);
    expect(policy('adaptive').initialBytes).toBe(10 * MIB);
  });

  it.each([
    ['stays when between 40 and 70 % are free', [50, 45], [84, 84]],
    ['grows until 40 % are free', [60], [100]],
    ['shrinks until 70 % are free', [60, 15], [100, 50]],
    ['does not fall below the minimum', [60, 0], [100, 10]],
    ['does not rise above the capacity', [700], [1000]],
  ])('of a growable heap %s', (_law, charged, limits) => {
    const growable = policy('growable');
    expect(charged.map((mib) => growable.limitAfter(figures({ live: mib })) / MIB)).toEqual(limits);
  });

  it('of an adaptive heap follows the square-root rule', () => {
    // √(50 · (100/500) / 0.001) = 100.
    expect(settled('adaptive', {})).toBe(150);
    // Four times the rate, or the price of a quarter, or a quarter of the speed: twice the room.
    expect(settled('adaptive', { rate: 400 })).toBe(250);
    expect(settled('adaptive', {}, 0.00025)).toBe(250);
    expect(settled('adaptive', { speed: 125 })).toBe(250);
    // Four times as much alive: twice the room on top of it.
    expect(settled('adaptive', { live: 200 })).toBe(400);
    expect(settled('adaptive', { charged: 60 })).toBe(160);
  });

  it('of an adaptive heap whose program does nothing becomes a sixteenth more than what is in use', () => {
    expect(settled('adaptive', { rate: 0, live: 160 })).toBe(170);
  });

  it('spends the same share of time for the last MiB in every heap, which is what makes several of them fair', () => {
    const price = 0.001;
    for (const collected of [
      { live: 20, rate: 30, speed: 400 },
      { live: 80, rate: 200, speed: 900 },
      { live: 150, rate: 90, speed: 300 },
    ]) {
      const extra = settled('adaptive', collected, price) - collected.live;
      const share = (mib: number): number => ((collected.rate / mib) * collected.live) / collected.speed;
      expect(share(extra) - share(extra + 1)).toBeGreaterThan(0.9 * price);
      expect(share(extra) - share(extra + 1)).toBeLessThan(1.1 * price);
    }
  });

  it('is whole regions between minimum and capacity, whatever comes', () => {
    const random = makeRandom(seedOfTest());
    for (const sizing of SIZINGS) {
      const asked = policy(sizing);
      for (let i = 0; i < 500; i++) {
        const charged = random.below(1001);
        const limit = asked.limitAfter({
          chargedBytes: charged * MIB,
          liveBytes: random.below(charged * MIB + 1),
          allocatedBytes: random.below(2 ** 31),
          elapsedMs: random.below(3) === 0 ? 0 : random.below(10_000),
          cyclesMs: random.below(1000),
          cycles: random.below(3),
        });
        expect(limit % MIB).toBe(0);
        expect(limit).toBeGreaterThanOrEqual(10 * MIB);
        expect(limit).toBeLessThanOrEqual(1000 * MIB);
        expect(limit).toBeGreaterThanOrEqual(charged * MIB);
      }
    }
  });
});

describe('the spare memory', () => {
  it('is what mutators take until the trigger, and at least 16 MiB', () => {
    expect(spareBytes({ untilTriggerBytes: 60 * MIB, takenBytes: 20 * MIB, targetBytes: 0 })).toBe(60 * MIB);
    expect(spareBytes({ untilTriggerBytes: 60 * MIB, takenBytes: 70 * MIB, targetBytes: 0 })).toBe(70 * MIB);
    expect(spareBytes({ untilTriggerBytes: 60 * MIB, takenBytes: 50 * MIB, targetBytes: 30 * MIB })).toBe(80 * MIB);
    expect(spareBytes({ untilTriggerBytes: MIB, takenBytes: 2 * MIB, targetBytes: MIB })).toBe(16 * MIB);
    expect(spareBytes({ untilTriggerBytes: 0, takenBytes: 0, targetBytes: 0 })).toBe(16 * MIB);
  });
});
