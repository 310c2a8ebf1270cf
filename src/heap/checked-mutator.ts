/**
 * Checked mutator: what a heap made with `checked: true` gives its threads. It remembers which raw references it has given out
 * since the last safepoint, and refuses older ones wherever one comes back in: stale references are found at their first use, not
 * when an object happens to have moved.
 *
 *     given out by       allocate, allocatePinnable, get, getReference, view.ref
 *     looked at by       handle, local, set, setReference, compareExchangeReference, heap.view, cursor.moveTo
 *     all old after      allocate, allocatePinnable, poll, park, collect, and the end of the running job (the event loop, or an await)
 *
 * References that the program loads from the typed arrays itself pass unseen, unless the same number was given out before: a
 * program that wants them checked loads them by `getReference`.
 */
import { argumentRangeError, HeapError } from '../errors.ts';
import type { CollectionRequest } from '../gc/requests.ts';
import { Mutator, type MutatorSetUp } from './mutator.ts';
import { CONTROL_STATE, MUTATOR_RUNNING } from './layout.ts';
import type { Shape } from './shapes.ts';
import { isSmallInteger } from './tagged.ts';
import type { ReferenceHandle, Ref } from './units.ts';

/** Old references are forgotten when there are so many; they are unknown then, not wrong. */
const REMEMBERED = 2 ** 20;

/** The checked mutators of this thread: a reference of one is foreign to the others. */
const attached = new Set<CheckedMutator>();

/** @internal */
export class CheckedMutator extends Mutator {
  readonly #control: Uint32Array;
  /** Of each reference the number of safepoints before it was last given out. */
  readonly #given = new Map<Ref, number>();
  #safepoints = 0;
  #endOfJobAwaited = false;

  constructor(setUp: MutatorSetUp) {
    super(setUp);
    this.#control = setUp.control;
    attached.add(this);
  }

  override allocate(shape: Shape, count = 0): Ref {
    this.#mustRun('mutator.allocate');
    const ref = super.allocate(shape, count);
    this.#safepoints++;
    return this.#give(ref);
  }

  override allocatePinnable(shape: Shape, count: number): Ref {
    this.#mustRun('mutator.allocatePinnable');
    const ref = super.allocatePinnable(shape, count);
    this.#safepoints++;
    return this.#give(ref);
  }

  override get(handle: ReferenceHandle): Ref {
    this.#mustRun('mutator.get');
    return this.#give(super.get(handle));
  }

  override getReference(slot: number): Ref {
    this.#mustRun('mutator.getReference');
    return this.#give(super.getReference(slot));
  }

  override set(handle: ReferenceHandle, ref: Ref): void {
    this.admit(ref, 'mutator.set');
    super.set(handle, ref);
  }

  override handle(ref: Ref): ReferenceHandle {
    this.admit(ref, 'mutator.handle');
    return super.handle(ref);
  }

  override local(ref: Ref): ReferenceHandle {
    this.admit(ref, 'mutator.local');
    return super.local(ref);
  }

  override setReference(slot: number, ref: Ref): void {
    if (!isSmallInteger(ref)) this.admit(ref, 'mutator.setReference');
    super.setReference(slot, ref);
  }

  override compareExchangeReference(slot: number, expected: Ref, ref: Ref): boolean {
    if (!isSmallInteger(ref)) this.admit(ref, 'mutator.compareExchangeReference');
    return super.compareExchangeReference(slot, expected, ref);
  }

  override copyReferences(toSlot: number, fromSlot: number, count: number): void {
    this.#mustRun('mutator.copyReferences');
    super.copyReferences(toSlot, fromSlot, count);
  }

  override poll(): void {
    this.#safepoints++;
    super.poll();
  }

  override park(): void {
    this.#safepoints++;
    super.park();
  }

  override collect(request: CollectionRequest = {}): void {
    this.#mustRun('mutator.collect');
    this.#safepoints++;
    super.collect(request);
  }

  override detach(): void {
    attached.delete(this);
    super.detach();
  }

  override admit(ref: Ref, place: string): void {
    this.#mustRun(place);
    const most = this.u32.length / 2 - 1;
    if (!Number.isInteger(ref) || ref < 0 || ref > most) {
      throw argumentRangeError(`reference in ${place}`, `an integer from 0 to ${most}`, ref);
    }
    if (ref === 0) return;
    const given = this.#given.get(ref);
    if (given === this.#safepoints) return;
    if (given !== undefined) {
      throw new HeapError(
        'ERR_STALE_REFERENCE',
        `${place}: the reference ${ref} is from before the last safepoint; its object may have moved. Keep a handle and read it again.`,
      );
    }
    for (const other of attached) {
      if (other === this || !other.#isCurrent(ref)) continue;
      throw new HeapError('ERR_FOREIGN_REFERENCE', `${place}: the reference ${ref} was given out by another heap.`);
    }
  }

  #isCurrent(ref: Ref): boolean {
    return this.#given.get(ref) === this.#safepoints;
  }

  #give(ref: Ref): Ref {
    if (ref === 0 || isSmallInteger(ref)) return ref;
    if (this.#given.size >= REMEMBERED) this.#given.clear();
    this.#given.set(ref, this.#safepoints);
    if (!this.#endOfJobAwaited) {
      this.#endOfJobAwaited = true;
      queueMicrotask(() => {
        this.#endOfJobAwaited = false;
        this.#safepoints++;
      });
    }
    return ref;
  }

  #mustRun(place: string): void {
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) !== 0) return;
    throw this.attached
      ? new HeapError('ERR_MUTATOR_PARKED', `${place}: the mutator is parked; unpark it before it touches the heap.`)
      : new HeapError('ERR_MUTATOR_DETACHED', `${place}: the mutator is detached from its heap; attach again.`);
  }
}
