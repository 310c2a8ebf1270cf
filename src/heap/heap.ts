/**
 * Heap: a garbage-collected heap outside V8, shared by the threads of a process, whose objects move while the program uses
 * them.
 *
 * `Heap.create` makes one and starts its collector on a thread of its own. Other threads attach with `Heap.attach(token)`.
 * Each thread that touches objects becomes a mutator (`attachMutator`).
 */
import { binding, type Binding, type HeapDescription, isRefusal } from '../binding.ts';
import type { HeapPhase } from '../binding/cycle-steps.ts';
import { argumentRangeError, HeapError, optionsOf } from '../errors.ts';
import { traitsOf } from '../gc/fault-modes.ts';
import type { CollectionSummary, HeapEvent } from '../gc/events.ts';
import { ControlChannel } from '../gc/control-channel.ts';
import { EventStream } from '../gc/event-stream.ts';
import type { CollectionRequest } from '../gc/requests.ts';
import { warnDegraded } from '../gc/warnings.ts';
import { snapshotOrder, type SnapshotOptions, type SnapshotSummary } from '../gc/snapshots.ts';
import { type HeapStatistics, toStatistics } from '../gc/statistics.ts';
import { ContainerClasses } from '../containers/container-classes.ts';
import { Containers } from '../containers/containers.ts';
import { Objects } from '../objects/objects.ts';
import { SHARED_BYTES, SharedSlots } from '../objects/shared-slots.ts';
import type { HeapOptions } from '../options.ts';
import { type Attachment, attachThread, type MutatorOptions } from './attachment.ts';
import { capabilitiesOf, type HeapCapabilities } from './capabilities.ts';
import { CheckedMutator } from './checked-mutator.ts';
import { CollectionService } from './collection-service.ts';
import type { Exactly, ShapeDefinition } from './definition.ts';
import { FinalizableQueue, type Finalizables } from './finalizers.ts';
import { INSPECT, named, size } from '../inspection.ts';
import { assertLayout, CONTROL_ADOPTED, LEAST_SEPARATED_REGIONS, PROGRAM_ROOT_SLOTS, REGION_BYTES } from '../binding/layout.ts';
import { createRefused, type MadeHeap, makeNativeHeap } from './heap-set-up.ts';
import { KeyedHash } from './keyed-hash.ts';
import { LoadBarrierMutator, notBehindBarrier } from './load-barrier-mutator.ts';
import { Mutator } from './mutator.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';
import { StressedLoadBarrierMutator, StressedMutator } from './stressed-mutator.ts';
import { CONTAINERS, OBJECTS, ObjectLevel } from './object-level.ts';
import { RootRange } from './root-range.ts';
import { type Shape, ShapeTable } from './shapes.ts';
import { attachNative, type HeapToken } from './token.ts';
import { makeWords, type Words } from './words.ts';

const MAX_FAULTS_MEASURED = 100_000;

/** What a clone of a heap would begin with; the error that refuses it quotes the symbol. */
const NOT_CLONEABLE = Symbol('a heap object stays on its thread: post heap.token, and Heap.attach(token) there');

/**
 * A heap, as one thread has it: made by {@link create}, or attached to by its token. Call its methods on the thread that made or attached
 * this object; the heap behind it is shared.
 */
export class Heap extends ObjectLevel {
  /** What other threads need to attach: a plain object for `workerData` or a message. */
  readonly token: HeapToken;
  /** Which modes the heap uses on this machine, and why not better ones. */
  readonly capabilities: HeapCapabilities;
  /** 1,024 root slots that all threads share. Reads and stores are plain; the threads have to agree on who writes which slot. */
  readonly roots: RootRange;

  /** @internal Makes cloning an error. */
  readonly 'heap.token': unknown = NOT_CLONEABLE;
  readonly #native: Binding;
  readonly #description: HeapDescription;
  /** Undefined except in the thread that made the heap. */
  readonly #made: MadeHeap | undefined;
  readonly #shapes: ShapeTable;
  readonly #words: Words;
  readonly #control: ControlChannel;
  readonly #service: CollectionService;
  readonly #finalizable: FinalizableQueue;
  #mutator: Mutator | undefined;
  #objectsOf: Objects | undefined;
  #containersOf: ContainerClasses | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  #bareFault: { p50Us: number; p99Us: number } | undefined;

  private constructor(token: HeapToken, description: HeapDescription, made?: MadeHeap) {
    super();
    this.#native = binding();
    this.#description = description;
    this.#made = made;
    this.token = token;
    this.capabilities = capabilitiesOf(description, made);
    this.roots = new RootRange(new Uint32Array(token.roots, 0, PROGRAM_ROOT_SLOTS), new Uint32Array([PROGRAM_ROOT_SLOTS]));
    this.#shapes = new ShapeTable(this.#native, description.heap, description.capacityRegions >= LEAST_SEPARATED_REGIONS);
    this.#words = makeWords(token.view, description.viewOffset, description.regions * REGION_BYTES);
    const events = new EventStream(made?.options.performanceMeasures ?? false, (event) => this.#tell(event));
    this.#control = new ControlChannel(token.id, {
      publish: (event) => events.publish(event),
      keepControl: () => this.#service.keepControl(),
    });
    this.#finalizable = new FinalizableQueue(() => (this.#mutator === undefined ? this.#takeHeldValue() : this.#mutator.takeFinalizable()));
    this.#service = new CollectionService(this.#native, token, description, () => this.#control.askForControl());
  }

  /**
   * Makes a heap. Throws RangeError/TypeError with code ERR_OPTION for impossible options, HeapError when the system refuses
   * (`ERR_HEAP_TOO_LARGE`, `ERR_HEAP_CREATE`, `ERR_COLLECTOR_MISSING`) or the requested fault mode does not work here (`ERR_FAULT_MODE`,
   * `ERR_UFFD_UNAVAILABLE`, `ERR_UFFD_NO_MINOR_FAULTS`).
   */
  static create(options: HeapOptions): Heap {
    const made = makeNativeHeap(options);
    let heap: Heap | undefined;
    try {
      heap = new Heap(made.token, made.description, made);
      heap.#service.startControl();
      return heap;
    } catch (error) {
      const native = binding();
      native.beginClose(made.description.heap, 0);
      if (heap !== undefined) heap.#letGo();
      else native.close(made.description.heap);
      throw error;
    }
  }

  /** The heap that a token of another thread names. Throws ERR_HEAP_UNKNOWN. */
  static attach(token: HeapToken): Heap {
    assertLayout();
    return new Heap(token, attachNative(token).description);
  }

  /** Registers a shape, or returns the one that has the same definition already. Throws ERR_SHAPE_CONFLICT. */
  defineShape<const D extends ShapeDefinition>(definition: Exactly<D>): Shape<D> {
    return this.#shapes.define<D>(definition);
  }

  /** A shape by name (defined in any thread), or by the id in an object's header. Throws ERR_SHAPE_UNKNOWN. */
  shape(nameOrId: string | number): Shape {
    return typeof nameOrId === 'string' ? this.#shapes.named(nameOrId) : this.#shapes.numbered(nameOrId);
  }

  /** Makes this thread a mutator, in the running state. Throws ERR_MUTATOR_ATTACHED, ERR_SIGNAL_BLOCKED, ERR_HEAP_CLOSED. */
  attachMutator(options?: MutatorOptions): Mutator {
    const attachment = attachThread(this.#native, this.#description.heap, options, () => this.#mutator?.nudged());
    try {
      return this.#becomeMutator(attachment);
    } catch (error) {
      this.#native.detachMutator(attachment.handle);
      throw error;
    }
  }

  #becomeMutator(attachment: Attachment): Mutator {
    const { control } = attachment;
    const adopted = CONTROL_ADOPTED;
    const { barrieredLoads } = traitsOf(this.capabilities.faultMode);
    const setUp: MutatorSetUp = {
      ...attachment,
      host: this.#service,
      words: this.#words,
      stressEvery: this.token.stressEvery,
      stressFaults: this.token.policy.stressFaults,
      checked: this.token.checked,
      defineShape: (definition) => this.#shapes.define(definition),
      isOwn: (shape) => this.#shapes.has(shape),
      leafTlabTop: this.#shapes.leafTlabTop,
      onDetach: () => (this.#mutator = this.#objectsOf = this.#containersOf = undefined),
    };
    const mutator = this.#makeMutator(setUp, barrieredLoads);
    const { checked } = this.token;
    const shared = new SharedSlots(this.token.roots);
    const hashKey = { low: this.#description.hashLow, high: this.#description.hashHigh };
    const containers: ContainerClasses = new ContainerClasses(() => {
      if (barrieredLoads) throw notBehindBarrier('shared containers');
      return new Containers(mutator, this.#shapes, objects.strings, shared, new KeyedHash(hashKey), checked);
    });
    const objects = new Objects({
      mutator,
      handles: mutator.handles,
      control,
      shapes: this.#shapes,
      heapBytes: this.#description.regions * REGION_BYTES,
      checked,
      barrieredLoads,
      shared,
      heapId: this.token.id,
      hashKey,
      specialClasses: (shape, owner) => containers.classesOf(shape, owner),
      specialCopy: (shape) => containers.copyOf(shape),
    });
    // No call from here on: an interrupted thread has a mutator, or one that its next attempt replaces.
    control[adopted] = 1;
    this.#objectsOf = objects;
    this.#containersOf = containers;
    this.#mutator = mutator;
    return mutator;
  }

  /**
   * Requests a collection, and resolves when it has ended. The event loop keeps turning; this thread's raw references are invalid
   * afterwards. Rejects with ERR_HEAP_CLOSED if the heap is closed meanwhile.
   */
  async collect(request?: CollectionRequest): Promise<CollectionSummary> {
    return this.#control.awaitCollection(this.#service.source(request));
  }

  /**
   * The objects that have died (`mutator.finalizeLater`), with their held values, as they die. Each is delivered once, to one of the
   * threads that listen. A thread with a mutator gets a handle of that mutator to the object, which is alive again: read it, keep it or
   * register it again, and release the handle. A thread without a mutator gets the held value alone, and the object is gone.
   *
   * The iteration ends when this thread closes the heap. What was not taken by then is lost, as are the registrations of objects that are
   * still alive. Waiting does not keep the thread alive, unless `keepAlive` is true.
   */
  finalizable(options?: { keepAlive?: boolean }): Finalizables {
    return this.#finalizable.listen(optionsOf('options', options).keepAlive ?? false);
  }

  /** Figures of this moment; see {@link HeapStatistics}. A few microseconds. */
  statistics(): HeapStatistics {
    const figures = this.#native.statistics(this.#description.heap);
    return toStatistics(figures, this.#native.report(this.#description.heap), {
      mode: this.capabilities.faultMode,
      requestedMode: this.capabilities.requestedFaultMode,
      faultAroundPages: this.#description.faultAroundPages || 'adaptive',
      ...(this.#bareFault === undefined ? {} : { bareP50Us: this.#bareFault.p50Us }),
    });
  }

  /**
   * Measures the round trip of a fault that needs no work, in this heap's mode, on this thread; about 5 us a time (40 in
   * thread mode), `count` times (1 to 100,000). From then on the fault histogram includes the delivery time that was found.
   */
  measureBareFault(count = 500): { p50Us: number; p99Us: number } {
    if (!Number.isInteger(count) || count < 1 || count > MAX_FAULTS_MEASURED) {
      throw argumentRangeError('count of faults', `an integer from 1 to ${MAX_FAULTS_MEASURED}`, count);
    }
    const measured = this.#native.measureBareFault(this.#description.heap, count);
    if (isRefusal(measured)) throw createRefused(measured, undefined);
    this.#bareFault = { p50Us: measured.p50Us, p99Us: measured.p99Us };
    return this.#bareFault;
  }

  /**
   * Walks everything reachable, with the world stopped, and returns the number of objects. A violation ends the process:
   * it is a bug of this library, or a reference slot that was overwritten with something else. Rejects with ERR_HEAP_CLOSED
   * when the heap is closed meanwhile.
   */
  async verify(): Promise<number> {
    this.#expectOpen();
    return this.#control.verify(this.#service.source());
  }

  /**
   * Writes what is alive, and what keeps it alive, to a file that Chrome's DevTools opens (`.heapsnapshot`). In any thread, at any
   * time; several are written one after the other. All threads stop for as long as a {@link verify} takes; the file is written while
   * they run. Memory meanwhile: 16 bytes an object and 8 a reference.
   *
   * Rejects with ERR_SNAPSHOT_WRITE when the file cannot be written, ERR_NO_MEMORY when the graph cannot be copied, ERR_HEAP_CLOSED
   * when the heap is closed meanwhile, TypeError or RangeError ERR_OPTION. No half-written file is left then.
   */
  async writeSnapshot(path: string | URL, options: SnapshotOptions = {}): Promise<SnapshotSummary> {
    const order = snapshotOrder(path, options);
    this.#expectOpen();
    return this.#control.snapshot(this.#service.source(), order, options.onProgress);
  }

  /**
   * The phase of the heap's cycle: `idle` between cycles, `marking`, `marked` (liveness is frozen), `planned` (new addresses are too),
   * `compacting` (pages are built by workers, and by threads that touch them first), `finishing`, and `marked` again before another wave.
   * It may have changed by the time it is read. A call into the addon.
   */
  get phase(): HeapPhase {
    return this.#native.phase(this.#description.heap);
  }

  /** Whether {@link close} was called in this thread. A load. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * In the thread that made the heap: ends the collector, gives the memory back, and resolves when both are done. From the call on, no
   * thread can attach to the heap (ERR_HEAP_CLOSED). Rejects with ERR_HEAP_IN_USE, and changes nothing, while mutators of other threads are
   * attached. In another thread: detaches that thread from the heap. The typed arrays read as zero afterwards.
   */
  async close(): Promise<void> {
    const closing = (this.#closing ??= this.#close());
    try {
      await closing;
    } catch (error) {
      this.#closing = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    if (this.#made !== undefined) {
      const attached = this.#native.beginClose(this.#description.heap, this.#mutator === undefined ? 0 : 1);
      if (attached > 0) {
        throw new HeapError('ERR_HEAP_IN_USE', `${attached} mutators of other threads are attached; detach them first.`, {
          figures: { attached },
        });
      }
    }
    this.#closed = true;
    this.#mutator?.detach();
    if (this.#made !== undefined) await this.#control.endControl(() => this.#native.inControl(this.#description.heap));
    this.#letGo();
    // Warnings are emitted in the next tick: wait, so that a program that ends after this has received them.
    await new Promise<void>((told) => process.nextTick(told));
  }

  /** Releases what this thread has of the heap; closes the heap itself, if it was made here. */
  #letGo(): void {
    if (this.#made !== undefined) this.#native.close(this.#description.heap);
    this.#closed = true;
    this.#finalizable.close();
    this.#control.close();
    this.#native.release(this.#description.heap);
  }

  #expectOpen(): void {
    if (this.#closed) throw new HeapError('ERR_HEAP_CLOSED', 'the heap is closed.');
  }

  /** {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  override [OBJECTS](): Objects {
    if (this.#mutator !== undefined) return this.#objectsOf!;
    this.#expectOpen();
    throw new HeapError('ERR_MUTATOR_DETACHED', 'this thread is not a mutator of the heap; call attachMutator().');
  }

  /** @internal */
  override [CONTAINERS](): Containers {
    this[OBJECTS]();
    return this.#containersOf!.operations;
  }

  /** @internal */
  [INSPECT](): object {
    const { id } = this.token;
    if (this.#closed) return named('Heap', { id, closed: true });
    const { capacityBytes, usedBytes, liveBytes, fileBytes } = this.statistics();
    const { faultMode, marker } = this.capabilities;
    const sizes = { capacity: size(capacityBytes), used: size(usedBytes), live: size(liveBytes), file: size(fileBytes) };
    return named('Heap', { id, ...sizes, faultMode, marker, phase: this.phase, mutator: this.#mutator });
  }

  #makeMutator(setUp: MutatorSetUp, barrieredLoads: boolean): Mutator {
    const stressed = setUp.stressEvery > 0;
    if (barrieredLoads) {
      const unsettled = new Uint8Array(this.token.roots, SHARED_BYTES);
      return new (stressed ? StressedLoadBarrierMutator : LoadBarrierMutator)(setUp, unsettled);
    }
    return new (setUp.checked ? CheckedMutator : stressed ? StressedMutator : Mutator)(setUp);
  }

  #takeHeldValue(): { heldValue: number; handle: undefined } | null {
    const heldValue = this.#native.takeHeldValue(this.#description.heap);
    return heldValue === null ? null : { heldValue, handle: undefined };
  }

  /** One warning of each kind per process, in the thread that made the heap; listeners get every case. */
  #warn(event: Extract<HeapEvent, { type: 'degraded' }>): void {
    this.emit('degraded', event);
    if (this.#made !== undefined) warnDegraded('', [event.message]);
  }

  #tell(event: HeapEvent): void {
    this.emit('event', event);
    // After a collection too: the thread that announces dead objects may have ended before it did.
    if (event.type === 'finalizable' || event.type === 'collection') this.#finalizable.wake();
    if (event.type === 'cycle') this.emit('cycle', event);
    else if (event.type === 'collection') this.emit('collection', event);
    else if (event.type === 'trigger') this.emit('trigger', event);
    else if (event.type === 'memory-returned') this.emit('memory-returned', event);
    else if (event.type === 'degraded') this.#warn(event);
  }
}
