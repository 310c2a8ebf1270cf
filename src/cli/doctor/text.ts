/** The doctor's report as text for people: the mode first, then the reasons, then the facts. */
import type { Refusal } from '../../binding.ts';
import { errorName } from '../../gc/refusal-reasons.ts';
import type { DoctorReport, ModeReport } from './report.ts';
import { mib } from '../sizes.ts';

/** The ways to open userfaultfd, in the order in which they are tried until one works. */
const OPENINGS = [
  ['device', '/dev/userfaultfd', '/dev/userfaultfd'],
  ['systemCall', 'system call', 'userfaultfd()'],
  ['userModeOnly', 'system call, UFFD_USER_MODE_ONLY', 'userfaultfd(USER_MODE_ONLY)'],
] as const;
const OVERCOMMIT = ['0 (heuristic)', '1 (always)', '2 (never beyond the limit)'];

export function doctorText(report: DoctorReport): string {
  const { mode, modes, advice, userfaultfd, machine } = report;
  const used = modes.findIndex((candidate) => candidate.mode === mode);
  const better = modes.slice(0, Math.max(0, used));
  const marker = report.markers.find(({ works }) => works)!;
  const lines = [
    mode === null ? 'No fault mode works here.' : `A heap uses fault mode ${mode} here${better.length === 0 ? ', the best one' : ''}.`,
    ...better.map((candidate) => `  not ${candidate.mode}: ${candidate.error ?? candidate.remark}`),
    `It finds live objects with marker ${marker.marker}.`,
    '',
    'modes, best first',
    ...modes.map(modeLine),
    '',
    'markers, best first',
    ...report.markers.map((each) => row(each.marker, `${each.works ? 'works' : 'not by itself'}: ${each.remark}`)),
    '',
    'userfaultfd',
    row('opened by', userfaultfd.openedBy),
    ...OPENINGS.map(([opening, name, label]) => row('', `${name}: ${refusal(userfaultfd[opening], userfaultfd.openedBy === label)}`)),
    row('offers', `minor faults on shared memory: ${yes(userfaultfd.minorFaults)}; delivery by SIGBUS: ${yes(userfaultfd.signalDelivery)}`),
    row('features', userfaultfd.features.join(', ') || 'none'),
    '',
    'machine',
    row('kernel', `${machine.kernel ?? 'unknown'}, ${machine.architecture}; Node ${machine.node}`),
    row('CPUs', `${machine.cpus}; POPCNT: ${yes(machine.popcnt)}`),
    row('memory', memory(report)),
    row('largest heap', `${mib(machine.largestHeapBytes)} of addresses; only live data needs memory`),
    row('settings', settings(report)),
  ];
  if (advice.length > 0) lines.push('', 'what to change', ...advice.map((line) => `  ${line}`));
  return lines.join('\n');
}

function modeLine({ mode, works, remark, bareFaultUs, error }: ModeReport): string {
  const fault = bareFaultUs === null ? '' : `an empty fault takes ${bareFaultUs.toFixed(1)} us; `;
  const state = error !== null ? `fails: ${error}` : works ? `works; ${fault}${remark}` : `does not work: ${remark}`;
  return row(mode, state);
}

function memory({ machine }: DoctorReport): string {
  const size = (bytes: number | null): string => (bytes === null ? 'unknown' : mib(bytes));
  const limit = machine.constrainedMemoryBytes === null ? '' : `, limited to ${mib(machine.constrainedMemoryBytes)}`;
  return `${size(machine.totalMemoryBytes)}, ${size(machine.availableMemoryBytes)} available${limit}`;
}

function settings({ machine }: DoctorReport): string {
  const { overcommit, maxMapCount, unprivilegedUserfaultfd } = machine;
  const shown = (value: string | number | null | undefined): string => String(value ?? 'unknown');
  return (
    `vm.overcommit_memory ${shown(overcommit === null ? null : (OVERCOMMIT[overcommit] ?? overcommit))}, ` +
    `vm.max_map_count ${shown(maxMapCount)}, vm.unprivileged_userfaultfd ${shown(unprivilegedUserfaultfd)}`
  );
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(14)}${text}`;
}

function refusal({ errno, syscall }: Refusal, isUsed: boolean): string {
  if (errno === 0) return isUsed ? 'allowed' : 'not tried';
  return `refused (${syscall}: ${errorName(errno)})`;
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}
