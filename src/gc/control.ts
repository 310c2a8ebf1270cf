/**
 * Control: what a heap's control thread does. It runs the collector, and serves the requests that the heap's threads send through its
 * channel. If there is a control thread already, or the heap is closed, a new one has nothing to do and ends.
 */
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import { binding, type HeapDescription } from '../binding.ts';
import { nowMs } from '../clock.ts';
import type { ControlData } from './control-start.ts';
import { attachedTo, type HeapToken } from '../heap/token.ts';
import { Collector } from './collector.ts';
import { type Answer, channelName, type Question } from './control-channel.ts';
import type { HeapEvent } from './events.ts';
import { type FaultMode, traitsOf } from './fault-modes.ts';
import type { MarkerName } from './markers.ts';
import { SnapshotService } from './snapshots.ts';
import { Workers } from './workers.ts';

class Control {
  readonly #native = binding();
  readonly #description: HeapDescription;
  readonly #channel: BroadcastChannel;
  readonly #workers: Workers;
  readonly #collector: Collector;
  readonly #snapshots: SnapshotService;
  /** Those being served: a waiting thread may ask more than once. */
  readonly #verifications = new Set<string>();
  #closing: Promise<void> | undefined;

  constructor(token: HeapToken, description: HeapDescription) {
    const native = this.#native;
    this.#description = description;
    this.#channel = new BroadcastChannel(channelName(token.id));
    this.#workers = new Workers(token, (message) => this.#emit({ type: 'degraded', timeMs: nowMs(), message }));
    this.#collector = new Collector({
      native,
      heap: description.heap,
      regions: description.regions,
      capacityRegions: description.capacityRegions,
      marker: description.marker as MarkerName,
      collects: traitsOf(description.faultMode as FaultMode).collects,
      workers: this.#workers,
      policy: token.policy,
      emit: (event) => this.#emit(event),
    });
    this.#snapshots = new SnapshotService({
      native,
      heap: description.heap,
      copyGraph: (texts) => this.#collector.copyGraph(texts),
      onProgress: (id, progress) => this.#answer({ type: 'snapshot-progress', id, progress }),
      onEnd: (id, answer) => this.#answer({ type: 'snapshot-ended', id, answer }),
    });
  }

  start(): void {
    // The unfinished cycle of an earlier control thread comes first: requests arrive when the event loop turns.
    this.#collector.start();
    this.#channel.onmessage = (message: unknown) => {
      const question = (message as { data: Question }).data;
      // A thread that waits for the end asks more than once.
      if (question.type === 'close') this.#closing ??= this.#close();
      if (question.type === 'verify') void this.#verify(question.id);
      if (question.type === 'snapshot') this.#snapshots.request(question.id, question.order);
    };
  }

  wake(): void {
    this.#collector.wake();
  }

  async #close(): Promise<void> {
    await this.#snapshots.close();
    await this.#collector.close();
    await this.#workers.close();
    this.#native.resignControl(this.#description.heap);
    this.#native.release(this.#description.heap);
    this.#answer({ type: 'control-ended' });
    this.#channel.close();
    parentPort?.close();
  }

  async #verify(id: string): Promise<void> {
    if (this.#verifications.has(id)) return;
    this.#verifications.add(id);
    this.#answer({ type: 'verified', id, objects: await this.#collector.verify() });
    this.#verifications.delete(id);
  }

  #emit(event: HeapEvent): void {
    this.#channel.postMessage(event);
  }

  #answer(answer: Answer): void {
    this.#channel.postMessage(answer);
  }
}

const { token } = workerData as ControlData;
const description = attachedTo(token);
if (description !== undefined) {
  let control: Control | undefined;
  if (binding().becomeControl(description.heap, () => control?.wake())) {
    control = new Control(token, description);
    control.start();
  } else binding().release(description.heap);
}
