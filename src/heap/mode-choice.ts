/**
 * Mode choice: which fault mode and which marker a new heap gets, of those that the machine allows, and why no better one.
 */
import type { Probe } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { bestMode, FAULT_MODES, type FaultMode, judgeModes, type RequestedFaultMode } from '../gc/fault-modes.ts';
import { bestMarker, judgeMarkers, type MarkerName } from '../gc/markers.ts';
import type { ResolvedOptions } from '../options.ts';

/** @internal The mode asked for, or the best there is. Throws ERR_UFFD_UNAVAILABLE, ERR_UFFD_NO_MINOR_FAULTS when it cannot be had. */
export function chooseMode(probe: Probe, requested: RequestedFaultMode): { mode: FaultMode; reasons: string[] } {
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

/** @internal The marker asked for, or the best there is. Throws ERR_MARKER when it cannot be had. */
export function chooseMarker(probe: Probe, { marker, barrieredStores }: ResolvedOptions): { marker: MarkerName; reasons: string[] } {
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
