/**
 * Collection service: how one thread requests collections from a heap's collector, and makes sure that there is one. The collector runs on
 * a control thread of its own (gc/control-thread.ts); a waiting thread checks from time to time whether that is alive, and starts another
 * if not.
 */
import { type Binding, CONTROL, type HeapDescription } from '../binding.ts';
import { clockMs } from '../clock.ts';
import { type HeapError, optionsOf } from '../errors.ts';
import { type FaultMode, traitsOf } from '../gc/fault-modes.ts';
import type { CollectionSource } from '../gc/control-channel.ts';
import { type CollectionKind, type CollectionReason, type CollectionRequest, kindNumber, reasonNumber } from '../gc/requests.ts';
import type { CollectionHost } from './safepoint.ts';
import { noCollector } from '../gc/control-failure.ts';
import { ControlStart } from '../gc/control-start.ts';
import { REGION_BYTES } from '../binding/layout.ts';
import type { HeapToken } from './token.ts';

/** How long a waiting thread leaves it to others to start a control thread, and after how long it asks them again. */
const OTHERS_FIRST_MS = 200;
const ASK_AGAIN_MS = 2000;

/** @internal */
export class CollectionService implements CollectionHost {
  readonly native: Binding;
  readonly collects: boolean;
  readonly #token: HeapToken;
  readonly #description: HeapDescription;
  readonly #askOthers: () => void;
  #start: ControlStart | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  /** `askOthers` makes other threads of the heap call {@link keepControl}, when their event loops turn. */
  constructor(native: Binding, token: HeapToken, description: HeapDescription, askOthers: () => void) {
    this.native = native;
    this.#askOthers = askOthers;
    this.#token = token;
    this.#description = description;
    this.collects = traitsOf(description.faultMode as FaultMode).collects;
  }

  request(kind: CollectionKind, reason: CollectionReason): number {
    return this.native.requestCollection(this.#description.heap, kindNumber(kind), reasonNumber(reason));
  }

  hasEnded(ticket: number): boolean {
    // Both numbers are 32 bits and wrap around.
    return ((this.native.collectionsEnded(this.#description.heap) - ticket) | 0) >= 0;
  }

  /** Starts the first one, for the thread that makes the heap. Throws ERR_COLLECTOR_MISSING if Node does not start a thread at all. */
  startControl(): void {
    this.#startIfMissing();
    if (this.#start === undefined) throw this.#missing();
  }

  /**
   * Called from time to time by the event loop while a thread waits for the collector: starts a control thread if there is none any more.
   * After a few failures in a row, in any thread, it throws ERR_COLLECTOR_MISSING.
   */
  keepControl(): void {
    this.#start?.look();
    this.#startIfMissing();
  }

  /**
   * The same for a thread that waits without turning its event loop, when there is no control thread. A time limit may cut it anywhere,
   * even in the middle of Node's constructors, and what those leave behind throws when it is closed. So the threads that turn their event
   * loops are asked first, because no time limit cuts those.
   */
  keepControlWaiting(): void {
    this.#start?.look();
    const sinceMs = clockMs() - this.#askedMs;
    if (sinceMs > ASK_AGAIN_MS) {
      this.#askedMs = clockMs();
      this.#askOthers();
    } else if (sinceMs > OTHERS_FIRST_MS) this.#startIfMissing();
  }

  #startIfMissing(): void {
    const claim = this.native.claimControl(this.#description.heap);
    if (claim === CONTROL.givenUp) throw this.#missing();
    if (claim <= 0) return;
    try {
      this.#start = new ControlStart(this.native, this.#description.heap, claim, this.#token);
    } catch {
      // The failure is counted; whether there is another try is decided when the next is due.
      this.#start = undefined;
    }
  }

  #missing(): HeapError {
    return noCollector(this.native.controlFailure(this.#description.heap));
  }

  figures(): { liveBytes: number; freeBytes: number; capacityBytes: number } {
    const figures = this.native.statistics(this.#description.heap);
    const freeRegions = Math.max(0, this.#description.capacityRegions - figures.chargedRegions);
    return {
      liveBytes: this.native.report(this.#description.heap).liveBytes,
      freeBytes: freeRegions * REGION_BYTES,
      capacityBytes: figures.capacityBytes,
    };
  }

  /** Requests the same collection, once or again. */
  source(request?: CollectionRequest): CollectionSource {
    const { kind = 'compact', reason = 'explicit' } = optionsOf('request', request);
    return {
      request: () => this.request(kind, reason),
      hasEnded: (ticket) => this.hasEnded(ticket),
      keepControl: () => this.keepControl(),
    };
  }
}
