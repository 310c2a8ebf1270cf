/**
 * TLABs: a mutator's runs of free memory, one for leaves and one for all other objects, used when the fast path has found too little:
 * refills the buffer of the object's shape until it has enough words.
 *
 * Header first, then top: an allocation that is interrupted has taken nothing, or an object.
 *
 * Under stress, an allocation begins with a safepoint. For that, the limit in the control block is set to the top after each allocation, so
 * that the fast path never succeeds and every allocation comes here; the true limit is kept here meanwhile. The collector does not use the
 * limit.
 */
import type { SlowAllocation } from './allocation.ts';
import { CONTROL_LEAF_TLAB_START, CONTROL_TLAB_START, CONTROL_TLAB_TOP } from '../binding/layout.ts';
import type { Shape } from './shapes.ts';
import type { Stress } from './stress.ts';
import type { Ref } from './units.ts';
import { writeHeader } from './object.ts';

/** @internal */
export class Tlab {
  readonly #control: Uint32Array;
  /** The heap. */
  readonly #u32: Uint32Array;
  readonly #slow: SlowAllocation;
  readonly #stress: Stress | undefined;
  /** The true limits, by the index of the buffer's top; none if the control block has it. */
  readonly #hiddenLimits = new Map<number, number>();

  constructor(control: Uint32Array, u32: Uint32Array, slow: SlowAllocation, stress: Stress | undefined) {
    this.#control = control;
    this.#u32 = u32;
    this.#slow = slow;
    this.#stress = stress;
  }

  /** A new object of that many words. A safepoint. */
  take(shape: Shape, count: number, words: number): Ref {
    this.#stress?.reached();
    const control = this.#control;
    const u32 = this.#u32;
    const { tlabTop } = shape;
    const start = tlabTop === CONTROL_TLAB_TOP ? CONTROL_TLAB_START : CONTROL_LEAF_TLAB_START;
    for (;;) {
      const top = control[tlabTop]!;
      const limit = (control[start] !== 0 ? this.#hiddenLimits.get(tlabTop) : undefined) ?? control[tlabTop + 1]!;
      if (top + words <= limit && top !== 0) {
        writeHeader(u32, top, shape.id, count);
        control[tlabTop] = top + words;
        if (this.#stress !== undefined) this.#hide(tlabTop, limit);
        return top;
      }
      this.#hiddenLimits.delete(tlabTop);
      const ref = this.#slow.take({ shape, count, words, pinnable: false });
      if (ref !== 0) return ref;
    }
  }

  /** An object that never moves (mutator.allocatePinnable). A safepoint. */
  takePinnable(shape: Shape, count: number, words: number): Ref {
    this.#stress?.reached();
    return this.#slow.take({ shape, count, words, pinnable: true });
  }

  #hide(tlabTop: number, limit: number): void {
    this.#hiddenLimits.set(tlabTop, limit);
    this.#control[tlabTop + 1] = this.#control[tlabTop]!;
  }
}
