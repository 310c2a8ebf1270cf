/**
 * Collector: the control loop of one heap. It runs on a thread of its own, never on a mutator's: a mutator that is stuck in an allocation
 * must not block the collection that it waits for.
 *
 * A collection is requested (by a mutator that ran out of memory, by the program, or in time by pacing.ts) and served as one cycle:
 *
 *   prepare  concurrent   tables are cleared, the alias is populated, writes are tracked from here on
 *   mark     concurrent   what the roots lead to is traced; a short pause before that copies the roots
 *   preclean concurrent   rounds that rescan written pages (precleaning.ts), each after another pause that copies the roots
 *   remark   pause        the rest, unless too much was written meanwhile: then it becomes one more round, and the pause comes after that;
 *                         from here on liveness is frozen, new objects count as alive
 *                         (the marker `stopped` does all of it in one pause, `mark`)
 *   weak     concurrent   weak slots of dead objects are cleared, finalizers made ready (only when there are any)
 *   plan     concurrent   dead regions are freed; TypeScript chooses what to evacuate (evacuation.ts), native code
 *                         computes where every object will live
 *   release  concurrent   writes are no longer tracked
 *   flip     pause        the mutator view is emptied and armed, roots are rewritten
 *   compact  concurrent   workers and faulting mutators build every page once
 *   finish   concurrent   the view becomes ordinary memory again; if there was no room to move everything that `full` is to move, the cycle
 *                         goes on with another plan, by the same marks: the next wave (evacuation.ts)
 *   reclaim  concurrent   surplus pages go back to the system, the others are mapped
 *
 * Each step is a native call that takes a slice of time and says whether it is done (native/gc/collector.h has the laws that
 * hold in each). A pause is one call: no JavaScript runs between stop and resume.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nowMs } from '../clock.ts';
import { type Binding, type NativeHeap, MARK_PAUSE } from '../binding.ts';
import { cycleSummary } from './cycle-summary.ts';
import { commonRemedy, describeRefusal } from './refusal-reasons.ts';
import { Evacuation } from './evacuation.ts';
import { copyGraph, type HeapGraph, type TextOptions } from './heap-graph.ts';
import type { PhaseName } from '../binding/cycle-steps.ts';
import type { CycleSummary, HeapEvent, PauseName } from './events.ts';
import type { MarkerName } from './markers.ts';
import { anotherRound, mostPagesInPause } from './policy/precleaning.ts';
import { Pacing } from './pacing.ts';
import type { PolicyOptions } from './policy/policy-options.ts';
import { untilDone } from '../slices.ts';
import { COLLECTION_KINDS, COLLECTION_REASONS, type CollectionKind, type CollectionReason, kindNumber, reasonNumber } from './requests.ts';
import { REGION_BYTES } from '../binding/layout.ts';
import type { Workers } from './workers.ts';

/** A stop that takes longer is reported: a thread computes without polling, or waits without having parked. */
const LATE_STOP_MS = 2000;
/** How long mutators have pages to themselves under `stressFaults`, and how often to check whether one of them requests a collection. */
const LEFT_TO_MUTATORS_MS = 2;
const LOOK_MS = 0.05;

export interface CollectorSetUp {
  readonly native: Binding;
  readonly heap: NativeHeap;
  readonly regions: number;
  readonly capacityRegions: number;
  readonly marker: MarkerName;
  /** If false, requests are answered, but nothing is collected. */
  readonly collects: boolean;
  readonly workers: Workers;
  readonly policy: PolicyOptions;
  readonly emit: (event: HeapEvent) => void;
}

export class Collector {
  readonly #setUp: CollectorSetUp;
  readonly #native: Binding;
  readonly #heap: NativeHeap;
  readonly #evacuation: Evacuation;
  readonly #never = new Int32Array(new SharedArrayBuffer(4));
  readonly #pacing: Pacing;
  #running: Promise<void> | undefined;
  /** Jobs that wait for the end of the running collection. */
  readonly #jobs: (() => void)[] = [];
  #closing = false;
  #faults = { count: 0, totalUs: 0 };

  constructor(setUp: CollectorSetUp) {
    this.#setUp = setUp;
    this.#native = setUp.native;
    this.#heap = setUp.heap;
    this.#evacuation = new Evacuation(setUp);
    this.#pacing = new Pacing({ ...setUp, isBusy: () => this.#running !== undefined || this.#closing });
  }

  /** Finishes what an earlier control thread may have left behind, and starts to listen. */
  start(): void {
    untilDone((sliceMs) => this.#native.recover(this.#heap, sliceMs));
    if (this.#setUp.collects) this.#pacing.start();
  }

  /** A thread has requested a collection, or allocates after a quiet time. Serves requests until there are none. */
  wake(): void {
    this.#running ??= this.#serve().finally(() => {
      this.#running = undefined;
      this.#doJobs();
    });
  }

  /** Walks the whole heap with the world stopped, between collections; returns the number of objects. */
  async verify(): Promise<number> {
    return this.#betweenCollections(() => {
      let objects = -1;
      untilDone((sliceMs) => (objects = this.#native.verifyPause(this.#heap, sliceMs)) >= 0);
      return objects;
    });
  }

  /** Copies the graph with the world stopped, between collections. Throws ERR_NO_MEMORY. */
  async copyGraph(texts: TextOptions): Promise<HeapGraph> {
    return this.#betweenCollections(() => {
      let graph: HeapGraph | undefined;
      this.#untilStopped((sliceMs) => (graph = copyGraph(this.#native, this.#heap, texts, sliceMs)) !== undefined);
      return graph!;
    });
  }

  /** Begins no new collection; resolves when the running one is over. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#pacing.stop();
    await this.#running;
  }

  /** Runs the job at once, or after the running collection, even if other requests are waiting. */
  async #betweenCollections<T>(job: () => T): Promise<T> {
    if (this.#running === undefined) return job();
    return new Promise<T>((fulfil, reject) => {
      this.#jobs.push(() => {
        try {
          fulfil(job());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #doJobs(): void {
    for (const job of this.#jobs.splice(0)) job();
  }

  async #serve(): Promise<void> {
    for (let served = 0; ; served++) {
      const request = this.#closing ? null : this.#native.takeRequest(this.#heap);
      if (request === null) {
        // Woken only because there are events to send.
        if (served === 0 && this.#setUp.collects) this.#pacing.wake();
        return;
      }
      const reason = this.#pacing.begin(COLLECTION_REASONS[request.reason]!, request.byTrigger);
      this.#collect(COLLECTION_KINDS[request.kind]!, reason);
      this.#doJobs();
      await nextTurn();
    }
  }

  #collect(kind: CollectionKind, reason: CollectionReason): void {
    const startMs = nowMs();
    this.#setUp.emit({ type: 'collection-started', timeMs: startMs, kind, reason });
    const cycles = this.#setUp.collects ? 1 : 0;
    if (cycles > 0) this.#withWorkers(() => this.#cycle(kind));
    const { liveBytes } = this.#native.report(this.#heap);
    if (cycles > 0) {
      this.#reclaim(this.#pacing.resize(liveBytes), kind === 'full' && reason === 'explicit');
      this.#pacing.end();
    }
    this.#native.endCollection(this.#heap, reasonNumber(reason), kindNumber(kind));
    const statistics = this.#native.statistics(this.#heap);
    this.#setUp.emit({
      type: 'collection',
      timeMs: nowMs(),
      collection: this.#native.collectionsEnded(this.#heap),
      kind,
      reason,
      cycles,
      durationMs: nowMs() - startMs,
      liveBytes,
      usedBytes: statistics.usedBytes,
      fileBytes: statistics.fileBytes,
      limitBytes: statistics.limitBytes,
    });
  }

  #withWorkers(job: () => void): void {
    const dismiss = this.#setUp.workers.engage();
    try {
      job();
    } finally {
      dismiss();
    }
  }

  #cycle(kind: CollectionKind): void {
    const native = this.#native;
    const heap = this.#heap;
    const startMs = nowMs();
    const cycle = native.statistics(heap).cycles.count + 1;
    this.#setUp.emit({ type: 'cycle-started', timeMs: startMs, cycle });

    this.#phase(cycle, 'prepare', () => untilDone((sliceMs) => native.prepareMarking(heap, sliceMs)));
    this.#mark(cycle);
    this.#processWeak(cycle);

    const evacuation = this.#evacuation;
    let moves = this.#phase(cycle, 'plan', () => {
      native.sweep(heap);
      return evacuation.begin(kind);
    });
    this.#phase(cycle, 'release', () => untilDone((sliceMs) => native.releaseMarking(heap, sliceMs)));
    while (moves) {
      this.#move(cycle);
      if (!evacuation.isUnfinished) break;
      this.#phase(cycle, 'finish', () => untilDone((sliceMs) => native.finishWave(heap, sliceMs)));
      moves = this.#phase(cycle, 'plan', () => evacuation.next());
    }
    this.#phase(cycle, 'finish', () => untilDone((sliceMs) => native.finish(heap, sliceMs)));
    this.#pacing.noteCycle(kind, evacuation.mostTargets, nowMs() - startMs);
    this.#setUp.emit(this.#summary(cycle, startMs));
  }

  /** One wave, as it was planned. */
  #move(cycle: number): void {
    const native = this.#native;
    const heap = this.#heap;
    const refused = native.report(heap).flipRefused !== undefined;
    this.#phase(cycle, 'flip', () => this.#untilStopped((sliceMs) => native.flipPause(heap, sliceMs)));
    this.#pause(cycle, 'flip');
    if (!refused) this.#reportRefusedFlip();
    if (this.#setUp.policy.stressFaults) this.#leaveToMutators();
    this.#phase(cycle, 'compact', () => untilDone((sliceMs) => native.compact(heap, sliceMs)));
  }

  /** Lets mutators build the pages that they touch, until one of them comes to its next safepoint. */
  #leaveToMutators(): void {
    const native = this.#native;
    const until = nowMs() + LEFT_TO_MUTATORS_MS;
    native.tellMutators(this.#heap);
    while (nowMs() < until && !native.isRequested(this.#heap)) Atomics.wait(this.#never, 0, 0, LOOK_MS);
  }

  #mark(cycle: number): void {
    const native = this.#native;
    const heap = this.#heap;
    const { marker } = this.#setUp;
    if (marker !== 'stopped') this.#phase(cycle, 'mark', () => this.#trace(cycle));
    if (marker === 'barrier-free') {
      this.#phase(cycle, 'preclean', () => {
        const writtenPages: number[] = [];
        while (anotherRound(writtenPages)) {
          this.#trace(cycle);
          writtenPages.push(native.writtenPages(heap));
        }
      });
    }
    const last = marker === 'stopped' ? 'mark' : 'remark';
    this.#phase(cycle, last, () => {
      const deferrals: number[] = [];
      while (!this.#endMarking(mostPagesInPause(deferrals))) {
        this.#pause(cycle, 'mark-start');
        untilDone((sliceMs) => native.trace(heap, sliceMs));
        deferrals.push(native.writtenPages(heap));
      }
    });
    this.#pause(cycle, last);
  }

  /** The last pause of marking; false when it became another round. */
  #endMarking(mostWrittenPages: number): boolean {
    let outcome: number = MARK_PAUSE.notStopped;
    this.#untilStopped((sliceMs) => {
      outcome = this.#native.markPause(this.#heap, sliceMs, mostWrittenPages);
      return outcome !== MARK_PAUSE.notStopped;
    });
    return outcome === MARK_PAUSE.marked;
  }

  #processWeak(cycle: number): void {
    const native = this.#native;
    const heap = this.#heap;
    if (!native.weakPending(heap)) return;
    this.#phase(cycle, 'weak', () => untilDone((sliceMs) => native.processWeak(heap, sliceMs)));
    const count = native.report(heap).finalizable;
    if (count > 0) this.#setUp.emit({ type: 'finalizable', timeMs: nowMs(), cycle, count });
  }

  /** Traces from the roots as they are now, and from what was written since the last time. */
  #trace(cycle: number): void {
    this.#untilStopped((sliceMs) => this.#native.rootsPause(this.#heap, sliceMs));
    this.#pause(cycle, 'mark-start');
    untilDone((sliceMs) => this.#native.trace(this.#heap, sliceMs));
  }

  #reclaim(spareBytes: number, everything: boolean): void {
    const { movesEverything } = this.#setUp.policy;
    const keep = everything ? 0 : movesEverything ? this.#setUp.regions * REGION_BYTES : spareBytes;
    this.#phase(this.#native.statistics(this.#heap).cycles.count, 'reclaim', () =>
      untilDone((sliceMs) => this.#native.reclaim(this.#heap, keep, everything, sliceMs)),
    );
  }

  #untilStopped(pause: (sliceMs: number) => boolean): void {
    const begin = nowMs();
    let warned = false;
    untilDone((sliceMs) => {
      if (pause(sliceMs)) return true;
      if (!warned && nowMs() - begin >= LATE_STOP_MS) {
        warned = true;
        this.#degraded(
          `a pause has been waiting for ${LATE_STOP_MS / 1000} s for a mutator to stop; poll in long loops ` +
            '(mutator.poll()), and park around waits (mutator.parked(() => Atomics.wait(...)))',
        );
      }
      return false;
    });
  }

  #reportRefusedFlip(): void {
    const { flipRefused } = this.#native.report(this.#heap);
    if (flipRefused === undefined) return;
    this.#degraded(
      `the kernel refused to swap the views (${describeRefusal(flipRefused)}), so this cycle compacted inside its pause` +
        `; ${commonRemedy(flipRefused.errno) ?? 'run faultline doctor to see what this machine allows'}`,
    );
  }

  #degraded(message: string): void {
    this.#setUp.emit({ type: 'degraded', timeMs: nowMs(), message });
  }

  #phase<T>(cycle: number, phase: PhaseName, run: () => T): T {
    const start = nowMs();
    const result = run();
    const timeMs = nowMs();
    this.#pacing.notePhase(phase, timeMs - start);
    this.#setUp.emit({ type: 'phase', timeMs, cycle, phase, durationMs: timeMs - start });
    return result;
  }

  #pause(cycle: number, pause: PauseName): void {
    // Read the clock first: the pause has just ended.
    const timeMs = nowMs();
    const report = this.#native.report(this.#heap);
    const [pauseNs, safepointNs] = {
      'mark-start': [report.markStartPauseNs, report.markStartSafepointNs],
      mark: [report.markPauseNs, report.markSafepointNs],
      remark: [report.markPauseNs, report.markSafepointNs],
      flip: [report.flipPauseNs, report.flipSafepointNs],
    }[pause] as [number, number];
    this.#pacing.notePause(pauseNs / 1e6);
    this.#setUp.emit({
      type: 'pause',
      timeMs,
      cycle,
      pause,
      pauseUs: pauseNs / 1e3,
      timeToSafepointUs: safepointNs / 1e3,
    });
  }

  #summary(cycle: number, startMs: number): CycleSummary {
    const statistics = this.#native.statistics(this.#heap);
    const { count, totalUs } = statistics.faults;
    const faults = { count: count - this.#faults.count, totalUs: totalUs - this.#faults.totalUs };
    this.#faults = { count, totalUs };
    return cycleSummary({ cycle, startMs, endMs: nowMs(), faults }, this.#native.report(this.#heap), statistics);
  }
}
