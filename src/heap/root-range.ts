/**
 * RootRange: a run of root slots that an embedder fills and clears by plain stores, for example a virtual machine's operand stack. The
 * collector visits the first `used` slots and rewrites them when it moves objects.
 */
import type { Binding, NativeMutator } from '../binding.ts';
import { argumentRangeError } from '../errors.ts';
import { INSPECT, named } from '../inspection.ts';

/** The count of used slots has a cache line of its own in front of the slots. */
const SLOTS_BYTE_OFFSET = 64;
const MAX_CAPACITY = 2 ** 28;

/** Root slots of one mutator, or those that all threads share (`heap.roots`). */
export class RootRange {
  /**
   * The slots. Store references (0 is null) by index; read them again after each safepoint. Into those of a mutator only its thread may
   * store.
   */
  readonly slots: Uint32Array;
  readonly #used: Uint32Array;
  #release: (() => void) | undefined;

  /** @internal */
  constructor(slots: Uint32Array, used: Uint32Array, release?: () => void) {
    this.slots = slots;
    this.#used = used;
    this.#release = release;
  }

  /** @internal */
  static create(native: Binding, owner: { readonly attached: boolean }, mutator: NativeMutator, capacity: number): RootRange {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw argumentRangeError('capacity of a root range', `an integer from 1 to ${MAX_CAPACITY}`, capacity);
    }
    const buffer = new SharedArrayBuffer(SLOTS_BYTE_OFFSET + capacity * 4);
    // The count, and after it the number by which native code knows the range.
    const used = new Uint32Array(buffer, 0, 2);
    const slots = new Uint32Array(buffer, SLOTS_BYTE_OFFSET, capacity);
    const range = new RootRange(slots, used, () => {
      if (owner.attached) native.removeRootRange(mutator, used);
    });
    native.addRootRange(mutator, slots, used);
    return range;
  }

  /** @internal */
  [INSPECT](): object {
    return named('RootRange', { used: this.used, capacity: this.slots.length });
  }

  /** How many slots, from the first, hold references. */
  get used(): number {
    return this.#used[0]!;
  }

  /** Sets how many slots count from now on. Throws RangeError ERR_OPTION above the capacity. A store. */
  set used(count: number) {
    if (!Number.isInteger(count) || count < 0 || count > this.slots.length) {
      throw argumentRangeError('used', `an integer from 0 to ${this.slots.length}`, count);
    }
    this.#used[0] = count;
  }

  /** The collector no longer visits the slots. Releasing twice, or after the mutator was detached, does nothing. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}
