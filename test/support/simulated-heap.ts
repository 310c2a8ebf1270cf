/**
 * Simulated heap: what pacing sees of a heap, in numbers and without time passing. Regions are charged as bytes are allocated; at its
 * end a cycle frees what was garbage when it began; what is allocated meanwhile survives it. The control thread samples at
 * intervals and while a cycle runs; mutators check the trigger with every region.
 */
import { AllocationRate } from '../../src/gc/policy/allocation-rate.ts';
import { CycleTime } from '../../src/gc/policy/cycle-time.ts';
import { decide, type DirectorInputs, freeBytes, type Rule, triggerAt } from '../../src/gc/policy/director.ts';

const MIB = 2 ** 20;

export interface Simulation {
  readonly capacityMib: number;
  readonly liveMib: number;
  readonly cycleMs: (timeMs: number) => number;
  readonly mibPerMs: (timeMs: number) => number;
  /** Infinity: never, except at the phases of a cycle. */
  readonly samplingMs?: number;
}

export interface SimulatedCycle {
  readonly startMs: number;
  readonly rule: Rule;
  readonly noticedBy: 'sample' | 'allocation';
  readonly freeMib: number;
}

export class SimulatedHeap {
  readonly cycles: SimulatedCycle[] = [];
  /** Every millisecond in which mutators found no room. */
  readonly stalledAtMs: number[] = [];

  readonly #simulation: Simulation;
  readonly #rate = new AllocationRate(0, 0);
  readonly #cycleTime = new CycleTime();
  #timeMs = 0;
  #allocatedMib = 0;
  #usedMib: number;
  #after: { usedMib: number; allocatedMib: number; freeBytes: number };
  #lastAllocationMs = 0;
  #trigger: { regions: number; rule: Rule };
  #cycle: { readonly endMs: number; readonly startMs: number; readonly garbageMib: number } | undefined;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#usedMib = simulation.liveMib;
    this.#after = { usedMib: this.#usedMib, allocatedMib: 0, freeBytes: 0 };
    this.#after.freeBytes = freeBytes(this.#inputs());
    this.#trigger = this.#arm();
  }

  run(ms: number): void {
    for (const endMs = this.#timeMs + ms; this.#timeMs < endMs; this.#timeMs++) {
      this.#allocate();
      this.#serve();
    }
  }

  #allocate(): void {
    const mib = this.#simulation.mibPerMs(this.#timeMs);
    if (mib === 0) return;
    if (this.#usedMib + mib > this.#simulation.capacityMib) {
      this.stalledAtMs.push(this.#timeMs);
      // Whoever runs out asks for a collection.
      if (this.#cycle === undefined) this.#begin(this.#trigger.rule, 'allocation');
      return;
    }
    this.#usedMib += mib;
    this.#allocatedMib += mib;
    this.#lastAllocationMs = this.#timeMs;
    if (this.#cycle === undefined && Math.ceil(this.#usedMib) >= this.#trigger.regions) this.#begin(this.#trigger.rule, 'allocation');
  }

  #serve(): void {
    const { samplingMs = 20 } = this.#simulation;
    const running = this.#cycle;
    if (running !== undefined) {
      if (this.#timeMs % 10 === 0) this.#sample();
      if (this.#timeMs < running.endMs) return;
      this.#usedMib -= running.garbageMib;
      this.#cycleTime.notePhase('mark', this.#timeMs - running.startMs);
      this.#cycleTime.endCycle('compact', true);
      this.#cycle = undefined;
      this.#after = { usedMib: this.#usedMib, allocatedMib: this.#allocatedMib, freeBytes: 0 };
      this.#after.freeBytes = freeBytes(this.#inputs());
      this.#trigger = this.#arm();
      return;
    }
    if (samplingMs === Number.POSITIVE_INFINITY || this.#timeMs % samplingMs !== 0) return;
    this.#sample();
    const decision = decide(this.#inputs());
    if (decision === undefined) this.#trigger = this.#arm();
    else this.#begin(decision.rule, 'sample');
  }

  #sample(): void {
    this.#rate.sample(this.#allocatedMib * MIB, this.#timeMs);
  }

  #begin(rule: Rule, noticedBy: 'sample' | 'allocation'): void {
    const startMs = this.#timeMs;
    this.cycles.push({ startMs, rule, noticedBy, freeMib: freeBytes(this.#inputs()) / MIB });
    const garbageMib = this.#usedMib - this.#simulation.liveMib;
    this.#cycle = { startMs, endMs: startMs + this.#simulation.cycleMs(startMs), garbageMib };
  }

  #arm(): { regions: number; rule: Rule } {
    const { regions, decision } = triggerAt(this.#inputs());
    return { regions, rule: decision.rule };
  }

  #inputs(): DirectorInputs {
    const { meanBytesPerS, deviationBytesPerS } = this.#rate;
    const { cycles, meanMs, deviationMs } = this.#cycleTime;
    const chargedMib = Math.ceil(this.#usedMib);
    return {
      capacityBytes: this.#simulation.capacityMib * MIB,
      limitBytes: this.#simulation.capacityMib * MIB,
      chargedBytes: chargedMib * MIB,
      openBytes: (chargedMib - this.#usedMib) * MIB,
      freeAfterLastBytes: this.#after.freeBytes,
      chargedAfterLastBytes: Math.ceil(this.#after.usedMib) * MIB,
      allocatedBytes: (this.#allocatedMib - this.#after.allocatedMib) * MIB,
      allocationRate: { meanBytesPerS, deviationBytesPerS },
      cycleTime: { cycles, meanMs, deviationMs },
      samplingMs: 20,
      quietMs: this.#timeMs - this.#lastAllocationMs,
      returnAfterMs: 0,
    };
  }
}
