/**
 * Pacing: what a heap's control thread knows about time and memory, and the decisions that follow from it: when the heap starts a
 * collection on its own (director.ts), how much of its capacity it means to use (sizing.ts), when memory goes back to the system.
 *
 * The figures come from samples: every few milliseconds while mutators allocate, rarely while they do not. While the control thread is busy
 * or asleep, mutators watch two thresholds themselves (native/node/instance.h): the trigger, at which they request the collection that the
 * next sample would have started, and the alarm, which ends a period of rare samples.
 */
import { nowMs } from '../clock.ts';
import { type Binding, type NativeHeap, PULSE } from '../binding.ts';
import { PAGE_BYTES, REGION_BYTES } from '../binding/layout.ts';
import { AllocationRate } from './policy/allocation-rate.ts';
import { CycleTime } from './policy/cycle-time.ts';
import { consider, type Decision, decide, type DirectorInputs, freeBytes, triggerAt } from './policy/director.ts';
import type { PhaseName } from '../binding/cycle-steps.ts';
import type { HeapEvent } from './events.ts';
import type { PolicyOptions } from './policy/policy-options.ts';
import { type CollectionKind, kindNumber, reasonNumber, type CollectionReason } from './requests.ts';
import { type SizingPolicy, sizingPolicy, spareBytes } from './policy/sizing.ts';

const BUSY_SAMPLING_MS = 20;
const QUIET_SAMPLING_MS = 1000;
/** Samples become rare after this time without allocation. */
const QUIET_AFTER_MS = 100;
/** Time that one sample may spend on giving memory back. */
const RETURN_SLICE_MS = 2;
/** A number of charged regions that is never reached. */
const NEVER = 0xffff_ffff;

export interface PacingSetUp {
  readonly native: Binding;
  readonly heap: NativeHeap;
  readonly capacityRegions: number;
  readonly policy: PolicyOptions;
  readonly emit: (event: HeapEvent) => void;
  /** Whether a collection is running or about to. */
  readonly isBusy: () => boolean;
}

export class Pacing {
  readonly #setUp: PacingSetUp;
  readonly #capacityBytes: number;
  readonly #sizing: SizingPolicy;
  readonly #rate: AllocationRate;
  readonly #cycleTime = new CycleTime();
  readonly #figures = new Float64Array(PULSE.count);
  #timer: NodeJS.Timeout | undefined;
  #limitBytes: number;
  /** The figures after the last collection, or at the start. */
  #after: { freeBytes: number; chargedBytes: number; allocatedBytes: number; timeMs: number };
  /** Whether `#after` is from the end of a collection. */
  #collected = false;
  #last: { allocatedBytes: number; allocatedMs: number };
  #stopped = false;
  #returned: 'nothing' | 'some' | 'all' = 'nothing';
  #fileBytesBefore = 0;
  /** The decision for which the trigger is armed, or which a sample has requested. */
  #armed: Decision | undefined;
  #asked: Decision | undefined;
  /** Cycles of the running collection. */
  #cycles = 0;
  #cyclesMs = 0;
  #targetRegions = 0;

  constructor(setUp: PacingSetUp) {
    this.#setUp = setUp;
    this.#capacityBytes = setUp.capacityRegions * REGION_BYTES;
    this.#sizing = sizingPolicy(setUp.policy, this.#capacityBytes);
    this.#limitBytes = this.#sizing.initialBytes;
    const timeMs = nowMs();
    const { allocatedBytes, chargedBytes } = this.#pulse();
    this.#rate = new AllocationRate(allocatedBytes, timeMs);
    this.#last = { allocatedBytes, allocatedMs: timeMs };
    this.#after = { freeBytes: 0, chargedBytes, allocatedBytes, timeMs };
  }

  /** Arms the trigger and begins to sample. */
  start(): void {
    this.#limit(this.#limitBytes);
    this.#remember(nowMs());
    this.#arm();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Mutators allocate again. */
  wake(): void {
    if (!this.#stopped) this.#look();
  }

  /** Takes note of what was allocated, whatever the control thread is doing. */
  sample(): void {
    const timeMs = nowMs();
    const { allocatedBytes } = this.#pulse();
    this.#rate.sample(allocatedBytes, timeMs);
    if (allocatedBytes === this.#last.allocatedBytes) return;
    this.#last = { allocatedBytes, allocatedMs: timeMs };
    this.#returned = 'nothing';
  }

  notePhase(phase: PhaseName, durationMs: number): void {
    this.#cycleTime.notePhase(phase, durationMs);
    this.sample();
  }

  notePause(ms: number): void {
    this.#rate.noteStopped(ms);
  }

  noteCycle(kind: CollectionKind, targetRegions: number, durationMs: number): void {
    this.#cycleTime.endCycle(kind, targetRegions > 0);
    this.#cycles++;
    this.#targetRegions = Math.max(this.#targetRegions, targetRegions);
    this.#cyclesMs += durationMs;
  }

  /** A collection begins. Reports the rule that started it, and returns the reason. */
  begin(reason: CollectionReason, byTrigger: boolean): CollectionReason {
    const decision = byTrigger ? this.#armed : this.#asked;
    this.#asked = undefined;
    this.#setUp.native.setTrigger(this.#setUp.heap, NEVER, NEVER);
    this.#cycles = 0;
    this.#cyclesMs = 0;
    this.#targetRegions = 0;
    // Another thread may have requested it first.
    if (decision === undefined || (!byTrigger && decision.reason !== reason)) return reason;
    const timeMs = nowMs();
    const inputs = this.#inputs(timeMs);
    this.#setUp.emit({
      type: 'trigger',
      timeMs,
      rule: decision.rule,
      reason: decision.reason,
      noticedBy: byTrigger ? 'allocation' : 'sample',
      inputs,
      verdicts: consider(inputs),
    });
    return decision.reason;
  }

  /** The cycles are over, memory is about to be reclaimed: sets the new limit and returns how many bytes to keep for recycling. */
  resize(liveBytes: number): number {
    const timeMs = nowMs();
    const { chargedBytes, allocatedBytes } = this.#pulse();
    const takenBytes = allocatedBytes - this.#after.allocatedBytes;
    this.#limit(
      this.#sizing.limitAfter({
        chargedBytes,
        liveBytes,
        allocatedBytes: takenBytes,
        elapsedMs: timeMs - this.#after.timeMs,
        cyclesMs: this.#cyclesMs,
        cycles: this.#cycles,
      }),
    );
    this.#remember(timeMs);
    return spareBytes({
      untilTriggerBytes: triggerAt(this.#inputs(timeMs)).regions * REGION_BYTES - chargedBytes,
      // Before the first collection a program builds its working data; that says nothing about the time to the next collection.
      takenBytes: this.#collected ? takenBytes : 0,
      targetBytes: this.#targetRegions * REGION_BYTES,
    });
  }

  /** A collection has ended. */
  end(): void {
    this.#returned = 'nothing';
    this.#collected = true;
    this.#remember(nowMs());
    this.#arm();
    this.#schedule();
  }

  #pulse(): { chargedBytes: number; openBytes: number; allocatedBytes: number } {
    const { native, heap } = this.#setUp;
    native.pulse(heap, this.#figures);
    return {
      chargedBytes: this.#figures[PULSE.chargedRegions]! * REGION_BYTES,
      openBytes: this.#figures[PULSE.openPages]! * PAGE_BYTES,
      allocatedBytes: this.#figures[PULSE.handedOutPages]! * PAGE_BYTES,
    };
  }

  #inputs(timeMs: number): DirectorInputs {
    const { chargedBytes, openBytes, allocatedBytes } = this.#pulse();
    const { meanBytesPerS, deviationBytesPerS } = this.#rate;
    const { cycles, meanMs, deviationMs } = this.#cycleTime;
    return {
      capacityBytes: this.#capacityBytes,
      limitBytes: this.#limitBytes,
      chargedBytes,
      openBytes,
      freeAfterLastBytes: this.#after.freeBytes,
      chargedAfterLastBytes: this.#after.chargedBytes,
      allocatedBytes: allocatedBytes - this.#after.allocatedBytes,
      allocationRate: { meanBytesPerS, deviationBytesPerS },
      cycleTime: { cycles, meanMs, deviationMs },
      samplingMs: BUSY_SAMPLING_MS,
      quietMs: timeMs - this.#last.allocatedMs,
      returnAfterMs: this.#setUp.policy.returnAfterMs,
    };
  }

  #remember(timeMs: number): void {
    const { chargedBytes, allocatedBytes } = this.#pulse();
    this.#after = { freeBytes: freeBytes(this.#inputs(timeMs)), chargedBytes, allocatedBytes, timeMs };
  }

  #limit(bytes: number): void {
    this.#limitBytes = bytes;
    this.#setUp.native.setLimit(this.#setUp.heap, bytes / REGION_BYTES);
  }

  #arm(): void {
    const inputs = this.#inputs(nowMs());
    const { regions, decision } = triggerAt(inputs);
    this.#armed = decision;
    const alarm = this.#isQuiet() ? inputs.chargedBytes / REGION_BYTES + 1 : NEVER;
    this.#setUp.native.setTrigger(this.#setUp.heap, regions, alarm);
  }

  #isQuiet(): boolean {
    return nowMs() - this.#last.allocatedMs >= QUIET_AFTER_MS;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const { returnAfterMs } = this.#setUp.policy;
    const untilReturnMs = this.#last.allocatedMs + returnAfterMs - nowMs();
    const rarely = returnAfterMs > 0 && this.#returned !== 'all' ? Math.min(QUIET_SAMPLING_MS, untilReturnMs) : QUIET_SAMPLING_MS;
    this.#timer = setTimeout(() => this.#look(), this.#isQuiet() ? Math.max(BUSY_SAMPLING_MS, rarely) : BUSY_SAMPLING_MS);
    // Sampling alone must not keep the thread alive.
    this.#timer.unref();
  }

  #look(): void {
    this.sample();
    if (!this.#setUp.isBusy()) this.#act();
    this.#schedule();
  }

  #act(): void {
    const inputs = this.#inputs(nowMs());
    const decision = decide(inputs);
    if (decision !== undefined) {
      this.#asked = decision;
      this.#setUp.native.requestCollection(this.#setUp.heap, kindNumber('compact'), reasonNumber(decision.reason));
      return;
    }
    this.#arm();
    const { returnAfterMs, quietMs } = inputs;
    if (returnAfterMs > 0 && quietMs >= returnAfterMs && this.#returned !== 'all') this.#returnMemory();
  }

  #returnMemory(): void {
    const { native, heap, emit } = this.#setUp;
    if (this.#returned === 'nothing') this.#fileBytesBefore = native.statistics(heap).fileBytes;
    this.#returned = native.reclaim(heap, 0, true, RETURN_SLICE_MS) ? 'all' : 'some';
    if (this.#returned !== 'all') return;
    const { fileBytes } = native.statistics(heap);
    const returnedBytes = this.#fileBytesBefore - fileBytes;
    if (returnedBytes > 0) emit({ type: 'memory-returned', timeMs: nowMs(), returnedBytes, fileBytes });
  }
}
