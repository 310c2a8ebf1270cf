/**
 * Modes: the fault modes that this machine allows. Every law about a heap is tested in each mode that a heap may choose by itself, and
 * every law about barriers in the research modes too; a mode that is missing here is named once on standard error, so that a green run
 * does not hide it.
 *
 *   FAULTLINE_MODES=sigbus,stw   only those; `auto` is the one that a heap chooses here by itself
 *   FAULTLINE_LONG=1             the long form of random and long tests
 */
import { FAULT_MODES, traitsOf, FAULT_MODE_NAMES } from '../../src/gc/fault-modes.ts';
import { judgeModes } from '../../src/gc/fault-mode-choice.ts';
import { judgeMarkers } from '../../src/gc/markers.ts';
import { binding, type FaultMode, type MarkerName } from './faultline.ts';

const verdicts = judgeModes(binding().probe());
const canDo = FAULT_MODES.filter(({ mode }) => verdicts.find((verdict) => verdict.mode === mode)!.works);

/** What a heap chooses here by itself. */
export const BEST_MODE: FaultMode = canDo.find(({ automatic }) => automatic)!.mode;

const asked = process.env['FAULTLINE_MODES']?.split(',').map((name) => (name === 'auto' ? BEST_MODE : name));
const unknown = asked?.filter((name) => !(FAULT_MODE_NAMES as readonly string[]).includes(name)) ?? [];
if (unknown.length > 0) throw new Error(`FAULTLINE_MODES names ${unknown.join(', ')}; there are auto, ${FAULT_MODE_NAMES.join(', ')}`);
const working = canDo.filter(({ mode }) => asked?.includes(mode) ?? true);
const modesOf = (barriers: readonly { mode: FaultMode }[]): readonly FaultMode[] => barriers.map(({ mode }) => mode);

export const MODES = modesOf(working.filter(({ automatic }) => automatic));

/** All that collect. Programs for these load references with `getReference`. */
export const MOVING_MODES = modesOf(working.filter(({ collects }) => collects));

/** All that collect and leave loads alone. */
export const RAW_LOAD_MODES = modesOf(working.filter(({ collects, barrieredLoads }) => collects && !barrieredLoads));

/** The modes of {@link RAW_LOAD_MODES} in which pages are built while mutators run: the kernel may refuse their flip. */
export const FLIPPING_MODES = RAW_LOAD_MODES.filter((mode) => traitsOf(mode).concurrent);

/** The modes that use userfaultfd. */
export const USERFAULTFD_MODES = RAW_LOAD_MODES.filter((mode) => traitsOf(mode).needs.includes('minor-faults'));

for (const { mode, works, remark } of verdicts) {
  if (!works && mode !== 'move') console.error(`fault mode ${mode} is not tested here: ${remark}`);
}

const markerVerdicts = judgeMarkers(binding().probe(), true);

export const MARKERS: readonly MarkerName[] = markerVerdicts.filter(({ works }) => works).map(({ marker }) => marker);

for (const { marker, works, remark } of markerVerdicts) {
  if (!works) console.error(`marker ${marker} is not tested here: ${remark}`);
}

/** The short form of long tests, which every law has; `npm run test:long` runs the long ones. */
export const SHORT = process.env['FAULTLINE_LONG'] !== '1';

/** `short`, or `long` when the long form is asked for. */
export function rounds(long: number, short: number): number {
  return SHORT ? short : long;
}

/** All of them, or in the short form every third; `shift` says which. For laws that hold in each, and are the same everywhere. */
export function third<T>(all: readonly T[], shift = 0): T[] {
  return all.filter((_, i) => !SHORT || (i + shift) % 3 === 0);
}

/** Each of `some` with each of `others`; in the short form a third of the pairs, with every one of both if there are three or more. */
export function pairs<A, B>(some: readonly A[], others: readonly B[], shift = 0): [A, B][] {
  return some.flatMap((one, i) => third(others, i + shift).map((other): [A, B] => [one, other]));
}
