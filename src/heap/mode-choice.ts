/**
 * Mode choice: which fault mode and which marker a new heap gets of those that the machine allows, and why it gets no better one.
 */
import { binding, type Probe } from '../binding.ts';
import { HeapError, type HeapErrorCode } from '../errors.ts';
import { traitsOf, FAULT_MODE_NAMES } from '../gc/fault-modes.ts';
import { bestMode, type FaultMode, judgeModes, type RequestedFaultMode } from '../gc/fault-mode-choice.ts';
import { bestMarker, judgeMarkers, type MarkerName } from '../gc/markers.ts';
import { describeRefusal } from '../gc/refusal-reasons.ts';
import type { ResolvedOptions } from '../options.ts';

/** @internal The requested mode, or the best one. Throws ERR_UFFD_UNAVAILABLE, ERR_UFFD_NO_MINOR_FAULTS, ERR_FAULT_MODE if it is not
 * possible. */
export function chooseMode(probe: Probe, requested: RequestedFaultMode): { mode: FaultMode; reasons: string[] } {
  const verdicts = judgeModes(probe);
  if (requested === 'auto') {
    const mode = bestMode(probe);
    const better = verdicts.slice(0, FAULT_MODE_NAMES.indexOf(mode));
    return { mode, reasons: better.map((verdict) => `${verdict.mode} cannot be used: ${verdict.remark}`) };
  }
  const verdict = verdicts.find(({ mode }) => mode === requested)!;
  if (verdict.works) return { mode: requested, reasons: [] };
  throw new HeapError(
    refusalCode(probe, requested),
    `fault mode ${requested} cannot be used: ${verdict.remark}${requested === 'move' ? answersToMove() : ''}. ` +
      `Or let the heap choose with fault: 'auto'.`,
  );
}

function refusalCode(probe: Probe, requested: FaultMode): HeapErrorCode {
  const { needs } = traitsOf(requested);
  if (!needs.includes('minor-faults')) return 'ERR_FAULT_MODE';
  if (probe.openedBy === 'none') return 'ERR_UFFD_UNAVAILABLE';
  const faultsReachUs = probe.minorFaults && (probe.signalDelivery || !needs.includes('signal-delivery'));
  return faultsReachUs ? 'ERR_FAULT_MODE' : 'ERR_UFFD_NO_MINOR_FAULTS';
}

/** For a program that requests UFFDIO_MOVE all the same: how this kernel answers it. */
function answersToMove(): string {
  const { intoShared, betweenPrivate } = binding().probeMove();
  return ` (asked just now, into such a view: ${describeRefusal(intoShared)}; between private pages: ${describeRefusal(betweenPrivate)})`;
}

/** @internal The requested marker, or the best one. Throws ERR_MARKER if it is not possible. */
export function chooseMarker(
  probe: Probe,
  { marker, barrieredStores }: ResolvedOptions,
  collects: boolean,
): { marker: MarkerName; reasons: string[] } {
  // A heap that never marks needs nothing for marking.
  if (!collects) return { marker: 'stopped', reasons: [] };
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
