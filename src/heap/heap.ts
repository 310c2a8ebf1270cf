/**
 * Heap: a garbage-collected heap outside V8, shared by the threads of a process, whose objects move while the program uses
 * them.
 *
 * `Heap.create` makes one and starts its collector on a thread of its own. Other threads attach with `Heap.attach(token)`.
 * Each thread that touches objects becomes a mutator (`attachMutator`).
 */
import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { binding, type Binding, type HeapDescription, isRefusal, type Probe, type Refusal } from '../binding.ts';
import { argumentRangeError, HeapError } from '../errors.ts';
import { bestMode, errorName, FAULT_MODES, type FaultMode, judgeModes, type RequestedFaultMode } from '../gc/fault-modes.ts';
import type { CollectionSummary, HeapEvent, MemoryReturned, Triggered } from '../gc/events.ts';
import { bestMarker, judgeMarkers, type MarkerName, MARKERS } from '../gc/markers.ts';
import { type CollectionSource, EventStream } from '../gc/event-stream.ts';
import { type CollectionRequest, kindNumber, reasonNumber } from '../gc/requests.ts';
import { snapshotOrder, type SnapshotOptions, type SnapshotSummary } from '../gc/snapshots.ts';
import { type HeapStatistics, toStatistics } from '../gc/statistics.ts';
import { type HeapOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import type { CollectionHost } from './allocation.ts';
import { CheckedMutator } from './checked-mutator.ts';
import { FinalizableQueue, type Finalizables } from './finalizers.ts';
import { assertLayout, CONTROL_SLOTS, LOG_ENTRIES, PROGRAM_ROOT_SLOTS, REGION_BYTES, VIEW_ALIGNMENT_BYTES } from './layout.ts';
import { Mutator } from './mutator.ts';
import type { Pin, PinRange } from './pin.ts';
import { RootRange } from './root-range.ts';
import type { Exactly, ShapeDefinition } from './definition.ts';
import { type Shape, ShapeTable } from './shapes.ts';
import type { Collections } from '../collections/collections.ts';
import type { HeapArray } from '../collections/heap-array.ts';
import type { HeapCondition, HeapLock } from '../collections/heap-lock.ts';
import type { HeapMap } from '../collections/heap-map.ts';
import type { HeapQueue } from '../collections/heap-queue.ts';
import type { KeyKind, ValueKind } from '../collections/kinds.ts';
import type { HeapString } from '../objects/heap-string.ts';
import type { HandleToken } from '../objects/handle-tokens.ts';
import { Objects } from '../objects/objects.ts';
import { SHARED_BYTES, SharedSlots } from '../objects/shared-slots.ts';
import type { AnyView, Cursor, InitialElements, InitialValues, View } from '../objects/view-types.ts';
import { ADDRESS_BYTES, attachNative, type HeapToken } from './token.ts';
import type { Ref } from './units.ts';
import { makeViews, type Views } from './views.ts';

/** What this heap can do here, and what it had to do without. */
export interface HeapCapabilities {
  readonly faultMode: FaultMode;
  readonly requestedFaultMode: RequestedFaultMode;
  /** How what is alive is found; `satb` needs every reference stored with `mutator.setReference`. */
  readonly marker: MarkerName;
  /** How userfaultfd was opened, `none` in the modes without it. */
  readonly userfaultfd: string;
  /** Whether a system call on heap memory works at any time (in the other modes it may fail with EFAULT). */
  readonly systemCallsOnHeap: boolean;
  /** Pages become visible in groups of this many. */
  readonly unitPages: number;
  /** Why better modes were not taken. */
  readonly reasons: readonly string[];
}

export interface MutatorOptions {
  /** Handles that may exist at once. Default 65,536; memory is used as they are. */
  handleCapacity?: number;
  /** Local handles of all open scopes. Default 4,096. */
  localCapacity?: number;
}

const DEFAULT_HANDLES = 65_536;
const DEFAULT_LOCALS = 4_096;
const MAX_HANDLES = 2 ** 26;
/** A control thread that was started and is not there after this time is taken for dead. */
const CONTROL_PATIENCE_MS = 5_000;

interface HeapEvents {
  event: [HeapEvent];
  cycle: [Extract<HeapEvent, { type: 'cycle' }>];
  collection: [CollectionSummary];
  trigger: [Triggered];
  'memory-returned': [MemoryReturned];
  degraded: [Extract<HeapEvent, { type: 'degraded' }>];
}

export class Heap extends EventEmitter<HeapEvents> {
  readonly token: HeapToken;
  readonly capabilities: HeapCapabilities;
  /** 1,024 root slots that all threads share. Reads and stores are plain; agree on who writes which. */
  readonly roots: RootRange;

  readonly #native: Binding;
  readonly #description: HeapDescription;
  readonly #options: ResolvedOptions | undefined;
  readonly #shapes: ShapeTable;
  readonly #views: Views;
  readonly #events: EventStream;
  readonly #host: CollectionHost;
  readonly #finalizable: FinalizableQueue;
  #mutator: Mutator | undefined;
  #objectsOf: Objects | undefined;
  readonly #warned = new Set<string>();
  #closed = false;
  #bareFault: { p50Us: number; p99Us: number } | undefined;

  private constructor(token: HeapToken, description: HeapDescription, made?: { options: ResolvedOptions; reasons: string[] }) {
    super();
    this.#native = binding();
    this.#description = description;
    this.#options = made?.options;
    this.token = token;
    this.capabilities = {
      faultMode: description.faultMode as FaultMode,
      requestedFaultMode: made?.options.fault ?? (description.faultMode as FaultMode),
      marker: description.marker as MarkerName,
      userfaultfd: description.door,
      systemCallsOnHeap:
        description.faultMode === 'stw' ||
        (description.faultMode === 'thread' && !description.door.includes('USER_MODE_ONLY')),
      unitPages: description.unitPages,
      reasons: made?.reasons ?? [],
    };
    this.roots = new RootRange(new Uint32Array(token.roots, 0, PROGRAM_ROOT_SLOTS), new Uint32Array([PROGRAM_ROOT_SLOTS]));
    this.#shapes = new ShapeTable(this.#native, description.heap);
    this.#views = makeViews(token.view, description.viewOffset, description.regions * REGION_BYTES);
    this.#events = new EventStream(token.id, made?.options.performanceMeasures ?? false, (event) => this.#tell(event));
    this.#finalizable = new FinalizableQueue(() =>
      this.#mutator === undefined ? this.#takeToken() : this.#mutator.takeFinalizable(),
    );
    this.#host = {
      native: this.#native,
      request: (kind, reason) => this.#request({ kind, reason }),
      hasEnded: (ticket) => this.#hasEnded(ticket),
      keepControl: () => this.#keepControl(),
      figures: () => this.#figures(),
    };
  }

  /**
   * Makes a heap. Throws RangeError/TypeError with code ERR_OPTION for impossible options, HeapError when the system refuses
   * (`ERR_HEAP_TOO_LARGE`, `ERR_HEAP_CREATE`) or the fault mode asked for cannot be had (`ERR_FAULT_MODE`,
   * `ERR_UFFD_UNAVAILABLE`, `ERR_UFFD_NO_MINOR_FAULTS`).
   */
  static create(options: HeapOptions): Heap {
    const resolved = resolveOptions(options);
    const native = binding();
    assertLayout();
    const probe = native.probe();
    const { mode, reasons } = chooseMode(probe, resolved.fault);
    const { marker, reasons: markerReasons } = chooseMarker(probe, resolved);
    const regions = resolved.capacityRegions + resolved.reserveRegions;
    const spanBytes = Math.ceil((regions * REGION_BYTES) / VIEW_ALIGNMENT_BYTES) * VIEW_ALIGNMENT_BYTES;
    const view = reserve(spanBytes + VIEW_ALIGNMENT_BYTES, resolved);
    const roots = new SharedArrayBuffer(SHARED_BYTES);
    const { stressEvery, checked, policy, workers, faultAroundPages: around } = resolved;
    const made = native.create(
      { ...resolved, faultMode: FAULT_MODES.indexOf(mode), marker: MARKERS.indexOf(marker), faultAroundPages: around === 'adaptive' ? 0 : around },
      new Uint8Array(view, 0, ADDRESS_BYTES),
      new Uint32Array(roots),
    );
    if (isRefusal(made)) throw createRefused(made, resolved);
    const heap = new Heap({ id: made.id, view, roots, stressEvery, checked, policy, workers }, made, {
      options: resolved,
      reasons: [...reasons, ...markerReasons],
    });
    const degraded = [
      ...reasons.slice(0, 1).map((reason) => `fault mode ${mode}: ${reason}`),
      ...markerReasons.slice(0, 1).map((reason) => `the ${marker} marker: ${reason}`),
    ];
    if (degraded.length > 0) process.emitWarning(`heap uses ${degraded.join('; and ')}`, { code: 'FAULTLINE_DEGRADED' });
    heap.#keepControl();
    return heap;
  }

  /** The heap that a token of another thread names. Throws ERR_HEAP_UNKNOWN. */
  static attach(token: HeapToken): Heap {
    assertLayout();
    return new Heap(token, attachNative(token).description);
  }

  /** Registers a shape, or finds it if the same definition is registered already. Throws ERR_SHAPE_CONFLICT. */
  defineShape<const D extends ShapeDefinition>(definition: Exactly<D>): Shape<D> {
    return this.#shapes.define<D>(definition);
  }

  /** A shape by name (defined in any thread), or by the id in an object's header. Throws ERR_SHAPE_UNKNOWN. */
  shape(nameOrId: string | number): Shape {
    return typeof nameOrId === 'string' ? this.#shapes.named(nameOrId) : this.#shapes.numbered(nameOrId);
  }

  /**
   * A new object, as a view; fields that are not given are zero or null. A safepoint. Throws ERR_OPTION for unknown fields and wrong
   * values, and what {@link Mutator.allocate} throws. Some hundred ns; in a scope about 100.
   */
  create<D extends ShapeDefinition>(
    shape: Shape<D>,
    values: InitialValues<D> = {} as InitialValues<D>,
    elements?: InitialElements<D>,
  ): View<D> {
    return this.#objects().create(shape, values, elements);
  }

  /**
   * A new object that {@link pin} takes: of a shape with elements that are numbers and without references, zeroed. It never moves; it
   * uses pages as it needs them, but whole MiB of the capacity. A safepoint; throws what {@link Mutator.allocatePinnable} throws.
   */
  createPinnable<D extends ShapeDefinition>(shape: Shape<D>, count: number): View<D> {
    return this.#objects().createPinnable(shape, count) as View<D>;
  }

  /**
   * Pins the elements of an object, or a range of them: memory at one address until the pin is released, for `fs`, sockets and native
   * code. Throws ERR_NOT_PINNABLE unless the object was made by {@link createPinnable} or is large, ERR_PIN_REFUSED when the system
   * gives no mapping, ERR_MUTATOR_PARKED, RangeError ERR_OPTION. Not a safepoint; about 10 us, and 0.6 us a page.
   */
  pin(object: AnyView, range: PinRange = {}): Pin {
    return this.#objects().pin(object, range);
  }

  /** A cursor for objects of that shape, at `at` or nowhere. Throws ERR_WRONG_SHAPE, ERR_HANDLES_EXHAUSTED. */
  cursor<D extends ShapeDefinition>(shape: Shape<D>, at: View<D> | Ref | null = null): Cursor<D> {
    return this.#objects().cursor(shape, at);
  }

  /** A view of what a raw reference leads to, of whatever shape that is; null for 0. Throws ERR_HANDLES_EXHAUSTED. */
  view(ref: Ref): View | null {
    return this.#objects().view(ref) as View | null;
  }

  /** A new string in the heap. A safepoint; throws what {@link Mutator.allocate} throws. */
  string(text: string): HeapString {
    return this.#objects().string(text);
  }

  /**
   * The one string of that text that all threads share: equal texts give the same object, so that references can be compared. It
   * stays alive until {@link dropInterned}, whoever refers to it. A safepoint; throws what {@link Mutator.allocate} throws.
   */
  intern(text: string): HeapString {
    return this.#objects().intern(text);
  }

  /**
   * Forgets an interned string; whether there was one. Who refers to it keeps it; the next {@link intern} of the text makes another.
   */
  dropInterned(text: string): boolean {
    return this.#objects().interned.drop(text);
  }

  /**
   * Makes a root that goes to another thread by message: a plain object that {@link redeem} there turns into a view, once. Until
   * then, or until {@link withdraw}, it keeps the object alive, also beyond the end of this thread. Throws ERR_TOKENS_EXHAUSTED when
   * too many are under way (about a thousand), ERR_VIEW_RELEASED.
   */
  offer(view: AnyView): HandleToken {
    return this.#objects().tokens.offer(view);
  }

  /** The object that another thread (or this one) has offered. Throws ERR_TOKEN_SPENT when it was redeemed or withdrawn before. */
  redeem(token: HandleToken): View {
    return this.#objects().tokens.redeem(token) as View;
  }

  /** Takes back an offer; false when it was redeemed or withdrawn already. In any thread that is a mutator. */
  withdraw(token: HandleToken): boolean {
    return this.#objects().tokens.withdraw(token);
  }

  /** The operations on shared collections by raw reference, for this thread's mutator. */
  get collections(): Collections {
    return this.#objects().collections;
  }

  /**
   * A new growable array that threads can share, empty, with elements of that kind. A safepoint; throws what {@link Mutator.allocate}
   * throws.
   */
  createArray<K extends ValueKind>(kind: K): HeapArray<K> {
    const objects = this.#objects();
    return objects.viewOf(objects.collections.arrays.allocate(kind)) as HeapArray<K>;
  }

  /** A new hash map that threads can share, empty. A safepoint; throws what {@link Mutator.allocate} throws. */
  createMap<K extends KeyKind, V extends ValueKind>(keyKind: K, valueKind: V): HeapMap<K, V> {
    const objects = this.#objects();
    return objects.viewOf(objects.collections.maps.allocate(keyKind, valueKind)) as HeapMap<K, V>;
  }

  /**
   * A new queue between threads, empty, for `capacity` elements (1 to 2^31), or for any number. A safepoint; throws what
   * {@link Mutator.allocate} throws.
   */
  createQueue<K extends ValueKind>(kind: K, capacity = Infinity): HeapQueue<K> {
    const objects = this.#objects();
    return objects.viewOf(objects.collections.queues.allocate(kind, capacity)) as HeapQueue<K>;
  }

  /** A new lock, free. A safepoint; throws what {@link Mutator.allocate} throws. */
  createLock(): HeapLock {
    const objects = this.#objects();
    return objects.viewOf(objects.collections.locks.allocate()) as HeapLock;
  }

  /** A new condition. A safepoint; throws what {@link Mutator.allocate} throws. */
  createCondition(): HeapCondition {
    const objects = this.#objects();
    return objects.viewOf(objects.collections.conditions.allocate()) as HeapCondition;
  }

  /** Makes this thread a mutator, in the running state. Throws ERR_MUTATOR_ATTACHED, ERR_SIGNAL_BLOCKED, ERR_HEAP_CLOSED. */
  attachMutator(options: MutatorOptions = {}): Mutator {
    const handleCapacity = capacity('handleCapacity', options.handleCapacity ?? DEFAULT_HANDLES);
    const localCapacity = capacity('localCapacity', options.localCapacity ?? DEFAULT_LOCALS);
    const control = new Uint32Array(new SharedArrayBuffer((CONTROL_SLOTS + localCapacity + handleCapacity + LOG_ENTRIES) * 4));
    const handle = this.#native.attachMutator(this.#description.heap, control, localCapacity, handleCapacity, () =>
      this.#mutator?.nudged(),
    );
    if (typeof handle === 'string') throw attachRefused(handle);
    const mutator = new (this.token.checked ? CheckedMutator : Mutator)({
      host: this.#host,
      views: this.#views,
      handle,
      control,
      localCapacity,
      handleCapacity,
      stressEvery: this.token.stressEvery,
      defineShape: (definition) => this.#shapes.define(definition),
      onDetach: () => (this.#mutator = this.#objectsOf = undefined),
    });
    this.#mutator = mutator;
    this.#objectsOf = new Objects({
      mutator,
      handles: mutator.handles,
      control,
      shapes: this.#shapes,
      heapBytes: this.#description.regions * REGION_BYTES,
      checked: this.token.checked,
      shared: new SharedSlots(this.token.roots),
      heapId: this.token.id,
    });
    return mutator;
  }

  /**
   * Asks for a collection. The event loop keeps turning; this thread's raw references are invalid afterwards. Rejects with
   * ERR_HEAP_CLOSED when the heap is closed meanwhile.
   */
  async collect(request: CollectionRequest = {}): Promise<CollectionSummary> {
    return this.#events.awaitCollection(this.#collections(request));
  }

  /**
   * The tokens of objects that have died (`mutator.finalizeLater`), as they come. Each is delivered once, to one of the threads that
   * listen. In a thread with a mutator a token comes with a handle of that mutator to its object, which is alive again: read it, keep
   * it or register it again, and release the handle. In a thread without one the object is let go.
   *
   * The iteration ends when the heap is closed (in this thread); tokens that nobody has taken by then are lost, like those of objects
   * that are still alive. Waiting does not keep the thread alive, unless `keepAlive` says so.
   */
  finalizable(options: { keepAlive?: boolean } = {}): Finalizables {
    return this.#finalizable.listen(options.keepAlive ?? false);
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
   * thread mode). From then on the fault histogram includes the delivery time that was found.
   */
  measureBareFault(count = 500): { p50Us: number; p99Us: number } {
    const measured = this.#native.measureBareFault(this.#description.heap, count);
    if (isRefusal(measured)) throw createRefused(measured, undefined);
    this.#bareFault = { p50Us: measured.p50Us, p99Us: measured.p99Us };
    return this.#bareFault;
  }

  /**
   * Walks everything reachable, with the world stopped, and answers how many objects there are. A violation ends the process:
   * it is a bug of this library, or a reference slot that was overwritten with something else. Rejects with ERR_HEAP_CLOSED
   * when the heap is closed meanwhile.
   */
  async verify(): Promise<number> {
    this.#keepControl();
    return this.#events.verify(this.#collections({}));
  }

  /**
   * Writes what is alive, and what keeps it alive, to a file that Chrome's DevTools opens (`.heapsnapshot`). In any thread, at any
   * time; several are written one after the other. All threads stop for as long as a {@link verify} takes; the file is written while
   * they run. Memory meanwhile: 16 bytes an object and 8 a reference.
   *
   * Rejects with ERR_SNAPSHOT_WRITE when the file cannot be written, ERR_NO_MEMORY when the graph cannot be copied, ERR_HEAP_CLOSED
   * when the heap is closed meanwhile, TypeError or RangeError ERR_OPTION. There is no half-written file then.
   */
  async writeSnapshot(path: string | URL, options: SnapshotOptions = {}): Promise<SnapshotSummary> {
    const order = snapshotOrder(path, options);
    this.#keepControl();
    return this.#events.snapshot(this.#collections({}), order, options.onProgress);
  }

  /** The phase the collector is in, for curiosity. */
  get phase(): string {
    return this.#native.phase(this.#description.heap);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * In the thread that made the heap: ends the collector and gives the memory back. Throws ERR_HEAP_IN_USE while mutators of
   * other threads are attached. In another thread: lets go of the heap. The typed arrays read as zero afterwards.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#options !== undefined) {
      const attached = this.#native.mutatorCount(this.#description.heap) - (this.#mutator === undefined ? 0 : 1);
      if (attached > 0) {
        throw new HeapError('ERR_HEAP_IN_USE', `${attached} mutators of other threads are attached; detach them first.`, {
          figures: { attached },
        });
      }
      this.#mutator?.detach();
      this.#closed = true;
      await this.#events.endControl(() => this.#native.claimControl(this.#description.heap, CONTROL_PATIENCE_MS));
      this.#native.close(this.#description.heap);
    }
    this.#finalizable.close();
    this.#mutator?.detach();
    this.#closed = true;
    this.#events.close();
    this.#native.release(this.#description.heap);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The objects level of this thread's mutator. */
  #objects(): Objects {
    if (this.#mutator !== undefined) return this.#objectsOf!;
    if (this.#closed) throw new HeapError('ERR_HEAP_CLOSED', 'the heap is closed.');
    throw new HeapError('ERR_MUTATOR_DETACHED', 'this thread is no mutator of the heap (any more); call attachMutator().');
  }

  #takeToken(): { token: number; handle: undefined } | null {
    const taken = this.#native.takeToken(this.#description.heap);
    return taken === null ? null : { token: taken.token, handle: undefined };
  }

  #collections(request: CollectionRequest): CollectionSource {
    return {
      request: () => this.#request(request),
      hasEnded: (ticket) => this.#hasEnded(ticket),
      keepControl: () => this.#keepControl(),
    };
  }

  #request(request: CollectionRequest): number {
    return this.#native.requestCollection(
      this.#description.heap,
      kindNumber(request.kind ?? 'compact'),
      reasonNumber(request.reason ?? 'explicit'),
    );
  }

  #hasEnded(ticket: number): boolean {
    // Both numbers are 32 bits and run around.
    return ((this.#native.collectionsEnded(this.#description.heap) - ticket) | 0) >= 0;
  }

  /** Starts a control thread if there is none. */
  #keepControl(): void {
    if (!this.#native.claimControl(this.#description.heap, CONTROL_PATIENCE_MS)) return;
    const worker = new Worker(new URL('../gc/control-thread.js', import.meta.url), {
      name: `faultline-control-${this.token.id}`,
      workerData: this.token,
      execArgv: [],
    });
    worker.unref();
    worker.on('error', (error) => {
      process.emitWarning(`the collector's thread ended with an error: ${error.stack ?? error.message}`, {
        code: 'FAULTLINE_COLLECTOR',
      });
    });
  }

  #figures(): { liveBytes: number; freeBytes: number; capacityBytes: number } {
    const figures = this.#native.statistics(this.#description.heap);
    const freeRegions = Math.max(0, this.#description.capacityRegions - figures.chargedRegions);
    return {
      liveBytes: this.#native.report(this.#description.heap).liveBytes,
      freeBytes: freeRegions * REGION_BYTES,
      capacityBytes: figures.capacityBytes,
    };
  }

  /** One warning of a kind, in the thread that made the heap; listeners hear of every case. */
  #warn(event: Extract<HeapEvent, { type: 'degraded' }>): void {
    this.emit('degraded', event);
    if (this.#options === undefined || this.#warned.has(event.message)) return;
    this.#warned.add(event.message);
    process.emitWarning(event.message, { code: 'FAULTLINE_DEGRADED' });
  }

  #tell(event: HeapEvent): void {
    this.emit('event', event);
    // After a collection too: whoever says that tokens are ready may have ended before saying it.
    if (event.type === 'finalizable' || event.type === 'collection') this.#finalizable.wake();
    if (event.type === 'cycle') this.emit('cycle', event);
    else if (event.type === 'collection') this.emit('collection', event);
    else if (event.type === 'trigger') this.emit('trigger', event);
    else if (event.type === 'memory-returned') this.emit('memory-returned', event);
    else if (event.type === 'degraded') this.#warn(event);
  }
}

function capacity(option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > MAX_HANDLES) {
    throw argumentRangeError(option, `an integer from 1 to ${MAX_HANDLES}`, value);
  }
  return value;
}

function chooseMarker(probe: Probe, { marker, barrieredStores }: ResolvedOptions): { marker: MarkerName; reasons: string[] } {
  const verdicts = judgeMarkers(probe, barrieredStores);
  if (marker === 'auto') {
    const best = bestMarker(verdicts);
    if (best !== 'stopped') return { marker: best, reasons: [] };
    return { marker: best, reasons: verdicts.slice(0, -1).map((verdict) => `${verdict.marker} cannot be used: ${verdict.remark}`) };
  }
  const verdict = verdicts.find((candidate) => candidate.marker === marker)!;
  if (verdict.works) return { marker, reasons: [] };
  throw new HeapError('ERR_MARKER', `marker ${marker} cannot be used: ${verdict.remark}. Or let the heap choose with marker: 'auto'.`);
}

function chooseMode(probe: Probe, requested: RequestedFaultMode): { mode: FaultMode; reasons: string[] } {
  const verdicts = judgeModes(probe);
  if (requested === 'auto') {
    const mode = bestMode(probe);
    const better = verdicts.slice(0, FAULT_MODES.indexOf(mode));
    return { mode, reasons: better.map((verdict) => `${verdict.mode} cannot be used: ${verdict.remark}`) };
  }
  const verdict = verdicts.find(({ mode }) => mode === requested)!;
  if (verdict.works) return { mode: requested, reasons: [] };
  throw new HeapError(
    probe.door === 'none' ? 'ERR_UFFD_UNAVAILABLE' : 'ERR_UFFD_NO_MINOR_FAULTS',
    `fault mode ${requested} cannot be used: ${verdict.remark}. Or let the heap choose with fault: 'auto'.`,
  );
}

/** A buffer whose inside will be the mutator view. */
function reserve(bytes: number, options: ResolvedOptions): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw new HeapError(
      'ERR_HEAP_TOO_LARGE',
      `no address space for a heap of ${options.capacityRegions} MiB: V8 refused a SharedArrayBuffer of ` +
        `${bytes / 2 ** 30} GiB. Its limit is about the memory of the machine (or vm.overcommit_memory); make the heap smaller.`,
      { cause, figures: { capacityBytes: options.capacityRegions * REGION_BYTES } },
    );
  }
}

function createRefused(refusal: Refusal, options: ResolvedOptions | undefined): HeapError {
  const isMode = /UFFD|userfaultfd|sigaction|pthread|fault ranges/.test(refusal.syscall);
  const what = options === undefined ? 'the measurement' : `a heap of ${options.capacityRegions} MiB`;
  return new HeapError(
    isMode ? 'ERR_FAULT_MODE' : 'ERR_HEAP_CREATE',
    `${what} cannot be made: ${refusal.syscall} was refused (${errorName(refusal.errno)}). ` +
      (isMode
        ? "Run `faultline doctor` to see what this machine allows, or create the heap with fault: 'auto'."
        : 'Check memory limits and vm.max_map_count, or make the heap smaller.'),
    { errno: refusal.errno, syscall: refusal.syscall },
  );
}

function attachRefused(code: 'ERR_MUTATOR_ATTACHED' | 'ERR_SIGNAL_BLOCKED' | 'ERR_HEAP_CLOSED'): HeapError {
  const messages = {
    ERR_MUTATOR_ATTACHED: 'this thread is a mutator of the heap already; use that one, or detach it first.',
    ERR_SIGNAL_BLOCKED:
      'this thread blocks the signal that its page faults are delivered by; unblock SIGBUS (SIGSEGV in mode sigsegv).',
    ERR_HEAP_CLOSED: 'the heap is closed.',
  };
  return new HeapError(code, messages[code]);
}
