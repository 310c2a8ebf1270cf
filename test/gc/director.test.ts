/**
 * Director: when the heap collects by itself. Tables of figures, and a heap that exists in numbers only.
 */
import { describe, expect, it } from 'vitest';
import { consider, decide, type DirectorInputs, neededBytes, RULES, triggerAt } from '../../src/gc/policy/director.ts';
import { AllocationRate } from '../../src/gc/policy/allocation-rate.ts';
import { CycleTime } from '../../src/gc/policy/cycle-time.ts';
import { DecayingAverage } from '../../src/gc/policy/decaying-average.ts';
import { COLLECTION_REASONS } from '../../src/gc/requests.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { SimulatedHeap } from '../support/simulated-heap.ts';

const MIB = 2 ** 20;

interface Situation {
  limit?: number;
  capacity?: number;
  charged?: number;
  open?: number;
  chargedAfter?: number;
  freeAfter?: number;
  allocated?: number;
  mibPerS?: number;
  deviation?: number;
  cycles?: number;
  cycleMs?: number;
  cycleDeviationMs?: number;
  quietMs?: number;
  returnAfterMs?: number;
}

/** Figures in MiB, of a warm heap of 100 MiB in which 20 are alive and nobody allocates. */
function inputs(situation: Situation = {}): DirectorInputs {
  const { limit = 100, charged = 50, open = 0, chargedAfter = 20, mibPerS = 0, cycles = 10, cycleMs = 50 } = situation;
  return {
    capacityBytes: (situation.capacity ?? limit) * MIB,
    limitBytes: limit * MIB,
    chargedBytes: charged * MIB,
    openBytes: open * MIB,
    freeAfterLastBytes: (situation.freeAfter ?? limit - chargedAfter) * MIB,
    chargedAfterLastBytes: chargedAfter * MIB,
    allocatedBytes: (situation.allocated ?? charged - chargedAfter) * MIB,
    allocationRate: { meanBytesPerS: mibPerS * MIB, deviationBytesPerS: (situation.deviation ?? 0) * MIB },
    cycleTime: { cycles, meanMs: cycleMs, deviationMs: situation.cycleDeviationMs ?? 0 },
    samplingMs: 20,
    quietMs: situation.quietMs ?? 0,
    returnAfterMs: situation.returnAfterMs ?? 0,
  };
}

describe('the director', () => {
  it.each<[string, Situation, string | undefined]>([
    ['waits while there is plenty', {}, undefined],
    ['waits, before it knows anything, until 40 % of what was free is left', { cycles: 0, charged: 67 }, undefined],
    ['collects then', { cycles: 0, charged: 68 }, 'warm-up'],
    ['counts open pages as free', { cycles: 0, charged: 68, open: 1 }, undefined],
    ['knows nothing of its limit beyond the limit', { cycles: 0, charged: 68, capacity: 1000 }, 'warm-up'],
    ['waits, at 100 MiB/s and cycles of 50 ms, while more than 10.5 MiB and the margin are free', { mibPerS: 100, charged: 87 }, undefined],
    ['collects when that is no longer so', { mibPerS: 100, charged: 88 }, 'allocation-rate'],
    ['collects earlier when the rate varies', { mibPerS: 100, deviation: 50, charged: 80 }, 'allocation-rate'],
    ['collects earlier when cycle times vary', { mibPerS: 100, cycleDeviationMs: 40, charged: 79 }, 'allocation-rate'],
    ['does not add up what varies for two reasons', { mibPerS: 100, deviation: 50, cycleDeviationMs: 40, charged: 75 }, undefined],
    ['believes one cycle, too, if it calls for haste', { cycles: 1, mibPerS: 1000, charged: 30 }, 'allocation-rate'],
    ['does not collect again at once, whatever the rate', { mibPerS: 10_000, charged: 27 }, undefined],
    ['collects when a tenth of what was free is left, whatever the rate', { charged: 92 }, 'high-usage'],
    ['does not if nothing was allocated since the last time', { charged: 92, allocated: 0 }, undefined],
    ['judges a heap full of live objects by what was free, not by its capacity', { chargedAfter: 90, charged: 94 }, undefined],
    ['collects there too in the end', { chargedAfter: 80, charged: 98 }, 'high-usage'],
    ['needs a margin even if nobody allocates', { chargedAfter: 90, charged: 99 }, 'allocation-rate'],
    ['collects what is new when it has been quiet for long', { quietMs: 1000, returnAfterMs: 1000 }, 'quiet'],
    ['does not before', { quietMs: 999, returnAfterMs: 1000 }, undefined],
    ['does not when there is next to nothing new', { quietMs: 5000, returnAfterMs: 1000, allocated: 0.9 }, undefined],
    ['never does if memory is never given back', { quietMs: 1e9 }, undefined],
  ])('%s', (_law, situation, rule) => {
    expect(decide(inputs(situation))?.rule).toBe(rule);
  });

  it('tells what every rule made of the figures, in the order in which they count', () => {
    const verdicts = consider(inputs({ cycles: 1, returnAfterMs: 60_000 }));
    expect(verdicts.map(({ rule }) => rule)).toEqual([...RULES]);
    expect(verdicts.map(({ atFreeBytes }) => (atFreeBytes === undefined ? undefined : atFreeBytes / MIB))).toEqual([
      32,
      neededBytes(inputs()) / MIB,
      8,
      undefined,
    ]);
    expect(verdicts[3]!.atQuietMs).toBe(60_000);
    // A rule that does not apply has no threshold.
    expect(consider(inputs({ cycles: 3 }))[0]).toEqual({ rule: 'warm-up', due: false });
    expect(consider(inputs({ cycles: 0 }))[1]).toEqual({ rule: 'allocation-rate', due: false });
  });

  it('gives reasons that a collection can have', () => {
    for (const situation of [
      { cycles: 0, charged: 99 },
      { mibPerS: 100, charged: 99 },
      { charged: 99 },
      { quietMs: 1, returnAfterMs: 1 },
    ]) {
      expect(COLLECTION_REASONS).toContain(decide(inputs(situation))!.reason);
    }
  });
});

describe('the trigger of a mutator', () => {
  it.each<[string, Situation, number, string]>([
    ['lies at 60 % of what was free in a cold heap', { cycles: 0, chargedAfter: 0, charged: 0 }, 60, 'warm-up'],
    ['lies where the needed bytes begin in a warm one', { mibPerS: 100, charged: 20 }, 88, 'allocation-rate'],
    ['lies at 90 % of what was free when nothing is known to come', { charged: 20 }, 92, 'high-usage'],
    ['comes after some progress when a cycle could never be early enough', { mibPerS: 10_000, charged: 20 }, 28, 'allocation-rate'],
    ['lies beyond what is in use already', { cycles: 0, charged: 80, open: 40 }, 81, 'warm-up'],
    ['is the capacity when nothing is free', { charged: 100, chargedAfter: 100 }, 100, 'allocation-rate'],
    [
      'may lie between limit and capacity',
      { limit: 100, capacity: 200, charged: 120, chargedAfter: 120, freeAfter: 0 },
      122,
      'allocation-rate',
    ],
    ['is one region in a heap of one', { limit: 1, charged: 0, chargedAfter: 0, cycles: 0 }, 1, 'warm-up'],
  ])('%s', (_law, situation, regions, rule) => {
    expect(triggerAt(inputs(situation))).toMatchObject({ regions, decision: { rule } });
  });

  it('lies above what is charged, if anything is free, and never above the capacity', () => {
    const random = makeRandom(seedOfTest());
    for (let round = 0; round < 5_000; round++) {
      const capacity = 1 + random.below(200);
      const charged = random.below(capacity + 1);
      const situation = {
        capacity,
        limit: 1 + random.below(capacity),
        charged,
        chargedAfter: random.below(charged + 1),
        open: random.below(20),
        mibPerS: random.below(1000),
        deviation: random.below(200),
        cycles: random.below(5),
        cycleMs: random.below(300),
      };
      const { regions } = triggerAt(inputs({ ...situation, freeAfter: Math.max(0, situation.limit - situation.chargedAfter) }));
      expect(Number.isInteger(regions), JSON.stringify(situation)).toBe(true);
      expect(regions).toBeLessThanOrEqual(capacity);
      if (charged < capacity) expect(regions).toBeGreaterThan(charged);
      else expect(regions).toBe(capacity);
    }
  });

  it('is never later than the rule that set it', () => {
    const random = makeRandom(seedOfTest());
    for (let round = 0; round < 2_000; round++) {
      const chargedAfter = random.below(90);
      const situation = {
        chargedAfter,
        charged: chargedAfter,
        mibPerS: random.below(1000),
        cycles: random.below(5),
        cycleMs: random.below(100),
      };
      const { regions } = triggerAt(inputs(situation));
      if (regions === 100) continue;
      expect(decide(inputs({ ...situation, charged: regions + 1 })), JSON.stringify(situation)).toBeDefined();
    }
  });
});

describe('a simulated heap', () => {
  it('never stalls after its first cycles while it allocates steadily and has room for what a cycle lets through', () => {
    const seed = seedOfTest();
    const random = makeRandom(seed);
    for (let round = 0; round < 60; round++) {
      const cycleMs = 5 + random.below(150);
      const liveMib = 10 + random.below(200);
      const mibPerS = 10 + random.below(800);
      // What two cycles let through, for the cycle and for the time before it, and what the rules hold back.
      const capacityMib = Math.ceil((liveMib + (3 * mibPerS * (cycleMs + 40)) / 1000 + 8) * 1.3);
      const heap = new SimulatedHeap({ capacityMib, liveMib, cycleMs: () => cycleMs, mibPerMs: () => mibPerS / 1000 });
      heap.run(6_000);
      const what = JSON.stringify({ seed, round, cycleMs, liveMib, mibPerS, capacityMib, stalls: heap.stalledAtMs });
      expect(heap.cycles.length, what).toBeGreaterThan(mibPerS > 100 ? 3 : -1);
      expect(
        heap.stalledAtMs.filter((timeMs) => timeMs > heap.cycles[3]!.startMs),
        what,
      ).toEqual([]);
    }
  });

  it('does not stall even if the control thread never gets to sample between its cycles', () => {
    const heap = new SimulatedHeap({
      capacityMib: 200,
      liveMib: 40,
      cycleMs: () => 40,
      mibPerMs: () => 0.4,
      samplingMs: Number.POSITIVE_INFINITY,
    });
    heap.run(10_000);
    expect(heap.cycles.length).toBeGreaterThan(10);
    expect(heap.cycles.every(({ noticedBy }) => noticedBy === 'allocation')).toBe(true);
    expect(heap.stalledAtMs).toEqual([]);
  });

  it('waits with a cycle as long as it safely can: when one starts, little more is free than what might be needed', () => {
    const heap = new SimulatedHeap({ capacityMib: 400, liveMib: 40, cycleMs: () => 30, mibPerMs: () => 0.2 });
    heap.run(20_000);
    const warm = heap.cycles.slice(4);
    expect(warm.length).toBeGreaterThan(5);
    for (const { rule, freeMib } of warm) {
      expect(rule).toBe('high-usage'); // 0.2 MiB/ms for 50 ms, twice, is less than a tenth of 360 MiB.
      expect(freeMib).toBeGreaterThan(25);
      expect(freeMib).toBeLessThan(45);
    }
  });

  it('gets over a burst that is ten times the rate with at most the stalls of one cycle', () => {
    const heap = new SimulatedHeap({
      capacityMib: 300,
      liveMib: 40,
      cycleMs: () => 50,
      mibPerMs: (timeMs) => (timeMs % 4_000 > 3_000 ? 1 : 0.1),
    });
    heap.run(20_000);
    const bursts = new Set(heap.stalledAtMs.map((timeMs) => Math.floor(timeMs / 4_000)));
    const perBurst = [...bursts].map((burst) => heap.stalledAtMs.filter((timeMs) => Math.floor(timeMs / 4_000) === burst).length);
    expect(Math.max(0, ...perBurst)).toBeLessThanOrEqual(50);
  });

  it('collects nothing while nothing is allocated', () => {
    const heap = new SimulatedHeap({ capacityMib: 100, liveMib: 10, cycleMs: () => 20, mibPerMs: (timeMs) => (timeMs < 2_000 ? 0.3 : 0) });
    heap.run(2_100);
    const { length } = heap.cycles;
    heap.run(60_000);
    expect(length).toBeGreaterThan(3);
    expect(heap.cycles.length).toBe(length);
  });

  it('that has too little room stalls, and goes on', () => {
    const heap = new SimulatedHeap({ capacityMib: 50, liveMib: 45, cycleMs: () => 100, mibPerMs: () => 0.5 });
    heap.run(10_000);
    expect(heap.stalledAtMs.length).toBeGreaterThan(0);
    expect(heap.cycles.length).toBeGreaterThan(20);
  });
});

describe('a decaying average', () => {
  it('starts at the first value, and follows those that come', () => {
    const average = new DecayingAverage();
    average.add(100, 0.3);
    expect(average).toMatchObject({ count: 1, mean: 100, deviation: 0 });
    for (let i = 0; i < 30; i++) average.add(200, 0.3);
    expect(average.mean).toBeCloseTo(200, 1);
    expect(average.deviation).toBeLessThan(1);
  });

  it('knows by how much values vary', () => {
    const random = makeRandom(seedOfTest());
    const average = new DecayingAverage();
    for (let i = 0; i < 5_000; i++) average.add(1_000 + (random.below(2) === 0 ? -100 : 100), 0.05);
    expect(average.deviation).toBeGreaterThan(80);
    expect(average.deviation).toBeLessThan(120);
  });
});

describe('the allocation rate', () => {
  it('is bytes a second, however unevenly samples come', () => {
    const random = makeRandom(seedOfTest());
    const rate = new AllocationRate(0, 0);
    for (let timeMs = 0; timeMs < 3_000; timeMs += 1 + random.below(60)) rate.sample(timeMs * 1_000, timeMs);
    expect(rate.meanBytesPerS).toBeCloseTo(1e6, 0);
    expect(rate.deviationBytesPerS).toBeLessThan(1);
  });

  it('does not count the time for which mutators were stopped', () => {
    const rate = new AllocationRate(0, 0);
    rate.noteStopped(80);
    rate.sample(20_000, 100);
    expect(rate.meanBytesPerS).toBeCloseTo(1e6);
  });

  it('makes one sample of many that are close together', () => {
    const rate = new AllocationRate(0, 0);
    rate.sample(65_536, 1);
    expect(rate.meanBytesPerS).toBe(0);
    rate.sample(65_536, 64);
    expect(rate.meanBytesPerS).toBeCloseTo(1.024e6);
  });

  it('is nearly that of a burst after a tenth of a second, deviation included', () => {
    const rate = new AllocationRate(0, 0);
    for (let timeMs = 20; timeMs <= 2_000; timeMs += 20) rate.sample(0, timeMs);
    for (let timeMs = 20; timeMs <= 100; timeMs += 20) rate.sample(timeMs * 1_000, 2_000 + timeMs);
    expect(rate.meanBytesPerS).toBeGreaterThan(0.4e6);
    expect(rate.meanBytesPerS + 2 * rate.deviationBytesPerS).toBeGreaterThan(0.6e6);
  });

  it('varies less than its samples do', () => {
    const random = makeRandom(seedOfTest());
    const rate = new AllocationRate(0, 0);
    let bytes = 0;
    for (let timeMs = 20; timeMs <= 10_000; timeMs += 20) rate.sample((bytes += random.below(2) * 40_000), timeMs);
    expect(rate.deviationBytesPerS).toBeGreaterThan(0.05e6);
    expect(rate.deviationBytesPerS).toBeLessThan(0.5e6);
  });
});

describe('the cycle time', () => {
  it('is that of marking and moving, without the time for giving memory back', () => {
    const time = new CycleTime();
    for (const [phase, ms] of [
      ['prepare', 1],
      ['mark', 10],
      ['plan', 2],
      ['flip', 1],
      ['compact', 20],
      ['finish', 1],
      ['reclaim', 500],
    ] as const) {
      time.notePhase(phase, ms);
    }
    time.endCycle('compact', true);
    expect(time).toMatchObject({ cycles: 1, meanMs: 35, deviationMs: 0 });
  });

  it('does not forget how long moving takes over cycles that moved nothing, or everything', () => {
    const time = new CycleTime();
    const cycle = (kind: 'mark' | 'compact' | 'full', markMs: number, compactMs: number): void => {
      time.notePhase('mark', markMs);
      time.notePhase('compact', compactMs);
      time.endCycle(kind, compactMs > 0);
    };
    cycle('compact', 10, 20);
    cycle('compact', 10, 0);
    cycle('mark', 10, 0);
    cycle('full', 10, 900);
    expect(time).toMatchObject({ cycles: 4, meanMs: 30, deviationMs: 0 });
  });
});
