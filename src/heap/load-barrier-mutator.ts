/**
 * Load-barrier mutator: the mutator of the fault mode `load-barrier`, for research. In this mode nothing is protected after a flip, so
 * slots may hold old addresses, and every load of a reference tests for one: native/heap/load_barrier.h has the invariants.
 *
 *     load the slot ──▶ is a compaction under way? ──no──▶ done          one load of the control block
 *                   ──▶ is its region unsettled?   ──no──▶ done          one load of a table that the collector writes
 *                   ──▶ native call: new address, its pages built, the slot healed
 *
 * Stores need nothing: what a mutator holds is never old. Mutators of all other modes have none of this; the class of a heap's mutators is
 * chosen when they attach.
 */
import { argumentRangeError, HeapError } from '../errors.ts';
import { CONTROL_LOAD_BARRIER, CONTROL_WEAK_ACCESS, REGION_WORDS } from '../binding/layout.ts';
import { Mutator } from './mutator.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import type { Ref } from './units.ts';

const REGION_WORDS_LOG2 = Math.log2(REGION_WORDS);

/** @internal */
export class LoadBarrierMutator extends Mutator {
  readonly #setUp: MutatorSetUp;
  readonly #control: Uint32Array;
  /** A byte per region. Small integers lead beyond its end. */
  readonly #unsettled: Uint8Array;

  constructor(setUp: MutatorSetUp, unsettled: Uint8Array) {
    super(setUp);
    this.#setUp = setUp;
    this.#control = setUp.control;
    this.#unsettled = unsettled;
    Object.defineProperty(this, 'weakMaps', {
      get() {
        throw notBehindBarrier('weak maps');
      },
    });
  }

  override getReference(slot: number): Ref {
    const ref = this.u32[slot];
    if (ref === undefined) throw argumentRangeError('slot in mutator.getReference', `an integer from 2 to ${this.u32.length - 1}`, slot);
    if (this.#control[CONTROL_LOAD_BARRIER] === 0 || this.#unsettled[ref >>> REGION_WORDS_LOG2] !== 1) return ref;
    return this.#setUp.host.native.loadReference(this.#setUp.handle, slot);
  }

  /** Slots of dead objects are cleared before the flip, so the two tests never coincide. */
  override readWeak(slot: number): Ref {
    return this.#control[CONTROL_WEAK_ACCESS] === 0 ? this.getReference(slot) : super.readWeak(slot);
  }

  override compareExchangeReference(slot: number, expected: Ref, ref: Ref): boolean {
    // A healed slot never becomes old again, so the comparison is between new addresses.
    this.getReference(slot);
    return super.compareExchangeReference(slot, expected, ref);
  }

  override copyReferences(toSlot: number, fromSlot: number, count: number): void {
    // Heals what will be copied; it never becomes old again.
    for (let i = 0; i < count; i++) this.getReference(fromSlot + i);
    super.copyReferences(toSlot, fromSlot, count);
  }
}

/** @internal The error for features that load references in ways that the barrier does not see. */
export function notBehindBarrier(what: string): HeapError {
  return new HeapError(
    'ERR_FAULT_MODE',
    `${what} cannot be had in fault mode load-barrier, which is for research: they load references where no barrier sees it. ` +
      "Create the heap with another fault mode, or with fault: 'auto'.",
  );
}
