/**
 * Checked mutator: what a heap made with `checked: true` gives its threads. It remembers which raw references it has given out
 * since the last safepoint, and refuses older ones wherever one comes back in: stale references are found at their first use, not
 * when an object happens to have moved.
 *
 *     given out by       allocate, allocatePinnable, get, getReference, readWeak, view.ref, weak references and maps, raw collections
 *     looked at by       handle, local, set, setReference, compareExchangeReference, identityHash, finalizeLater, weak references and
 *                        maps, raw collections, heap.view, cursor.moveTo
 *     all old after      allocate, allocatePinnable, poll, park, unpark, collect, parked, parkAll, and the end of the running job (the event
 *                        loop, or an await); of all heaps of the thread, except by park, which is the named heap's
 *
 * References that the program loads from the typed arrays itself pass unseen, unless the same number was given out before: a
 * program that wants them checked loads them by `getReference`.
 */
import { argumentRangeError, detached, HeapError } from '../errors.ts';
import type { CollectionRequest } from '../gc/requests.ts';
import type { Finalizable } from './finalizers.ts';
import { CONTROL_STATE, MUTATOR_RUNNING } from './layout.ts';
import { Mutator } from './mutator.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import { Shape } from './shapes.ts';
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
  /** Handles that the program has made and not released; views have others. */
  readonly #made = new Set<ReferenceHandle>();
  readonly #isOwn: (shape: Shape) => boolean;
  #safepoints = 0;
  #endOfJobAwaited = false;

  constructor(setUp: MutatorSetUp) {
    super(setUp);
    this.#control = setUp.control;
    this.#isOwn = setUp.isOwn;
    attached.add(this);
  }

  override allocate(shape: Shape, count = 0): Ref {
    this.#mustRun('mutator.allocate');
    this.#expectOwn(shape);
    const ref = super.allocate(shape, count);
    CheckedMutator.passSafepoint();
    return this.#give(ref);
  }

  override allocatePinnable(shape: Shape, count: number): Ref {
    this.#mustRun('mutator.allocatePinnable');
    this.#expectOwn(shape);
    const ref = super.allocatePinnable(shape, count);
    CheckedMutator.passSafepoint();
    return this.#give(ref);
  }

  #expectOwn(shape: Shape): void {
    if (!(shape instanceof Shape) || this.#isOwn(shape)) return;
    throw new HeapError('ERR_SHAPE_UNKNOWN', `the shape ${shape.name} is of another heap; define it in this one.`);
  }

  override get(handle: ReferenceHandle): Ref {
    this.#expectHandle(handle, 'mutator.get');
    return this.#give(super.get(handle));
  }

  override held(handle: ReferenceHandle): Ref {
    this.#mustRun('a view');
    return this.#give(super.held(handle));
  }

  override getReference(slot: number): Ref {
    this.#expectSlot(slot, 'mutator.getReference');
    return this.#give(super.getReference(slot));
  }

  override set(handle: ReferenceHandle, ref: Ref): void {
    this.#expectHandle(handle, 'mutator.set');
    this.admit(ref, 'mutator.set');
    super.set(handle, ref);
  }

  override handle(ref: Ref): ReferenceHandle {
    this.admit(ref, 'mutator.handle');
    const handle = super.handle(ref);
    this.#made.add(handle);
    return handle;
  }

  override takeFinalizable(): Finalizable | null {
    const taken = super.takeFinalizable();
    if (taken?.handle !== undefined) this.#made.add(taken.handle);
    return taken;
  }

  override release(handle: ReferenceHandle): void {
    this.#expectHandle(handle, 'mutator.release');
    super.release(handle);
    this.#made.delete(handle);
  }

  override local(ref: Ref): ReferenceHandle {
    this.admit(ref, 'mutator.local');
    return super.local(ref);
  }

  override temporary(ref: Ref): ReferenceHandle {
    this.admit(ref, 'an operation');
    return super.temporary(ref);
  }

  override setReference(slot: number, ref: Ref): void {
    this.#expectSlot(slot, 'mutator.setReference');
    this.admitValue(ref, 'mutator.setReference');
    super.setReference(slot, ref);
  }

  override compareExchangeReference(slot: number, expected: Ref, ref: Ref): boolean {
    this.#expectSlot(slot, 'mutator.compareExchangeReference');
    this.admitValue(ref, 'mutator.compareExchangeReference');
    return super.compareExchangeReference(slot, expected, ref);
  }

  override copyReferences(toSlot: number, fromSlot: number, count: number): void {
    if (!Number.isInteger(count) || count < 0) {
      throw argumentRangeError('count of mutator.copyReferences', 'an integer of at least 0', count);
    }
    const last = Math.max(0, count - 1);
    for (const slot of [toSlot, fromSlot]) {
      this.#expectSlot(slot, 'mutator.copyReferences');
      this.#expectSlot(slot + last, 'mutator.copyReferences');
    }
    this.#mustRun('mutator.copyReferences');
    super.copyReferences(toSlot, fromSlot, count);
  }

  override readWeak(slot: number): Ref {
    this.#expectSlot(slot, 'mutator.readWeak');
    return this.#give(super.readWeak(slot));
  }

  override poll(): void {
    CheckedMutator.passSafepoint();
    super.poll();
  }

  override park(): void {
    this.#safepoints++;
    super.park();
  }

  override unpark(): void {
    CheckedMutator.passSafepoint();
    super.unpark();
  }

  override parked<T>(wait: () => T): T {
    CheckedMutator.passSafepoint();
    return super.parked(wait);
  }

  override parkAll<T>(wait: () => T): T {
    CheckedMutator.passSafepoint();
    return super.parkAll(wait);
  }

  /** A safepoint of the thread's, whichever of its mutators came to it. */
  static passSafepoint(): void {
    for (const mutator of attached) mutator.#safepoints++;
  }

  override collect(request?: CollectionRequest): void {
    this.#mustRun('mutator.collect');
    CheckedMutator.passSafepoint();
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

  override admitValue(value: number, place: string): void {
    if (typeof value !== 'number' || !isSmallInteger(value)) this.admit(value, place);
  }

  /** Of this mutator, and not released. */
  #expectHandle(handle: ReferenceHandle, place: string): void {
    this.#mustRun(place);
    if (this.#made.has(handle) || this.handles.isLocal(handle)) return;
    throw argumentRangeError(`handle in ${place}`, 'a handle of this mutator that was not released', handle);
  }

  #expectSlot(slot: number, place: string): void {
    this.#mustRun(place);
    const most = this.u32.length - 1;
    if (Number.isInteger(slot) && slot >= 2 && slot <= most) return;
    throw argumentRangeError(`slot in ${place}`, `an integer from 2 to ${most}`, slot);
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
      : detached(place);
  }
}
