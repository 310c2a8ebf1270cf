/**
 * Making: the native heap behind a new {@link Heap}: its address space, its shared root slots, its modes, and what is said when the
 * system refuses.
 *
 *     options ──▶ fault mode, marker ──▶ a SharedArrayBuffer to lie under ──▶ binding.create ──▶ token
 */
import { binding, type HeapDescription, isRefusal, type Refusal } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { errorName, FAULT_MODES } from '../gc/fault-modes.ts';
import { MARKERS } from '../gc/markers.ts';
import { SHARED_BYTES } from '../objects/shared-slots.ts';
import { type HeapOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import { assertLayout, REGION_BYTES, VIEW_ALIGNMENT_BYTES } from './layout.ts';
import { chooseMarker, chooseMode } from './mode-choice.ts';
import { ADDRESS_BYTES, type HeapToken } from './token.ts';

/** @internal */
export interface MadeHeap {
  readonly token: HeapToken;
  readonly description: HeapDescription;
  readonly options: ResolvedOptions;
  /** Why better modes were not taken; the first of them has been told as a warning. */
  readonly reasons: readonly string[];
}

/** @internal Makes a heap without a collector yet. Throws what `Heap.create` throws. */
export function makeNativeHeap(options: HeapOptions): MadeHeap {
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
  const description = native.create(
    { ...resolved, faultMode: FAULT_MODES.indexOf(mode), marker: MARKERS.indexOf(marker), faultAroundPages: around === 'adaptive' ? 0 : around },
    new Uint8Array(view, 0, ADDRESS_BYTES),
    new Uint32Array(roots),
  );
  if (isRefusal(description)) throw createRefused(description, resolved);
  const degraded = [
    ...reasons.slice(0, 1).map((reason) => `fault mode ${mode}: ${reason}`),
    ...markerReasons.slice(0, 1).map((reason) => `the ${marker} marker: ${reason}`),
  ];
  if (degraded.length > 0) process.emitWarning(`heap uses ${degraded.join('; and ')}`, { code: 'FAULTLINE_DEGRADED' });
  const token = { id: description.id, view, roots, stressEvery, checked, policy, workers };
  return { token, description, options: resolved, reasons: [...reasons, ...markerReasons] };
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

/** @internal Of a heap, or of a measurement on one when there are no options. */
export function createRefused(refusal: Refusal, options: ResolvedOptions | undefined): HeapError {
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
