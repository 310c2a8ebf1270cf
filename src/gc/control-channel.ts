/**
 * Control channel: one thread's end of the channel to a heap's control thread. Questions go there, with an id if there can be several, and
 * the answers come back:
 *
 *     thread           control thread
 *     verify       ──▶
 *                  ◀── verified
 *     snapshot     ──▶
 *                  ◀── snapshot-progress … snapshot-ended
 *     close        ──▶
 *                  ◀── control-ended
 *
 * If there is no control thread any more, a thread that is not in a position to start one asks the others to: start-control.
 *
 * A collection is requested by a native call, and answered by the event that reports its end. Events come by the same channel, so that they
 * arrive in order with the answers, and are passed on to the event stream.
 *
 * A control thread that is still starting hears nothing, and it may end before it answers. So a waiting thread checks from time to time
 * whether there is a control thread, and asks again.
 */
import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { HeapError } from '../errors.ts';
import type { CollectionSummary, HeapEvent } from './events.ts';
import { type SnapshotAnswer, snapshotError, type SnapshotOrder, type SnapshotProgress, type SnapshotSummary } from './snapshots.ts';

/** @internal */
export type Question =
  | { readonly type: 'close' }
  | { readonly type: 'start-control' }
  | { readonly type: 'verify'; readonly id: string }
  | { readonly type: 'snapshot'; readonly id: string; readonly order: SnapshotOrder };

/** @internal */
export type Answer =
  | { readonly type: 'control-ended' }
  | { readonly type: 'verified'; readonly id: string; readonly objects: number }
  | { readonly type: 'snapshot-progress'; readonly id: string; readonly progress: SnapshotProgress }
  | { readonly type: 'snapshot-ended'; readonly id: string; readonly answer: SnapshotAnswer };

/** @internal The name under which the threads of a heap find its channel. */
export function channelName(heapId: number): string {
  return `faultline:${heapId}`;
}

/** How often a waiting thread checks whether there is still a control thread. */
const LOOK_AFTER_CONTROL_MS = 100;

/** Requests the collection that a thread waits for. */
export interface CollectionSource {
  /** Requests a collection; returns its number. */
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

/** @internal Receives what comes by the channel for this thread, in a turn of its event loop. */
export interface ChannelListener {
  publish(event: HeapEvent): void;
  /** Starts a control thread if there is none. May throw ERR_COLLECTOR_MISSING. */
  keepControl(): void;
}

/** @internal */
export class ControlChannel {
  readonly #channel: BroadcastChannel;
  readonly #listener: ChannelListener;
  readonly #collections = new Set<CollectionWaiter>();
  readonly #verifications = new Map<string, (objects: number) => void>();
  readonly #snapshots = new Map<string, SnapshotListener>();
  /** Ends every wait with an error. */
  readonly #refusals = new Set<(error: unknown) => void>();
  #controlEnded: (() => void) | undefined;

  constructor(heapId: number, listener: ChannelListener) {
    this.#listener = listener;
    this.#channel = new BroadcastChannel(channelName(heapId));
    this.#channel.onmessage = (message: unknown) => this.#receive((message as { data: HeapEvent | Question | Answer }).data);
    // Listening does not keep a thread alive; waiting does.
    this.#channel.unref();
  }

  /** Requests a collection and resolves when it is over. Rejects with ERR_HEAP_CLOSED if the heap is closed before. */
  async awaitCollection(source: CollectionSource): Promise<CollectionSummary> {
    const ticket = source.request();
    let waiter: CollectionWaiter | undefined;
    let ended = false;
    try {
      return await this.#wait<CollectionSummary>(
        (resolve) => this.#collections.add((waiter = { ticket, resolve })),
        () => {
          source.keepControl();
          // It ended a while ago, but its event has not come: the control thread died before sending it. Request another.
          if (ended) waiter!.ticket = source.request();
          ended = source.hasEnded(waiter!.ticket);
        },
      );
    } finally {
      this.#collections.delete(waiter!);
    }
  }

  /** Makes the control thread walk the whole heap; resolves to the number of objects. */
  async verify(source: CollectionSource): Promise<number> {
    const id = randomUUID();
    const ask = (): void => this.#ask({ type: 'verify', id });
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

  /** Makes the control thread write a snapshot. Rejects with its error. */
  async snapshot(source: CollectionSource, order: SnapshotOrder, onProgress: SnapshotListener['onProgress']): Promise<SnapshotSummary> {
    const id = randomUUID();
    const ask = (): void => this.#ask({ type: 'snapshot', id, order });
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

  #ask(question: Question): void {
    this.#channel.postMessage(question);
  }

  /** Waits, keeps the thread alive meanwhile, and calls `look` from time to time. */
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
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (isThere()) this.#ask({ type: 'close' });
        else resolve();
      };
      timer = setInterval(look, LOOK_AFTER_CONTROL_MS);
      this.#controlEnded = look;
      look();
    });
    clearInterval(timer);
  }

  /** There is no answer: the thread that asks checks by itself. */
  askForControl(): void {
    this.#ask({ type: 'start-control' });
  }

  close(): void {
    this.#channel.close();
    const error = new HeapError('ERR_HEAP_CLOSED', 'the heap was closed before this was done; await it before closing the heap.');
    for (const refuse of this.#refusals) refuse(error);
  }

  #receive(data: HeapEvent | Question | Answer): void {
    switch (data.type) {
      case 'start-control':
        this.#startControl();
        return;
      // Questions of other threads to the control thread.
      case 'close':
      case 'verify':
      case 'snapshot':
        return;
      case 'verified':
        this.#verifications.get(data.id)?.(data.objects);
        return;
      case 'snapshot-progress':
        this.#snapshots.get(data.id)?.onProgress?.(data.progress);
        return;
      case 'snapshot-ended':
        this.#snapshots.get(data.id)?.onEnd(data.answer);
        return;
      case 'control-ended':
        this.#controlEnded?.();
        return;
      default:
        this.#listener.publish(data);
        if (data.type === 'collection') this.#release(data);
    }
  }

  #startControl(): void {
    try {
      this.#listener.keepControl();
    } catch {
      // The thread that asked receives that too.
    }
  }

  #release(summary: CollectionSummary): void {
    for (const waiter of this.#collections) {
      if (((summary.collection - waiter.ticket) | 0) >= 0) waiter.resolve(summary);
    }
  }
}
