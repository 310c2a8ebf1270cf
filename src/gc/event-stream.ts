/**
 * Event stream: one thread's end of a heap's events. It hands them to the heap's listeners, to `node:diagnostics_channel` and,
 * on request, to `performance.measure`, and lets the thread wait for the end of a collection.
 */
import { channel } from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { CLOCK_ORIGIN_MS } from '../clock.ts';
import { HeapError } from '../errors.ts';
import { type CollectionSummary, type CycleSummary, channelName, DIAGNOSTICS, type HeapCommand, type HeapEvent } from './events.ts';
import { type SnapshotAnswer, snapshotError, type SnapshotOrder, type SnapshotProgress, type SnapshotSummary } from './snapshots.ts';

/** How long a waiting thread goes without looking whether there is still a control thread. */
const LOOK_AFTER_CONTROL_MS = 100;

/** Where the collections come from that somebody waits for. */
export interface CollectionSource {
  /** Asks for a collection; the answer is its number. */
  request(): number;
  hasEnded(ticket: number): boolean;
  /** Starts a control thread if there is none any more. */
  keepControl(): void;
}

interface CollectionWaiter {
  ticket: number;
  readonly resolve: (summary: CollectionSummary) => void;
}

interface SnapshotListener {
  readonly onProgress: ((progress: SnapshotProgress) => void) | undefined;
  readonly onEnd: (answer: SnapshotAnswer) => void;
}

const channels = {
  cycle: channel(DIAGNOSTICS.cycle),
  phase: channel(DIAGNOSTICS.phase),
  pause: channel(DIAGNOSTICS.pause),
  collection: channel(DIAGNOSTICS.collection),
  trigger: channel(DIAGNOSTICS.trigger),
};

/** @internal */
export class EventStream {
  readonly #channel: BroadcastChannel;
  readonly #measures: boolean;
  readonly #tell: (event: HeapEvent) => void;
  readonly #collections = new Set<CollectionWaiter>();
  readonly #verifications = new Map<string, (objects: number) => void>();
  readonly #snapshots = new Map<string, SnapshotListener>();
  /** Ends every wait with an error. */
  readonly #refusals = new Set<(error: unknown) => void>();
  #timer: NodeJS.Timeout | undefined;
  #controlEnded: (() => void) | undefined;

  constructor(heapId: number, measures: boolean, tell: (event: HeapEvent) => void) {
    this.#measures = measures;
    this.#tell = tell;
    this.#channel = new BroadcastChannel(channelName(heapId));
    this.#channel.onmessage = (message: unknown) => this.#receive((message as { data: HeapEvent | HeapCommand }).data);
    // Listening does not keep a thread alive; waiting does (see awaitCollection).
    this.#channel.unref();
  }

  /** Asks for a collection and resolves when it is over. Rejects with ERR_HEAP_CLOSED when the heap is closed before. */
  async awaitCollection(source: CollectionSource): Promise<CollectionSummary> {
    const ticket = source.request();
    let waiter: CollectionWaiter | undefined;
    let ended = false;
    try {
      return await this.#wait<CollectionSummary>(
        (resolve) => this.#collections.add((waiter = { ticket, resolve })),
        () => {
          source.keepControl();
          // Over for a while without a word: the control thread died with the news. Another collection will do.
          if (ended) waiter!.ticket = source.request();
          ended = source.hasEnded(waiter!.ticket);
        },
      );
    } finally {
      this.#collections.delete(waiter!);
    }
  }

  /** Has the control thread walk the whole heap; resolves to the number of objects. */
  async verify(source: CollectionSource): Promise<number> {
    const id = randomUUID();
    // Asked again and again: a thread that is still starting does not hear the first time.
    const ask = (): void => this.#channel.postMessage({ type: 'verify', id } satisfies HeapCommand);
    try {
      return await this.#wait<number>(
        (resolve) => {
          this.#verifications.set(id, resolve);
          ask();
        },
        () => {
          source.keepControl();
          ask();
        },
      );
    } finally {
      this.#verifications.delete(id);
    }
  }

  /** Has the control thread write a snapshot. Rejects with what went wrong there. */
  async snapshot(source: CollectionSource, order: SnapshotOrder, onProgress: SnapshotListener['onProgress']): Promise<SnapshotSummary> {
    const id = randomUUID();
    const ask = (): void => this.#channel.postMessage({ type: 'snapshot', id, order } satisfies HeapCommand);
    try {
      const answer = await this.#wait<SnapshotAnswer>(
        (onEnd) => {
          this.#snapshots.set(id, { onProgress, onEnd });
          ask();
        },
        () => {
          source.keepControl();
          ask();
        },
      );
      if ('failure' in answer) throw snapshotError(answer.failure);
      return answer.summary;
    } finally {
      this.#snapshots.delete(id);
    }
  }

  /** Waits, keeps the thread alive meanwhile, and looks after things now and then. */
  async #wait<T>(begin: (resolve: (value: T) => void) => void, look: () => void): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let refuse: ((error: unknown) => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#refusals.add((refuse = reject));
        begin(resolve);
        timer = setInterval(() => {
          try {
            look();
          } catch (error) {
            reject(error);
          }
        }, LOOK_AFTER_CONTROL_MS);
      });
    } finally {
      clearInterval(timer);
      this.#refusals.delete(refuse!);
    }
  }

  /** Asks the control thread to end, if there is one; resolves when there is none. */
  async endControl(isThere: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (isThere()) this.#channel.postMessage({ type: 'close' } satisfies HeapCommand);
        else resolve();
      };
      // One that has just begun to listen hears one of the repeated requests; one that was ended from outside answers none.
      this.#timer = setInterval(look, LOOK_AFTER_CONTROL_MS);
      this.#controlEnded = look;
      look();
    });
    clearInterval(this.#timer);
  }

  close(): void {
    this.#channel.close();
    const error = new HeapError('ERR_HEAP_CLOSED', 'the heap was closed before this was done; await it before you close.');
    for (const refuse of this.#refusals) refuse(error);
  }

  #receive(data: HeapEvent | HeapCommand): void {
    if (data.type === 'close' || data.type === 'verify' || data.type === 'snapshot') return;
    if (data.type === 'verified') {
      this.#verifications.get(data.id)?.(data.objects);
      return;
    }
    if (data.type === 'snapshot-progress') {
      this.#snapshots.get(data.id)?.onProgress?.(data.progress);
      return;
    }
    if (data.type === 'snapshot-ended') {
      this.#snapshots.get(data.id)?.onEnd(data.answer);
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
    for (const waiter of this.#collections) {
      if (((summary.collection - waiter.ticket) | 0) >= 0) waiter.resolve(summary);
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
    start: Math.max(0, cycle.startMs - CLOCK_ORIGIN_MS),
    duration: cycle.durationMs,
    detail: cycle,
  });
}
