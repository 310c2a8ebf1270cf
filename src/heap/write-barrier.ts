/**
 * Write barrier: needed by the marker `satb` (snapshot at the beginning, Yuasa). While it marks, each reference that a mutator is about to
 * overwrite is logged, so that everything reachable when marking began is found. The log is at the end of the control block; a full log is
 * passed on by a native call. The other markers need no log, and then this code is not called.
 */
import { CONTROL_LOG_USED, CONTROL_SLOTS, LOG_ENTRIES } from '../binding/layout.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import { isSmallInteger } from './tagged.ts';

/** @internal One mutator's log. */
export class WriteBarrier {
  readonly #setUp: MutatorSetUp;
  readonly #control: Uint32Array;
  /** Where the log begins in the control block. */
  readonly #log: number;

  constructor(setUp: MutatorSetUp) {
    this.#setUp = setUp;
    this.#control = setUp.control;
    this.#log = CONTROL_SLOTS + setUp.localCapacity + setUp.handleCapacity;
  }

  /** Logs the value of a slot that is about to be overwritten. */
  log(overwritten: number): void {
    if (overwritten === 0 || isSmallInteger(overwritten)) return;
    const control = this.#control;
    if (control[CONTROL_LOG_USED]! === LOG_ENTRIES) this.#setUp.host.native.flushLog(this.#setUp.handle);
    control[this.#log + control[CONTROL_LOG_USED]!] = overwritten;
    control[CONTROL_LOG_USED]!++;
  }
}
