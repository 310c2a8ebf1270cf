/**
 * Capabilities: which modes a heap has on this machine, and why it has no better ones.
 */
import type { HeapDescription } from '../binding.ts';
import { traitsOf } from '../gc/fault-modes.ts';
import type { FaultMode, RequestedFaultMode } from '../gc/fault-mode-choice.ts';
import type { MarkerName } from '../gc/markers.ts';
import type { MadeHeap } from './heap-set-up.ts';

/** What this heap can do on this machine, and what it has to do without. */
export interface HeapCapabilities {
  /** The fault mode that was taken. */
  readonly faultMode: FaultMode;
  /** The fault mode that was asked for. */
  readonly requestedFaultMode: RequestedFaultMode;
  /** How live objects are found; `satb` needs every reference stored with `mutator.setReference`. */
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

/** @internal `made` in the thread that made the heap; other threads know neither the request nor the reasons. */
export function capabilitiesOf({ faultMode, marker, openedBy, unitPages }: HeapDescription, made: MadeHeap | undefined): HeapCapabilities {
  const { heldBy } = traitsOf(faultMode as FaultMode);
  return {
    faultMode: faultMode as FaultMode,
    requestedFaultMode: made?.options.fault ?? (faultMode as FaultMode),
    marker: marker as MarkerName,
    userfaultfd: openedBy,
    systemCallsOnHeap: !heldBy.startsWith('SIG') && !(heldBy === 'handler thread' && openedBy.includes('USER_MODE_ONLY')),
    unitPages,
    reasons: made?.reasons ?? [],
  };
}
