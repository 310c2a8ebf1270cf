/**
 * Modes: the fault modes that this machine can do. Every law about a heap is tested in each of them; a mode that is missing here
 * is named once on standard error, so that a green run does not hide it.
 */
import { judgeModes } from '../../src/gc/fault-modes.ts';
import { judgeMarkers } from '../../src/gc/markers.ts';
import { binding, type FaultMode, type MarkerName } from './faultline.ts';

const verdicts = judgeModes(binding().probe());

export const MODES: readonly FaultMode[] = verdicts.filter(({ works }) => works).map(({ mode }) => mode);

/** The modes in which pages are built while mutators run. */
export const CONCURRENT_MODES = MODES.filter((mode) => mode !== 'stw');

/** The modes that use userfaultfd. */
export const USERFAULTFD_MODES = MODES.filter((mode) => mode === 'sigbus' || mode === 'thread');

for (const { mode, works, remark } of verdicts) {
  if (!works) console.error(`fault mode ${mode} is not tested here: ${remark}`);
}

const markerVerdicts = judgeMarkers(binding().probe(), true);

export const MARKERS: readonly MarkerName[] = markerVerdicts.filter(({ works }) => works).map(({ marker }) => marker);

for (const { marker, works, remark } of markerVerdicts) {
  if (!works) console.error(`marker ${marker} is not tested here: ${remark}`);
}

/** FAULTLINE_SHORT=1 asks for the short form of long tests. */
export const SHORT = process.env['FAULTLINE_SHORT'] === '1';

/** `long`, or `short` when the short form is asked for. */
export function rounds(long: number, short: number): number {
  return SHORT ? short : long;
}
