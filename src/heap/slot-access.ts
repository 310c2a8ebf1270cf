/**
 * Slot access: loads and stores of references in slots of objects, with the barriers that the collector needs. With the default marker and
 * fault mode only weak slots have one; for all others a load or store of the u32 view does the same.
 */
import { argumentRangeError } from '../errors.ts';
import { CONTROL_LOGGING, CONTROL_WEAK_ACCESS } from '../binding/layout.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import type { Ref } from './units.ts';
import { Words } from './words.ts';
import { WriteBarrier } from './write-barrier.ts';

/** The part of a mutator that loads and stores references in objects. */
export class SlotAccess extends Words {
  readonly #setUp: MutatorSetUp;
  readonly #control: Uint32Array;
  readonly #barrier: WriteBarrier;

  /** @internal */
  constructor(setUp: MutatorSetUp) {
    super(setUp.words);
    this.#setUp = setUp;
    this.#control = setUp.control;
    this.#barrier = new WriteBarrier(setUp);
  }

  /**
   * Stores a reference into a slot of an object that is in use already, through the write barrier that the marker `satb` needs
   * (`heap.capabilities.marker`); the first stores into an object just allocated need none. With any other marker this is the same as
   * `u32[slot] = ref`, except for one more load.
   */
  setReference(slot: number, ref: Ref): void {
    if (this.#control[CONTROL_LOGGING] !== 0) this.#barrier.log(this.u32[slot]!);
    this.u32[slot] = ref;
  }

  /**
   * The reference in a slot: the same as `u32[slot]`, but a checked heap records it. The only way to load a reference in fault mode
   * `load-barrier`. Not a safepoint.
   */
  getReference(slot: number): Ref {
    return this.u32[slot]!;
  }

  /**
   * Reads a slot that holds its object weakly (an element of kind `weak`): the object, or 0 if it has died. A plain load of such a slot is
   * not enough: it may return an object that the collector has already found dead. Costs one more load; while slots of dead objects are
   * being cleared, a native call. Not a safepoint.
   */
  readWeak(slot: number): Ref {
    const ref = typeof slot === 'number' ? this.u32[slot] : undefined;
    if (ref === undefined) throw argumentRangeError('slot in mutator.readWeak', `an integer from 2 to ${this.u32.length - 1}`, slot);
    return this.#control[CONTROL_WEAK_ACCESS] === 0 ? ref : this.#setUp.host.native.readWeak(this.#setUp.handle, slot);
  }

  /**
   * Stores `ref` into a slot if that holds `expected`, atomically, through the same barrier as {@link setReference}. Returns whether it
   * did. For structures that several threads change. Not a safepoint; tens of ns.
   */
  compareExchangeReference(slot: number, expected: Ref, ref: Ref): boolean {
    // Logged before it is known whether it will be overwritten: an extra entry only keeps an object alive for one more cycle.
    if (this.#control[CONTROL_LOGGING] !== 0) this.#barrier.log(expected);
    return Atomics.compareExchange(this.u32, slot, expected, ref) === expected;
  }

  /**
   * Copies `count` references between u32 slots, one by one, and in the right order if the runs overlap. Typed array methods (`set`,
   * `copyWithin`, `slice`) must not be used for references: they may copy byte by byte.
   */
  copyReferences(toSlot: number, fromSlot: number, count: number): void {
    const u32 = this.u32;
    if (this.#control[CONTROL_LOGGING] !== 0) for (let i = 0; i < count; i++) this.#barrier.log(u32[toSlot + i]!);
    if (toSlot <= fromSlot) {
      for (let i = 0; i < count; i++) u32[toSlot + i] = u32[fromSlot + i]!;
    } else {
      for (let i = count - 1; i >= 0; i--) u32[toSlot + i] = u32[fromSlot + i]!;
    }
  }
}
