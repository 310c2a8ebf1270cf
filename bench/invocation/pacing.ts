/**
 * Pacing: how a mutator in JavaScript waits, for a time or for the main thread. It is parked while it sleeps.
 */
import { nowNs } from './clock.ts';
import { CONTROL } from './messages.ts';

/** What a waiting thread owes its heap; plain objects have none. */
export interface Parking {
  parked(wait: () => void): void;
  poll(): void;
}

export const NO_HEAP: Parking = { parked: (wait) => wait(), poll: () => {} };

/** A sleep ends late by about this much; what is left is waited for awake. */
const SLEEP_SLACK_NS = 150_000;
const LOOK_AGAIN_MS = 100;

export class Pacing {
  readonly #parking: Parking;
  readonly #control: Int32Array;
  readonly #never = new Int32Array(new SharedArrayBuffer(4));

  constructor(parking: Parking, control: Int32Array) {
    this.#parking = parking;
    this.#control = control;
  }

  get stopped(): boolean {
    return Atomics.load(this.#control, CONTROL.stop) !== 0;
  }

  /** Says that this mutator is ready, and waits for the phase; false when the invocation ends early. */
  arrive(phase: number): boolean {
    Atomics.add(this.#control, CONTROL.arrived, 1);
    this.#parking.parked(() => {
      for (;;) {
        const now = Atomics.load(this.#control, CONTROL.phase);
        if (now >= phase || this.stopped) return;
        Atomics.wait(this.#control, CONTROL.phase, now, LOOK_AGAIN_MS);
      }
    });
    return !this.stopped;
  }

  /** Waits for a moment of {@link nowNs}: asleep for most of it. */
  awaitTime(untilNs: number): void {
    for (let now = nowNs(); now < untilNs; now = nowNs()) {
      const left = untilNs - now;
      if (left > 2 * SLEEP_SLACK_NS) {
        this.#parking.parked(() => void Atomics.wait(this.#never, 0, 0, (left - SLEEP_SLACK_NS) / 1e6));
      } else this.#parking.poll();
    }
  }
}
