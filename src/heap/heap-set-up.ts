/**
 * Heap set-up: makes the native heap of a new {@link Heap}: its address space, its shared root slots and its modes. Explains what the
 * system refuses.
 *
 *     options ──▶ fault mode, marker ──▶ a SharedArrayBuffer to lie under ──▶ binding.create ──▶ token
 */
import { constants } from 'node:os';
import { binding, type HeapDescription, isRefusal, type Probe, type Refusal } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { traitsOf, FAULT_MODE_NAMES } from '../gc/fault-modes.ts';
import { commonRemedy, errorName } from '../gc/refusal-reasons.ts';
import { MARKERS } from '../gc/markers.ts';
import { warnDegraded } from '../gc/warnings.ts';
import { SHARED_BYTES } from '../objects/shared-slots.ts';
import { type HeapOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import { assertLayout, PAGE_BYTES, REGION_BYTES, VIEW_ALIGNMENT_BYTES } from '../binding/layout.ts';
import { notBehindBarrier } from './load-barrier-mutator.ts';
import { mustFitAddressSpace, warnAboveMemoryLimit } from './machine-limits.ts';
import { chooseMarker, chooseMode } from './mode-choice.ts';
import { ADDRESS_BYTES, type HeapToken } from './token.ts';

const { EAGAIN, EMFILE, ENFILE, ENOMEM } = constants.errno;
/** Checked heaps begin to allocate this many regions apart, so that a reference into one heap is not a reference into another. */
const REGIONS_APART = 5;
let heapsMade = 0;

/** @internal */
export interface MadeHeap {
  readonly token: HeapToken;
  readonly description: HeapDescription;
  readonly options: ResolvedOptions;
  /** Why better modes were not taken; the first reason was given as a warning. */
  readonly reasons: readonly string[];
}

/** @internal Makes a heap without a collector yet. Throws what `Heap.create` throws. */
export function makeNativeHeap(options: HeapOptions): MadeHeap {
  const resolved = resolveOptions(options);
  const native = binding();
  assertLayout();
  const probe = native.probe();
  checkPages(probe);
  const { mode, reasons } = chooseMode(probe, resolved.fault);
  const { marker, reasons: markerReasons } = chooseMarker(probe, resolved, traitsOf(mode).collects);
  const regions = resolved.capacityRegions + resolved.reserveRegions;
  const threads = traitsOf(mode).collects ? 1 + resolved.workers.count : 0;
  mustFitAddressSpace({ regions, threads }, resolved.capacityRegions);
  const spanBytes = Math.ceil((regions * REGION_BYTES) / VIEW_ALIGNMENT_BYTES) * VIEW_ALIGNMENT_BYTES;
  const view = reserve(spanBytes + VIEW_ALIGNMENT_BYTES, resolved);
  // A load barrier has its table after the roots: a byte per region.
  const { barrieredLoads } = traitsOf(mode);
  if (barrieredLoads && resolved.checked) throw notBehindBarrier('a checked heap');
  const roots = new SharedArrayBuffer(SHARED_BYTES + (barrieredLoads ? Math.ceil(regions / 4) * 4 : 0));
  const { stressEvery, checked, policy, workers, faultAroundPages: around } = resolved;
  const description = native.create(
    {
      ...resolved,
      poisons: policy.movesEverything,
      firstRegion: heapsMade++ * REGIONS_APART,
      faultMode: FAULT_MODE_NAMES.indexOf(mode),
      marker: MARKERS.indexOf(marker),
      faultAroundPages: around === 'adaptive' ? 0 : around,
    },
    new Uint8Array(view, 0, ADDRESS_BYTES),
    new Uint32Array(roots),
    barrieredLoads ? new Uint8Array(roots, SHARED_BYTES) : undefined,
  );
  if (isRefusal(description)) throw createRefused(description, resolved);
  const degraded = [
    ...reasons.slice(0, 1).map((reason) => `fault mode ${mode}: ${reason}`),
    ...markerReasons.slice(0, 1).map((reason) => `the ${marker} marker: ${reason}`),
  ];
  warnDegraded('heap uses ', degraded);
  warnAboveMemoryLimit(resolved.capacityRegions, probe.totalMemoryBytes ?? null);
  const token = { id: description.id, view, roots, stressEvery, checked, policy, workers };
  return { token, description, options: resolved, reasons: [...reasons, ...markerReasons] };
}

/** @internal Throws ERR_HEAP_CREATE on a kernel whose page size is not the one that this library uses. */
export function checkPages({ pageBytes = PAGE_BYTES }: Pick<Probe, 'pageBytes'>): void {
  if (pageBytes === PAGE_BYTES) return;
  throw new HeapError(
    'ERR_HEAP_CREATE',
    `Faultline needs a kernel with pages of ${PAGE_BYTES / 1024} KiB (this one has pages of ${pageBytes / 1024} KiB): boot one ` +
      'built with CONFIG_ARM64_4K_PAGES; most distributions have one for arm64.',
    { figures: { pageBytes } },
  );
}

/** A buffer that will contain the mutator view. */
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

/** @internal The error for a heap, or, without options, for a measurement on one. */
export function createRefused(refusal: Refusal, options: ResolvedOptions | undefined): HeapError {
  const isMode = /UFFD|userfaultfd|sigaction|pthread|fault ranges/.test(refusal.syscall);
  const what = options === undefined ? 'the measurement' : `a heap of ${options.capacityRegions} MiB`;
  return new HeapError(
    isMode ? 'ERR_FAULT_MODE' : 'ERR_HEAP_CREATE',
    `${what} cannot be made: ${refusal.syscall} was refused (${errorName(refusal.errno)}). ${createRemedy(refusal.errno, isMode)}`,
    { errno: refusal.errno, syscall: refusal.syscall },
  );
}

function createRemedy(errno: number, isMode: boolean): string {
  const remedy = commonRemedy(errno);
  if (isMode && ![EAGAIN, EMFILE, ENFILE].includes(errno)) {
    return "Run `faultline doctor` to see what this machine allows, or create the heap with fault: 'auto'.";
  }
  if (remedy === undefined) return 'Make the heap smaller.';
  return `What may help: ${remedy}${errno === ENOMEM ? ', or make the heap smaller' : ''}.`;
}
