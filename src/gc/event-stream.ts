/**
 * Event stream: one thread's end of a heap's events. It hands them to the heap's listeners, to `node:diagnostics_channel` and,
 * on request, to `performance.measure`, and lets the thread wait for the end of a collection.
 */
import { channel } from 'node:diagnostics_channel';
import { BroadcastChannel } from 'node:worker_threads';
import { type CollectionSummary, type CycleSummary, channelName, DIAGNOSTICS, type HeapCommand, type HeapEvent } from './events.ts';

/** How long a waiting thread goes without looking whether there is still a control thread. */
const LOOK_AFTER_CONTROL_MS = 100;

interface Waiter {
  readonly ticket: number;
  readonly resolve: (summary: CollectionSummary) => void;
}

const channels = {
  cycle: channel(DIAGNOSTICS.cycle),
  phase: channel(DIAGNOSTICS.phase),
  pause: channel(DIAGNOSTICS.pause),
  collection: channel(DIAGNOSTICS.collection),
};

/** @internal */
export class EventStream {
  readonly #channel: BroadcastChannel;
  readonly #measures: boolean;
  readonly #tell: (event: HeapEvent) => void;
  readonly #waiters = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;
  #controlEnded: (() => void) | undefined;
  #verified: ((objects: number) => void) | undefined;

  constructor(heapId: number, measures: boolean, tell: (event: HeapEvent) => void) {
    this.#measures = measures;
    this.#tell = tell;
    this.#channel = new BroadcastChannel(channelName(heapId));
    this.#channel.onmessage = (message: unknown) => this.#receive((message as { data: HeapEvent | HeapCommand }).data);
    // Listening does not keep a thread alive; waiting does (see awaitCollection).
    this.#channel.unref();
  }

  /** Resolves when collection number `ticket` is over. `lookAfter` is called now and then meanwhile. */
  async awaitCollection(ticket: number, lookAfter: () => void): Promise<CollectionSummary> {
    const timer = setInterval(lookAfter, LOOK_AFTER_CONTROL_MS);
    try {
      return await new Promise((resolve) => this.#waiters.add({ ticket, resolve }));
    } finally {
      clearInterval(timer);
    }
  }

  /** Has the control thread walk the whole heap; resolves to the number of objects. */
  async verify(): Promise<number> {
    const keepAlive = setInterval(() => {}, LOOK_AFTER_CONTROL_MS);
    this.#channel.postMessage({ type: 'verify' } satisfies HeapCommand);
    const objects = await new Promise<number>((resolve) => (this.#verified = resolve));
    clearInterval(keepAlive);
    return objects;
  }

  /** Asks the control thread to end; resolves when it has. */
  async endControl(isGone: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#controlEnded = resolve;
      // A thread that is still starting hears one of the repeated requests; one that is gone answers none.
      const ask = (): void => {
        if (isGone()) resolve();
        else this.#channel.postMessage({ type: 'close' } satisfies HeapCommand);
      };
      this.#timer = setInterval(ask, LOOK_AFTER_CONTROL_MS);
      ask();
    });
    clearInterval(this.#timer);
  }

  close(): void {
    this.#channel.close();
  }

  #receive(data: HeapEvent | HeapCommand): void {
    if (data.type === 'close' || data.type === 'verify') return;
    if (data.type === 'verified') {
      this.#verified?.(data.objects);
      return;
    }
    if (data.type === 'control-ended') {
      this.#controlEnded?.();
      return;
    }
    this.#publish(data);
    this.#tell(data);
    if (data.type === 'collection') this.#release(data);
  }

  #release(summary: CollectionSummary): void {
    for (const waiter of this.#waiters) {
      if (((summary.collection - waiter.ticket) | 0) < 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(summary);
    }
  }

  #publish(event: HeapEvent): void {
    const target = Object.hasOwn(channels, event.type) ? channels[event.type as keyof typeof channels] : undefined;
    if (target?.hasSubscribers === true) target.publish(event);
    if (this.#measures && event.type === 'cycle') measure(event);
  }
}

function measure(cycle: CycleSummary): void {
  performance.measure(`faultline cycle ${cycle.cycle}`, {
    start: Math.max(0, cycle.startMs - performance.timeOrigin),
    duration: cycle.durationMs,
    detail: cycle,
  });
}
