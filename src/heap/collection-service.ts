/**
 * Collection service: what one thread asks of a heap's collector, and how it sees to it that there is one. The collector lives on a
 * control thread of its own (gc/control-thread.ts); whoever waits for it looks now and then whether it still lives, and starts another.
 */
import { Worker } from 'node:worker_threads';
import type { Binding, HeapDescription } from '../binding.ts';
import { optionsOf } from '../errors.ts';
import type { CollectionSource } from '../gc/event-stream.ts';
import { type CollectionKind, type CollectionReason, type CollectionRequest, kindNumber, reasonNumber } from '../gc/requests.ts';
import type { CollectionHost } from './allocation.ts';
import { REGION_BYTES } from './layout.ts';
import type { HeapToken } from './token.ts';

/** A control thread that was started and is not there after this time is taken for dead. */
const CONTROL_PATIENCE_MS = 5_000;

/** @internal */
export class CollectionService implements CollectionHost {
  readonly native: Binding;
  readonly #token: HeapToken;
  readonly #description: HeapDescription;

  constructor(native: Binding, token: HeapToken, description: HeapDescription) {
    this.native = native;
    this.#token = token;
    this.#description = description;
  }

  request(kind: CollectionKind, reason: CollectionReason): number {
    return this.native.requestCollection(this.#description.heap, kindNumber(kind), reasonNumber(reason));
  }

  hasEnded(ticket: number): boolean {
    // Both numbers are 32 bits and run around.
    return ((this.native.collectionsEnded(this.#description.heap) - ticket) | 0) >= 0;
  }

  /** Starts a control thread if there is none. */
  keepControl(): void {
    if (!this.claimControl()) return;
    const worker = new Worker(new URL('../gc/control-thread.js', import.meta.url), {
      name: `faultline-control-${this.#token.id}`,
      workerData: this.#token,
      execArgv: [],
    });
    worker.unref();
    worker.on('error', (error) => {
      process.emitWarning(`the collector's thread ended with an error: ${error.stack ?? error.message}`, {
        code: 'FAULTLINE_COLLECTOR',
      });
    });
  }

  /** Whether there is no control thread; this one may start it, or be sure that none will come. */
  claimControl(): boolean {
    return this.native.claimControl(this.#description.heap, CONTROL_PATIENCE_MS);
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

  /** The same collection, asked for once or again. */
  source(request?: CollectionRequest): CollectionSource {
    const { kind = 'compact', reason = 'explicit' } = optionsOf('request', request);
    return {
      request: () => this.request(kind, reason),
      hasEnded: (ticket) => this.hasEnded(ticket),
      keepControl: () => this.keepControl(),
    };
  }
}
