/**
 * Event stream: delivers a heap's events in one thread: to the heap's listeners, to `node:diagnostics_channel` and, on request, to
 * `performance.measure`.
 */
import { channel } from 'node:diagnostics_channel';
import { CLOCK_ORIGIN_MS } from '../clock.ts';
import { type CycleSummary, DIAGNOSTICS, type HeapEvent } from './events.ts';

const channels = {
  cycle: channel(DIAGNOSTICS.cycle),
  phase: channel(DIAGNOSTICS.phase),
  pause: channel(DIAGNOSTICS.pause),
  collection: channel(DIAGNOSTICS.collection),
  trigger: channel(DIAGNOSTICS.trigger),
};

/** @internal */
export class EventStream {
  readonly #measures: boolean;
  readonly #tell: (event: HeapEvent) => void;

  constructor(measures: boolean, tell: (event: HeapEvent) => void) {
    this.#measures = measures;
    this.#tell = tell;
  }

  publish(event: HeapEvent): void {
    const target = Object.hasOwn(channels, event.type) ? channels[event.type as keyof typeof channels] : undefined;
    if (target?.hasSubscribers === true) target.publish(event);
    if (this.#measures && event.type === 'cycle') measure(event);
    this.#tell(event);
  }
}

function measure(cycle: CycleSummary): void {
  performance.measure(`faultline cycle ${cycle.cycle}`, {
    start: Math.max(0, cycle.startMs - CLOCK_ORIGIN_MS),
    duration: cycle.durationMs,
    detail: cycle,
  });
}
