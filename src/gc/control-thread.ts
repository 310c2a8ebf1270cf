/**
 * Control thread: the worker thread that a heap's collector lives on. Started by whoever makes the heap, or by a thread that
 * needs a collection and finds that there is no control thread any more.
 */
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import { binding } from '../binding.ts';
import { attachNative, type HeapToken } from '../heap/token.ts';
import { Collector } from './collector.ts';
import { channelName, type HeapCommand, type HeapEvent } from './events.ts';
import type { MarkerName } from './markers.ts';
import { SnapshotService } from './snapshots.ts';
import { Workers } from './workers.ts';

const token = workerData as HeapToken;
const native = binding();
const { description } = attachNative(token);
const channel = new BroadcastChannel(channelName(token.id));
const workers = new Workers(token);
const collector = new Collector({
  native,
  heap: description.heap,
  regions: description.regions,
  capacityRegions: description.capacityRegions,
  marker: description.marker as MarkerName,
  workers,
  policy: token.policy,
  emit: (event: HeapEvent) => channel.postMessage(event),
});

const snapshots = new SnapshotService({
  native,
  heap: description.heap,
  copyGraph: (texts) => collector.copyGraph(texts),
  onProgress: (id, progress) => channel.postMessage({ type: 'snapshot-progress', id, progress } satisfies HeapCommand),
  onEnd: (id, answer) => channel.postMessage({ type: 'snapshot-ended', id, answer } satisfies HeapCommand),
});

let closing: Promise<void> | undefined;

/** Whoever waits for the end asks more than once. */
function close(): void {
  closing ??= end();
}

async function end(): Promise<void> {
  await snapshots.close();
  await collector.close();
  await workers.close();
  native.resignControl(description.heap);
  native.release(description.heap);
  channel.postMessage({ type: 'control-ended' } satisfies HeapCommand);
  channel.close();
  parentPort?.close();
}

/** Being served. Whoever waits asks more than once. */
const verifications = new Set<string>();

async function verify(id: string): Promise<void> {
  if (verifications.has(id)) return;
  verifications.add(id);
  channel.postMessage({ type: 'verified', id, objects: await collector.verify() } satisfies HeapCommand);
  verifications.delete(id);
}

if (native.becomeControl(description.heap, () => collector.wake())) {
  // Unfinished business of an earlier control thread comes first: requests are heard when the event loop turns.
  collector.start();
  channel.onmessage = (message: unknown) => {
    const command = (message as { data: HeapCommand }).data;
    if (command.type === 'close') close();
    if (command.type === 'verify') void verify(command.id);
    if (command.type === 'snapshot') snapshots.request(command.id, command.order);
  };
} else {
  // Another one was faster: two threads thought that there was none. The heap is not ours to touch.
  native.release(description.heap);
  channel.close();
  void workers.close();
}
