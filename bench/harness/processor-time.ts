/**
 * Processor time of the machine, of this process and of its children, as the kernel counts it: from their difference follows how much
 * of the CPUs somebody else took while an invocation ran. Such an invocation measures its neighbours.
 */
import { readFileSync } from 'node:fs';

/** USER_HZ: what the kernel shows to programs, on every machine that Faultline runs on. */
const TICKS_PER_SECOND = 100;

/** CPUs of a list as the kernel writes it: `0-1,3`. */
function cpusOf(list: string): Set<number> {
  const ranges = list.split(',').map((range) => range.split('-').map(Number) as [number, number?]);
  return new Set(ranges.flatMap(([first, last = first]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
}

const ALLOWED = cpusOf(/^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!);

/** All in ms since some moment in the past, to the tick of 10 ms. */
export interface ProcessorTime {
  /** The CPUs that this process may use, doing anything, the host's theft included. */
  readonly busyMs: number;
  /** This process. */
  readonly harnessMs: number;
  /** Its children that have ended, and theirs. */
  readonly childrenMs: number;
  readonly wallMs: number;
}

/** What happened between two readings. */
export interface ProcessorShare {
  /** Of all CPUs, taken by others: 0 … 1. */
  readonly foreign: number;
  /** Of one CPU, taken by the harness itself. */
  readonly harness: number;
}

/** Above this, of all CPUs, an invocation counts as disturbed. */
export const FOREIGN_LIMIT = 0.06;

export function processorTime(): ProcessorTime {
  const busy = readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .filter((line) => ALLOWED.has(Number(/^cpu(\d+) /.exec(line)?.[1])))
    .map((line) => {
      const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/ +/).slice(1).map(Number);
      return user + nice + system + irq + softirq + steal;
    });
  const own = readFileSync('/proc/self/stat', 'utf8');
  // The name, in brackets, may have spaces; utime, stime, cutime and cstime are the 14th to 17th field.
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = own
    .slice(own.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return {
    busyMs: ms(busy.reduce((sum, ticks) => sum + ticks, 0)),
    harnessMs: ms(utime + stime),
    childrenMs: ms(cutime + cstime),
    wallMs: performance.now(),
  };
}

export function shareBetween(before: ProcessorTime, after: ProcessorTime, cpuCount = ALLOWED.size): ProcessorShare {
  const wallMs = Math.max(1, after.wallMs - before.wallMs);
  const harnessMs = after.harnessMs - before.harnessMs;
  const ours = harnessMs + after.childrenMs - before.childrenMs;
  const foreignMs = Math.max(0, after.busyMs - before.busyMs - ours);
  return { foreign: foreignMs / (wallMs * cpuCount), harness: harnessMs / wallMs };
}

function ms(ticks: number): number {
  return (ticks * 1000) / TICKS_PER_SECOND;
}
