/**
 * Checked mutator: the mutator of a heap made with `checked: true`. It refuses a raw reference from before the last safepoint wherever the
 * program passes it, at its first use and not only when the object happens to have moved.
 *
 * A number does not say when it was read. So each safepoint really moves everything (stress.ts): a reference that is read afterwards, from
 * a handle, a root slot, a field or a call, is another number, and the old one leads to freed memory, which is reused as late as possible.
 * A reference can therefore be judged by its number alone, and a current one is never refused:
 *
 *     given out since the last safepoint          current, without further check
 *     leads to an object                          current: read from a root slot or a field, or of an object that could not move
 *     leads to freed memory, or to no object      stale
 *
 * What counts as a safepoint does not depend on whether the call had to wait: see `passed` of mutator.ts.
 */
import { argumentRangeError, detached, HeapError } from '../errors.ts';
import type { Binding, NativeMutator } from '../binding.ts';
import type { CollectionRequest } from '../gc/requests.ts';
import type { Finalizable } from './finalizers.ts';
import { CONTROL_STATE, MUTATOR_RUNNING } from '../binding/layout.ts';
import { Mutator } from './mutator.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import { mustBeOwn } from './mutator-arguments.ts';
import { Shape } from './shapes.ts';
import { isSmallInteger } from './tagged.ts';
import type { ReferenceHandle, Ref } from './units.ts';

/** The references given out since the last safepoint are forgotten when there are this many; then what they lead to decides. */
const REMEMBERED = 2 ** 20;

/** The checked mutators of this thread: a reference of one is foreign to the others. */
const attached = new Set<CheckedMutator>();

/** @internal */
export class CheckedMutator extends Mutator {
  readonly #control: Uint32Array;
  readonly #native: Binding;
  readonly #handle: NativeMutator;
  /** References given out since the last safepoint. */
  readonly #given = new Set<Ref>();
  /** Handles that the program has made and not released; those of views are not among them. */
  readonly #made = new Set<ReferenceHandle>();
  readonly #isOwn: (shape: Shape) => boolean;
  #endOfJobAwaited = false;

  constructor(setUp: MutatorSetUp) {
    super(setUp);
    this.#control = setUp.control;
    this.#native = setUp.host.native;
    this.#handle = setUp.handle;
    this.#isOwn = setUp.isOwn;
    attached.add(this);
  }

  override allocate(shape: Shape, count = 0): Ref {
    this.#mustRun('mutator.allocate');
    this.#expectOwn(shape);
    this.#given.clear();
    return this.#give(super.allocate(shape, count));
  }

  override allocatePinnable(shape: Shape, count: number): Ref {
    this.#mustRun('mutator.allocatePinnable');
    this.#expectOwn(shape);
    this.#given.clear();
    return this.#give(super.allocatePinnable(shape, count));
  }

  #expectOwn(shape: Shape): void {
    if (shape instanceof Shape) mustBeOwn(shape, this.#isOwn);
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
    super.poll();
    this.passed();
  }

  override park(): void {
    this.#given.clear();
    super.park();
  }

  override unpark(): void {
    super.unpark();
    this.passed();
  }

  override parked<T>(wait: () => T): T {
    this.#given.clear();
    try {
      return super.parked(wait);
    } finally {
      this.passed();
    }
  }

  override parkAll<T>(wait: () => T): T {
    this.#given.clear();
    try {
      return super.parkAll(wait);
    } finally {
      this.passed();
    }
  }

  override forget(): void {
    this.#given.clear();
  }

  override collect(request?: CollectionRequest): void {
    this.#mustRun('mutator.collect');
    this.#given.clear();
    super.collect(request);
  }

  override passed(): void {
    this.#given.clear();
    super.passed();
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
    if (ref === 0 || this.#given.has(ref)) return;
    if (this.#native.isObject(this.#handle, ref)) {
      this.#give(ref);
      return;
    }
    for (const other of attached) {
      if (other === this || !other.#given.has(ref)) continue;
      throw new HeapError('ERR_FOREIGN_REFERENCE', `${place}: the reference ${ref} was given out by another heap.`);
    }
    throw new HeapError(
      'ERR_STALE_REFERENCE',
      `${place}: the reference ${ref} is from before the last safepoint; its object has moved, or died. Keep a handle and read it again.`,
    );
  }

  override admitValue(value: number, place: string): void {
    if (typeof value !== 'number' || !isSmallInteger(value)) this.admit(value, place);
  }

  /** Throws unless the handle is of this mutator and was not released. */
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

  #give(ref: Ref): Ref {
    if (ref === 0 || isSmallInteger(ref)) return ref;
    if (this.#given.size >= REMEMBERED) this.#given.clear();
    this.#given.add(ref);
    if (!this.#endOfJobAwaited) {
      this.#endOfJobAwaited = true;
      queueMicrotask(() => this.#endJob());
    }
    return ref;
  }

  /** The end of the running job is a safepoint, because other code may run before the next job. */
  #endJob(): void {
    this.#endOfJobAwaited = false;
    this.#given.clear();
    if (this.#isRunning()) this.passed();
  }

  #isRunning(): boolean {
    return (this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) !== 0;
  }

  #mustRun(place: string): void {
    if (this.#isRunning()) return;
    throw this.attached
      ? new HeapError('ERR_MUTATOR_PARKED', `${place}: the mutator is parked; unpark it before it touches the heap.`)
      : detached(place);
  }
}
