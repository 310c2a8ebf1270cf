/**
 * TLAB: a mutator's run of free memory, where its fast path has found too little: the buffer is refilled until the words are there.
 *
 * Header first, then top: an allocation that is interrupted has taken nothing, or an object.
 *
 * In a heap with `stressEvery` every n-th allocation collects first. For that the limit in the control block is put at the top after
 * each allocation, so that the fast path never succeeds and every allocation comes here; the true limit is kept aside meanwhile. The
 * collector does not look at the limit.
 */
import type { SlowAllocation } from './allocation.ts';
import { CONTROL_TLAB_LIMIT, CONTROL_TLAB_START, CONTROL_TLAB_TOP } from './layout.ts';
import type { Shape } from './shapes.ts';
import type { Ref } from './units.ts';

/** @internal */
export class Tlab {
  readonly #control: Uint32Array;
  /** The heap. */
  readonly #u32: Uint32Array;
  readonly #slow: SlowAllocation;
  readonly #stressEvery: number;
  readonly #collect: () => void;
  #untilStress: number;
  /** 0 when the control block has the true one. */
  #hiddenLimit = 0;

  /** `collect` is called before every `stressEvery`-th allocation; 0 for never. */
  constructor(control: Uint32Array, u32: Uint32Array, slow: SlowAllocation, stressEvery: number, collect: () => void) {
    this.#control = control;
    this.#u32 = u32;
    this.#slow = slow;
    this.#stressEvery = stressEvery;
    this.#collect = collect;
    this.#untilStress = stressEvery;
  }

  /** A new object of so many words. A safepoint. */
  take(shape: Shape, count: number, words: number): Ref {
    const stressed = this.#stress();
    const control = this.#control;
    const u32 = this.#u32;
    for (;;) {
      const top = control[CONTROL_TLAB_TOP]!;
      const limit = this.#hiddenLimit > 0 && control[CONTROL_TLAB_START] !== 0 ? this.#hiddenLimit : control[CONTROL_TLAB_LIMIT]!;
      if (top + words <= limit && top !== 0) {
        u32[top * 2 + 1] = count;
        u32[top * 2] = shape.id;
        control[CONTROL_TLAB_TOP] = top + words;
        if (stressed) this.#hide(limit);
        return top;
      }
      this.#hiddenLimit = 0;
      const ref = this.#slow.take({ shape, count, words, pinnable: false });
      if (ref !== 0) return ref;
    }
  }

  /** An object that never moves (mutator.allocatePinnable). A safepoint. */
  takePinnable(shape: Shape, count: number, words: number): Ref {
    this.#stress();
    return this.#slow.take({ shape, count, words, pinnable: true });
  }

  /** Whether the heap is one that collects at allocations. */
  #stress(): boolean {
    if (this.#stressEvery === 0) return false;
    if (--this.#untilStress <= 0) {
      this.#untilStress = this.#stressEvery;
      this.#collect();
    }
    return true;
  }

  #hide(limit: number): void {
    this.#hiddenLimit = limit;
    this.#control[CONTROL_TLAB_LIMIT] = this.#control[CONTROL_TLAB_TOP]!;
  }
}
