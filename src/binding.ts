/**
 * The native addon as TypeScript sees it: the only file that loads it, and one interface of coarse calls.
 *
 * No call here is made once per object. Calls that may have to wait take a slice in milliseconds and say whether they are
 * done, so that a thread always comes back to JavaScript, where it can be terminated. A refused system call is answered with
 * a {@link Refusal}; everything else that can go wrong is an exception with a code.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HeapError, type HeapErrorCode } from './errors.ts';
import { platformProblem } from './platform.ts';

/** Handles of native objects; valid in the thread that got them. */
export type HeapHandle = { readonly heap: unique symbol };
export type MutatorHandle = { readonly mutator: unique symbol };
/** A copy of a heap's graph. */
export type GraphHandle = { readonly graph: unique symbol };
/** A pin of this thread. */
export type PinHandle = { readonly pin: unique symbol };

/** A system call the kernel refused. */
export interface Refusal {
  errno: number;
  syscall: string;
}

export interface CreateOptions {
  capacityRegions: number;
  reserveRegions: number;
  tlabPages: number;
  /** Index into FAULT_MODES of gc/fault-modes.ts. */
  faultMode: number;
  /** Index into MARKERS of gc/markers.ts. */
  marker: number;
  /** 0: adaptive. */
  faultAroundPages: number;
  verify: boolean;
  trackUtilization: boolean;
  delaySeed: number;
}

export interface HeapDescription {
  heap: HeapHandle;
  id: number;
  /** Bytes from the start of the buffer to word 0 of the heap. */
  viewOffset: number;
  regions: number;
  capacityRegions: number;
  door: string;
  faultMode: string;
  marker: string;
  unitPages: number;
  faultAroundPages: number;
}

export interface ShapeDescription {
  id: number;
  name: string;
  description: string;
}

/** Figures of one cycle, times in nanoseconds. */
export interface NativeCycleReport {
  number: number;
  markedObjects: number;
  liveBytes: number;
  /** Of the last marking: roots copied (the latest such pause), and the pause at its end. */
  markStartPauseNs: number;
  markStartSafepointNs: number;
  markPauseNs: number;
  markSafepointNs: number;
  markingNs: number;
  markingRounds: number;
  writtenPages: number;
  remarkPages: number;
  /** Finalizers that became ready. */
  finalizable: number;
  flipPauseNs: number;
  flipSafepointNs: number;
  roots: number;
  sweptRegions: number;
  sourceRegions: number;
  targetRegions: number;
  copiedBytes: number;
  pagesByWorkers: number;
  pagesByMutators: number;
  compactionNs: number;
  flipRefused?: Refusal;
}

/** What this machine offers; see gc/fault-modes.ts for what it means. */
export interface Probe {
  door: string;
  features: number;
  minorFaults: boolean;
  signalDelivery: boolean;
  asyncWriteProtection: boolean;
  /** errno 0: the kernel tells which pages were written. */
  writeTracking: Refusal;
  device: Refusal;
  systemCall: Refusal;
  userModeOnly: Refusal;
  kernel?: string;
  machine?: string;
  totalMemoryBytes?: number;
  popcnt: boolean;
}

/** A row of the table in native/heap/page_states.h. */
export interface PageTransition {
  operation: 'claim' | 'await' | 'publish' | 'note mapped' | 'hand out';
  who: string;
  from: PageStateName;
  to: PageStateName;
  instruction: 'CAS' | 'exchange' | 'store';
  order: 'relaxed' | 'acquire' | 'release' | 'seq_cst';
  partner: string;
}

export type PageStateName = 'untouched' | 'building' | 'built' | 'mapped';

/** Answers of `allocateSlow` and `beginLarge` besides an object's word index or a refusal. */
export const ALLOCATION = { refilled: 0, collect: -1, large: -2 } as const;

/** Answers of the weak map's calls. */
export const WEAK_MAP = { done: 0, absent: -1, contended: -2, noIdentity: -3 } as const;

/**
 * What `pulse` writes where: regions charged, pages that mutators may take without charging another one, pages they have taken
 * since the heap was made.
 */
export const PULSE = { chargedRegions: 0, openPages: 1, handedOutPages: 2, count: 3 } as const;

/** MarkPauseOutcome of native/gc/collector.h. */
export const MARK_PAUSE = { notStopped: 0, anotherRound: 1, marked: 2 } as const;

export interface NativeHistogram {
  count: number;
  p50Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
  totalUs: number;
}

export interface NativeStatistics {
  capacityBytes: number;
  limitBytes: number;
  /** Handed out to mutators since the heap was made. */
  allocatedBytes: number;
  usedBytes: number;
  freeRegions: number;
  chargedRegions: number;
  fileBytes: number;
  peakFileBytes: number;
  metadataBytes: number;
  reservedBytes: number;
  mutators: number;
  cycles: {
    count: number;
    compacting: number;
    evacuatedBytes: number;
    copiedBytes: number;
    inPlacePages: number;
    refusedFlips: number;
  };
  /** By index of COLLECTION_REASONS. */
  collectionsByReason: number[];
  pages: {
    builtByWorkers: number;
    builtByMutators: number;
    mappedByContinue: number;
    continueCalls: number;
    copyCalls: number;
  };
  marking: {
    objects: number;
    totalUs: number;
    rounds: number;
    writtenPages: number;
    loggedReferences: number;
    refusedScans: number;
  };
  /** Held now; the bytes of their ranges. */
  pins: { count: number; bytes: number };
  weak: {
    clearedReferences: number;
    clearedEntries: number;
    finalizersWaiting: number;
    finalizersReady: number;
    finalizable: number;
  };
  pauses: {
    flip: NativeHistogram;
    mark: NativeHistogram;
    markStart: NativeHistogram;
    remark: NativeHistogram;
    timeToSafepoint: NativeHistogram;
  };
  /** Since they began: the control thread and the GC workers; the thread that serves page faults, where there is one. */
  cpu: { collectorUs: number; faultThreadUs: number };
  faults: NativeHistogram;
  /** Waits for a page that somebody else was building. */
  pageWaits: NativeHistogram;
  stalls: NativeHistogram;
}

/** What a copy of the graph has. */
export interface NativeGraph {
  graph: GraphHandle;
  objects: number;
  references: number;
  roots: number;
  /** Objects that are strings. */
  texts: number;
  /** The first of as many numbers as there are objects, used nowhere else in the process. */
  firstNumber: number;
  pauseUs: number;
}

export interface Binding {
  /** What the addon throws (ERR_HEAP_CLOSED, ERR_MUTATOR_DETACHED) is made by this function. */
  makeErrorsBy(make: (code: HeapErrorCode, message: string) => Error): void;

  // Heaps.
  create(options: CreateOptions, view: Uint8Array, sharedRoots: Uint32Array): HeapDescription | Refusal;
  /** Null when this process has no such heap. */
  attach(id: number, view: Uint8Array, sharedRoots: Uint32Array): HeapDescription | null;
  /** False while mutators are attached. */
  close(heap: HeapHandle): boolean;
  /** This thread no longer uses the heap. */
  release(heap: HeapHandle): void;
  /** 0 when the name is taken by another description or the table is full. */
  defineShape(
    heap: HeapHandle,
    name: string,
    description: string,
    fixedWords: number,
    referenceFields: number,
    elementKind: number,
    elementBytesLog2: number,
    taggedFields: number,
    identitySlot: number,
  ): number;
  findShape(heap: HeapHandle, nameOrId: string | number): ShapeDescription | null;
  requestCollection(heap: HeapHandle, kind: number, reason: number): number;
  collectionsEnded(heap: HeapHandle): number;
  /** True for exactly one caller while nobody is in control: that one starts a control thread. */
  claimControl(heap: HeapHandle, patienceMs: number): boolean;
  mutatorCount(heap: HeapHandle): number;

  // Mutators.
  /** The new mutator, parked, or the code of what stands in the way. `onNudge` runs in the event loop and comes to a safepoint. */
  attachMutator(
    heap: HeapHandle,
    control: Uint32Array,
    localCapacity: number,
    handleCapacity: number,
    onNudge: () => void,
  ): MutatorHandle | 'ERR_MUTATOR_ATTACHED' | 'ERR_SIGNAL_BLOCKED' | 'ERR_HEAP_CLOSED';
  detachMutator(mutator: MutatorHandle): void;
  safepoint(mutator: MutatorHandle, sliceMs: number): boolean;
  park(mutator: MutatorHandle): void;
  unpark(mutator: MutatorHandle, sliceMs: number): boolean;
  allocateSlow(mutator: MutatorHandle, words: number): number | Refusal;
  beginLarge(mutator: MutatorHandle, words: number): number | Refusal;
  zeroLarge(mutator: MutatorHandle, words: number, doneWords: number): number | Refusal;
  commitLarge(mutator: MutatorHandle, words: number): void;
  memoryEpoch(mutator: MutatorHandle): number;
  awaitMemory(mutator: MutatorHandle, ticket: number, epoch: number, sliceMs: number): boolean;
  // Pins; the mutator is this thread's, and runs.
  /** `byteOffset` from the object's start. */
  pin(
    mutator: MutatorHandle,
    object: number,
    byteOffset: number,
    byteLength: number,
  ): { pin: PinHandle; buffer: ArrayBuffer; address: bigint } | Refusal | 'ERR_NOT_PINNABLE' | 'ERR_PIN_REFUSED';
  unpin(pin: PinHandle): void;

  /** The write barrier's log is full. */
  flushLog(mutator: MutatorHandle): void;
  recordStall(mutator: MutatorHandle, microseconds: number): void;
  addRootRange(mutator: MutatorHandle, slots: Uint32Array, used: Uint32Array): number;
  removeRootRange(mutator: MutatorHandle, id: number): void;
  utilization(mutator: MutatorHandle, windowMs: number): number;
  /** Never 0, and never given out again in this heap. */
  mutatorId(mutator: MutatorHandle): number;
  /** Whether the mutator of that id is attached to the same heap still. */
  isMutator(mutator: MutatorHandle, id: number): boolean;

  // Weak structures; the mutator is this thread's, and runs.
  /** The object of a weak slot (index into the u32 view), or 0. */
  readWeak(mutator: MutatorHandle, slot: number): number;
  /** 0 when the object's shape has no place for one. */
  identityHash(mutator: MutatorHandle, ref: number): number;
  /** The value, or one of {@link WEAK_MAP}. */
  getFromWeakMap(mutator: MutatorHandle, map: number, key: number): number;
  /** One of {@link WEAK_MAP}, or how many pairs a table must have that is to be installed first. */
  setInWeakMap(mutator: MutatorHandle, map: number, key: number, value: number): number;
  deleteFromWeakMap(mutator: MutatorHandle, map: number, key: number): number;
  installWeakTable(mutator: MutatorHandle, map: number, table: number): number;
  /** False when addFinalizers has to come first. */
  addFinalizer(mutator: MutatorHandle, ref: number, token: number): boolean;
  addFinalizers(mutator: MutatorHandle, waiting: number, kept: number): void;
  takeFinalizable(mutator: MutatorHandle): { token: number; object: number } | null;
  /** The same for a thread that is no mutator; the object is let go. */
  takeToken(heap: HeapHandle): { token: number; object: number } | null;

  // The collector; control thread and GC workers only.
  becomeControl(heap: HeapHandle, onRequest: () => void): boolean;
  resignControl(heap: HeapHandle): void;
  takeRequest(heap: HeapHandle): { kind: number; reason: number; byTrigger: boolean } | null;
  endCollection(heap: HeapHandle, reason: number): void;
  recover(heap: HeapHandle, sliceMs: number): boolean;
  prepareMarking(heap: HeapHandle, sliceMs: number): boolean;
  rootsPause(heap: HeapHandle, sliceMs: number): boolean;
  trace(heap: HeapHandle, sliceMs: number): boolean;
  /** Pages that the last round looked at because they had been written. */
  writtenPages(heap: HeapHandle): number;
  /** `mostWrittenPages`: a u32. The answer is one of {@link MARK_PAUSE}. */
  markPause(heap: HeapHandle, sliceMs: number, mostWrittenPages: number): number;
  /** Whether the last marking left something for processWeak. */
  weakPending(heap: HeapHandle): boolean;
  processWeak(heap: HeapHandle, sliceMs: number): boolean;
  releaseMarking(heap: HeapHandle, sliceMs: number): boolean;
  sweep(heap: HeapHandle): number;
  readRegions(
    heap: HeapHandle,
    states: Uint8Array,
    usedPages: Uint16Array,
    liveWords: Uint32Array,
    markedPages: Uint16Array,
  ): number;
  /** At so many charged regions a mutator asks for a collection, or wakes the control thread; each once. */
  setTrigger(heap: HeapHandle, triggerRegions: number, alarmRegions: number): void;
  /** What sizing policy means to use of the capacity; nobody waits at it. */
  setLimit(heap: HeapHandle, regions: number): void;
  /** Fills in the figures that {@link PULSE} names; under a microsecond. */
  pulse(heap: HeapHandle, figures: Float64Array): void;
  /** The targets; empty when nothing will move. */
  makePlan(heap: HeapHandle, sources: Uint32Array, targets: number): Uint32Array;
  flipPause(heap: HeapHandle, sliceMs: number): boolean;
  compact(heap: HeapHandle, sliceMs: number): boolean;
  finish(heap: HeapHandle, sliceMs: number): boolean;
  reclaim(heap: HeapHandle, keepBytes: number, tails: boolean, sliceMs: number): boolean;
  /** Objects found, or -1 when the world has not stopped yet. */
  verifyPause(heap: HeapHandle, sliceMs: number): number;
  /** Null when the world has not stopped yet. The shapes' ids are 0 for none. */
  copyGraphPause(
    heap: HeapHandle,
    oneByteString: number,
    twoByteString: number,
    textUnits: number,
    sliceMs: number,
  ): NativeGraph | Refusal | null;
  /** Bytes of a part (GRAPH in src/gc/heap-graph.ts) that were copied. */
  readGraph(graph: GraphHandle, part: number, byteOffset: number, into: Uint8Array): number;
  dropGraph(graph: GraphHandle): void;
  serve(heap: HeapHandle, worker: number, sliceMs: number): void;
  report(heap: HeapHandle): NativeCycleReport;
  phase(heap: HeapHandle): string;

  // Figures and facts.
  statistics(heap: HeapHandle): NativeStatistics;
  probe(): Probe;
  layout(): Record<string, number>;
  measureBareFault(heap: HeapHandle, count: number): { p50Us: number; p99Us: number; deliveryUs: number } | Refusal;

  // For tests: the protocol of page states, the kernel says no, threads are slow.
  pageTransitions(): PageTransition[];
  armRefusal(systemCall: string, errno: number, skip: number, refuse: number): boolean;
  setDelays(seed: number): void;
}

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'errno' in answer;
}

/** Where the addon may lie, best first: a checkout's own build, else the binary that the package ships. */
function addonPaths(): string[] {
  const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
  return [fromRoot('build/Release/faultline.node'), fromRoot(`prebuilds/linux-${process.arch}/faultline.node`)];
}

function load(): Binding {
  const override = process.env['FAULTLINE_ADDON'];
  const path = override ?? addonPaths().find((candidate) => existsSync(candidate));
  const problem = platformProblem({
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    addon: path !== undefined,
  });
  if (problem !== undefined || path === undefined) throw new HeapError('ERR_ADDON_MISSING', `${problem}.`);
  try {
    return createRequire(import.meta.url)(path) as Binding;
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    const remedy = 'Build it for this machine: `npm run build` in a checkout, `npm rebuild faultline` where it is installed.';
    throw new HeapError('ERR_ADDON_MISSING', `the native addon cannot be loaded (${reason}). ${remedy}`, { cause });
  }
}

let loaded: Binding | undefined;

/** The addon; loaded on first use. Throws ERR_ADDON_MISSING where it cannot be. */
export function binding(): Binding {
  if (loaded === undefined) {
    loaded = load();
    loaded.makeErrorsBy((code, message) => new HeapError(code, message));
  }
  return loaded;
}
