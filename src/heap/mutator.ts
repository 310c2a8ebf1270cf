/**
 * Mutator: this thread's access to a heap: allocation, safepoints and roots, built on the typed arrays and their slots.
 *
 * The fast paths are plain TypeScript on typed arrays: a field access is an array access without any barrier, an allocation
 * bumps an index and writes the header, a poll is one load. Everything else is a coarse native call.
 *
 * Rules for raw references (see {@link Ref}): they are valid until the thread's next safepoint. Safepoints are the operations whose
 * comments say so, above all {@link Mutator.poll} and whatever allocates or may wait, and every return to the event loop; docs/embedding.md
 * lists them. A thread that computes for long without reaching one holds up the pause, and with it all other threads: poll in loops.
 */
import type { Binding, NativeMutator } from '../binding.ts';
import { argumentRangeError, argumentTypeError, detached, optionsOf } from '../errors.ts';
import type { CollectionRequest } from '../gc/requests.ts';
import { INSPECT, named } from '../inspection.ts';
import { SlowAllocation } from './allocation.ts';
import { Safepoint, sleep } from './safepoint.ts';
import { type AllocationBuffer, allocationBufferOf } from './allocation-buffer.ts';
import { type Finalizable, FinalizerTable } from './finalizers.ts';
import { HandleTable } from './handles.ts';
import { CONTROL_STATE, MUTATOR_RUNNING, MUTATOR_STOP_ELSEWHERE, MUTATOR_STOP_REQUESTED } from '../binding/layout.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import { type BytesToPin, mustBePinnable, type Pin, pinElements } from './pin.ts';
import { RootRange } from './root-range.ts';
import { canBeObject, canBeValue, functionOf, mustBeOwn, notAnObjectOf, notAReference } from './mutator-arguments.ts';
import { type Shape, wordsWithElements } from './shapes.ts';
import { SlotAccess } from './slot-access.ts';
import { Stress } from './stress.ts';
import { isSmallInteger } from './tagged.ts';
import { Tlab } from './tlab.ts';
import type { ReferenceHandle, Ref } from './units.ts';
import { noIdentity, notAnObject, WeakMaps } from './weak-map.ts';
import { WeakReferences } from './weak-reference.ts';
import { elementCountOf, writeHeader } from './object.ts';

const MAX_WINDOW_MS = 3_600_000;
const ANY_STOP = MUTATOR_STOP_REQUESTED | MUTATOR_STOP_ELSEWHERE;
const REST_MS = 0.1;

/**
 * A thread's way into a heap, made by `heap.attachMutator`: for that thread alone. Raw references are valid until the next safepoint:
 * an operation whose comment says that it is one, or a return to the event loop.
 */
export class Mutator extends SlotAccess {
  /** Objects that refer to others and keep nothing alive. */
  readonly weakReferences: WeakReferences;
  /** Hash tables from objects to references, whose entries last as long as their keys. */
  readonly weakMaps: WeakMaps;

  /** @internal */
  readonly handles: HandleTable;
  readonly #setUp: MutatorSetUp;
  readonly #handle: NativeMutator;
  readonly #control: Uint32Array;
  readonly #handles: HandleTable;
  readonly #safepoint: Safepoint;
  readonly #finalizers: FinalizerTable;
  readonly #stress: Stress | undefined;
  readonly #tlab: Tlab;
  #attached = true;
  #id = 0;

  /** @internal Use heap.attachMutator(). */
  constructor(setUp: MutatorSetUp) {
    super(setUp);
    this.#setUp = setUp;
    this.#handle = setUp.handle;
    this.#control = setUp.control;
    this.#handles = this.handles = new HandleTable(setUp.control, setUp.localCapacity, setUp.handleCapacity);
    this.#safepoint = new Safepoint(setUp.host, setUp.handle);
    const { stressEvery, checked, stressFaults } = setUp;
    const stressed = (stressEvery > 0 || checked) && setUp.host.collects;
    this.#stress = stressed
      ? new Stress({ every: stressEvery, checked, forget: () => this.forget(), move: () => this.#moveEverything(stressFaults) })
      : undefined;
    this.#tlab = new Tlab(setUp.control, this.u32, new SlowAllocation(setUp.host, setUp.handle, this.#safepoint), this.#stress);
    this.weakReferences = new WeakReferences(this, setUp);
    this.weakMaps = new WeakMaps(this, setUp);
    this.#finalizers = new FinalizerTable(this, setUp);
    this.#safepoint.unpark();
  }

  /**
   * A new object: zeroed, its header written. A safepoint: other raw references are invalid afterwards. About 10 ns; a full
   * buffer costs a native call every few hundred objects, a full heap waits (parked) for a collection.
   *
   * Throws HeapError ERR_HEAP_EXHAUSTED when even a full collection frees too little, ERR_NO_MEMORY when the system refuses
   * pages; the heap stays usable either way.
   */
  allocate(shape: Shape, count = 0): Ref {
    const control = this.#control;
    const words = count === 0 ? shape?.fixedWords : wordsWithElements(shape, count);
    const top = shape?.tlabTop;
    const ref = control[top]!;
    const end = ref + words;
    // The opposite test would accept NaN.
    if (!(end <= control[top + 1]!)) return this.#allocateSlow(shape, count, words);
    const u32 = this.u32;
    // Header before top, so that a thread which is interrupted in between has taken nothing.
    writeHeader(u32, ref, shape.id, count);
    control[top] = end;
    return ref;
  }

  /**
   * A new object that never moves, so that it can be pinned (`heap.pin`). It takes whole pages, in a region that it shares with others up
   * to 512 KiB. Takes some microseconds, and the time to zero it. Throws RangeError ERR_OPTION for a shape with references or without
   * elements, and what {@link Mutator.allocate} throws. A safepoint.
   */
  allocatePinnable(shape: Shape, count: number): Ref {
    mustBePinnable(shape);
    mustBeOwn(shape, this.#setUp.isOwn);
    return this.#tlab.takePinnable(shape, count, wordsWithElements(shape, count));
  }

  /** Where this thread's free memory begins and ends, for code that allocates by itself; see {@link AllocationBuffer}. */
  get allocationBuffer(): AllocationBuffer {
    return allocationBufferOf(this.#control, this.#setUp.leafTlabTop);
  }

  /** @internal Names this mutator among all that the heap has ever had; not 0. */
  get id(): number {
    return (this.#id ||= this.#setUp.host.native.mutatorId(this.#handle));
  }

  /** @internal Whether the mutator of that id has neither been detached nor ended with its thread. */
  isAttached(id: number): boolean {
    return this.#setUp.host.native.isMutator(this.#handle, id);
  }

  /**
   * @internal Checks a raw reference from the program: null, or a number where an object can be. Throws RangeError ERR_OPTION for anything
   * else, which native code would take for an address. A checked mutator checks more.
   */
  admit(ref: Ref, place: string): void {
    if (ref !== 0 && !canBeObject(ref, this.f64.length)) throw notAReference(ref, place, this);
  }

  /** @internal The same for a value that may be a tagged small integer. */
  admitValue(value: number, place: string): void {
    if (typeof value !== 'number' || value >>> 0 !== value || !isSmallInteger(value)) this.admit(value, place);
  }

  /**
   * A number that stays with the object while it moves: 31 bits, never 0, made when first asked for. Objects of shapes with elements
   * have one only if the shape was defined with `identityHash`; throws ERR_NO_IDENTITY otherwise. About 50 ns. Not a safepoint.
   */
  identityHash(ref: Ref): number {
    this.admit(ref, 'mutator.identityHash');
    if (ref === 0) throw notAnObjectOf('mutator.identityHash', this);
    const hash = this.#setUp.host.native.identityHash(this.#handle, ref);
    if (hash === 0) throw noIdentity();
    if (hash < 0) throw notAnObject('mutator.identityHash', ref);
    return hash;
  }

  /**
   * When the object has died, `heldValue` comes out of `heap.finalizable()` once, together with the object. An object may be registered
   * several times, and again after it came out; each registration is delivered. A held value is any number. A safepoint.
   */
  finalizeLater(ref: Ref, heldValue: number): void {
    this.admit(ref, 'mutator.finalizeLater');
    if (typeof heldValue !== 'number') throw argumentTypeError('heldValue', 'a number', heldValue);
    if (ref === 0) throw notAnObjectOf('mutator.finalizeLater', this);
    this.#finalizers.add(ref, heldValue);
    this.passed();
  }

  /** @internal A finalizable object that is ready, with a new handle. */
  takeFinalizable(): Finalizable | null {
    // First, because it may throw. Null is not a reference, so a parked mutator may do it too.
    const handle = this.#handles.add(0);
    const taken = this.#finalizers.take(handle);
    if (taken === null) this.#handles.release(handle);
    return taken;
  }

  /**
   * A safepoint: stops here if a collector asks for it, be it of this heap or of another heap in which the thread is a mutator. Costs one
   * load if none does.
   */
  poll(): void {
    if ((this.#control[CONTROL_STATE]! & ANY_STOP) !== 0) this.#safepoint.stop();
  }

  /**
   * @internal The end of an operation that may come to a safepoint: it counts as one whether it came to one or not, so that stressed and
   * checked heaps reveal references that were kept across it.
   */
  passed(): void {
    this.#stress?.reached();
  }

  /** @internal Raw references are no longer valid: a safepoint was reached in this heap, or in another heap of the thread. */
  forget(): void {}

  /** @internal The same; returns `answer`, which if it is a reference is where its object is then. Outside an {@link operation}. */
  passedWith<T extends number | bigint | undefined>(answer: T, isReference: boolean): T {
    if (this.#stress === undefined) return answer;
    if (!isReference || !answer || isSmallInteger(answer as number)) {
      this.passed();
      return answer;
    }
    return this.operation(() => {
      const handle = this.temporary(answer as Ref);
      this.passed();
      return this.held(handle) as T;
    });
  }

  /** A mutator parked by the program has no raw references. */
  #moveEverything(stressFaults: boolean): void {
    if ((this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) === 0) return;
    if (stressFaults) this.#safepoint.awaitFlip('compact', 'stress');
    else this.#safepoint.awaitCollection('compact', 'stress');
  }

  /**
   * @internal Called in the event loop, where no raw reference can be alive, when the collector has waited for this thread. A
   * mutator that its program has parked stays parked.
   */
  nudged(): void {
    const state = this.#control[CONTROL_STATE]!;
    if ((state & MUTATOR_RUNNING) !== 0 && (state & ANY_STOP) !== 0) this.#safepoint.stop();
  }

  /**
   * Leaves the running state: the thread promises not to touch this heap, and the heap's collector no longer waits for the thread. Other
   * heaps are not affected. {@link parked} and {@link parkAll} are safer: they unpark however the wait ends. The event loop needs no
   * parking. A safepoint.
   */
  park(): void {
    this.#safepoint.park();
  }

  /** Returns to the running state. First waits for a pause to end, with the whole thread parked. A safepoint of all its heaps. */
  unpark(): void {
    this.#safepoint.unpark();
  }

  /**
   * Runs `wait` with this mutator parked, and returns what it returns. `wait` may use other heaps. Use it around long waits of the thread
   * (Atomics.wait, synchronous I/O) that need other heaps, and {@link parkAll} around all others. Afterwards the mutator is as it was
   * before, even if `wait` throws or a time limit of `vm` ends it. A safepoint of all the thread's heaps.
   */
  parked<T>(wait: () => T): T {
    return this.#safepoint.parked(functionOf(wait, 'parked'));
  }

  /**
   * Runs `wait` with all mutators of the thread parked, in every heap. Use it around a wait that uses no heap: a waiting thread holds up
   * the collections of every heap in which it is running. A safepoint of all the thread's heaps.
   */
  parkAll<T>(wait: () => T): T {
    return this.#safepoint.allParked(functionOf(wait, 'parkAll'));
  }

  /** @internal Pins elements of the object at `ref`, whose shape this is. */
  pin(ref: Ref, shape: Shape, bytes: BytesToPin): Pin {
    return pinElements(this.#setUp.host.native, this.#handle, { ref, shape, count: elementCountOf(this.u32, ref) }, bytes);
  }

  /** Makes a root that refers to `ref` until it is released. A few ns. Throws ERR_HANDLES_EXHAUSTED when all handles are in use. */
  handle(ref: Ref): ReferenceHandle {
    this.#expectRoot(ref, 'mutator.handle');
    return this.#handles.add(ref);
  }

  /** Where the handle's object is now. */
  get(handle: ReferenceHandle): Ref {
    return this.#control[handle]!;
  }

  /** @internal {@link get} for a handle that a view holds. */
  held(handle: ReferenceHandle): Ref {
    return this.#control[handle]!;
  }

  /** Makes the handle refer to another object, or to none (0). A store. */
  set(handle: ReferenceHandle, ref: Ref): void {
    this.#expectRoot(ref, 'mutator.set');
    this.#control[handle] = ref;
  }

  /**
   * Gives the handle back. A few ns. Releasing a handle twice makes two later handles share one slot; only a checked heap notices
   * (ERR_OPTION).
   */
  release(handle: ReferenceHandle): void {
    this.#handles.release(handle);
  }

  /** Handles made by {@link local} inside `body` are released when it ends, however it ends. Scopes nest. Some 100 ns. */
  scope<T>(body: () => T): T {
    if (typeof body !== 'function') throw argumentTypeError('body of a scope', 'a function', body);
    if (!this.#attached) return body();
    return this.#handles.scope(() => this.#setUp.host.native.scope(this.#handle, body));
  }

  /** A handle that lives until the innermost {@link scope} ends. */
  local(ref: Ref): ReferenceHandle {
    this.#expectRoot(ref, 'mutator.local');
    return this.#handles.addLocal(ref);
  }

  /** @internal Runs an operation of the library, whose {@link temporary} handles last as long. Operations do not nest. */
  operation<T>(body: () => T): T {
    return this.#handles.operation(body);
  }

  /** @internal A handle that lives until the {@link operation} ends. */
  temporary(ref: Ref): ReferenceHandle {
    return this.#handles.addTemporary(ref);
  }

  /** @internal Waits for a moment, because another thread is in the middle of something short. A safepoint. */
  rest(): void {
    this.parkAll(() => sleep(REST_MS));
  }

  /**
   * @internal {@link compareExchangeReference} that adds to a count, and to a weight in the slot behind it, in the same step, with no place
   * in between to be interrupted at.
   */
  exchangeAndCount(slot: number, expected: Ref, ref: Ref, countSlot: number, by: number, weight: number): boolean {
    this.admitValue(ref, 'a change of a map');
    return this.#setUp.host.native.exchangeAndCount(this.#handle, slot, expected, ref, countSlot, by, weight);
  }

  /** @internal Calls for what is built on a mutator. */
  get native(): { readonly calls: Binding; readonly handle: NativeMutator } {
    return { calls: this.#setUp.host.native, handle: this.#handle };
  }

  /** Root slots for an embedder's own stack; see {@link RootRange}. */
  createRootRange(capacity: number): RootRange {
    return RootRange.create(this.#setUp.host.native, this, this.#handle, capacity);
  }

  /** Requests a collection and waits, parked, until it has ended. A safepoint. Throws ERR_MUTATOR_DETACHED. */
  collect(request?: CollectionRequest): void {
    const { kind = 'compact', reason = 'explicit' } = optionsOf('request', request);
    if (!this.#attached) throw detached('mutator.collect');
    this.#safepoint.awaitCollection(kind, reason);
    this.#stress?.reachedElsewhere();
  }

  /**
   * The smallest share (0 to 1) of its time that this thread had for itself in any window of that length, over the last minutes. Pauses,
   * page-fault service and waits for memory count as the collector's time. Always 1 if the heap was made without `trackUtilization`.
   */
  utilization(windowMs: number): number {
    if (!(typeof windowMs === 'number' && windowMs > 0 && windowMs <= MAX_WINDOW_MS)) {
      throw argumentRangeError('windowMs', `a number above 0, up to ${MAX_WINDOW_MS}`, windowMs);
    }
    return this.#setUp.host.native.utilization(this.#handle, windowMs);
  }

  /** Ends the mutator: its handles and ranges are roots no longer. */
  detach(): void {
    if (!this.#attached) return;
    // Each step may be repeated, if the program detaches again after an interruption.
    this.#handles.close();
    this.#stress?.end();
    this.#setUp.host.native.detachMutator(this.#handle);
    this.#setUp.onDetach();
    this.#attached = false;
  }

  /** Whether the mutator is still attached. A load. */
  get attached(): boolean {
    return this.#attached;
  }

  /** {@link detach}, for `using`. */
  [Symbol.dispose](): void {
    this.detach();
  }

  /** @internal */
  [INSPECT](): object {
    const running = (this.#control[CONTROL_STATE]! & MUTATOR_RUNNING) !== 0;
    return named('Mutator', { state: !this.#attached ? 'detached' : running ? 'running' : 'parked', handles: this.#handles.inUse });
  }

  #expectRoot(ref: Ref, place: string): void {
    if (ref !== 0 && !canBeValue(ref, this.f64.length)) throw notAReference(ref, place, this);
  }

  #allocateSlow(shape: Shape, count: number, words: number): Ref {
    mustBeOwn(shape, this.#setUp.isOwn);
    return this.#tlab.take(shape, count, words);
  }
}
