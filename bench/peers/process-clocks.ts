/**
 * Process clocks: CPU time of another process by thread, and its resident memory, from /proc. CPU times are those of the scheduler
 * (schedstat), in ns; the times of a thread that has ended are lost, so a program keeps its mutators until the last reading. The whole
 * process has a clock of its own, which keeps them: compilers' threads come and go.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { benchAddon } from '../invocation/native.ts';

export interface ThreadClock {
  readonly name: string;
  readonly cpuNs: number;
}

const PAGE_BYTES = 4096;

/** By thread id. A thread that ends meanwhile is left out. Costs some 20 us a thread. */
export function readThreadClocks(pid: number): Map<string, ThreadClock> {
  const clocks = new Map<string, ThreadClock>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${thread}`;
      const cpuNs = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ', 1)[0]);
      clocks.set(thread, { name: readFileSync(`${folder}/comm`, 'utf8').trimEnd(), cpuNs });
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return clocks;
}

/** CPU time of all threads of a process so far. Throws where the kernel does not tell. */
export function processCpuNs(pid: number): number {
  const cpuNs = benchAddon().processCpuNs(pid);
  if (cpuNs < 0) throw new Error(`the CPU time of process ${pid} cannot be read`);
  return cpuNs;
}

/** CPU time between two readings, of the threads whose name `select` takes. A thread's name is cut to 15 bytes by the kernel. */
export function cpuBetween(
  before: ReadonlyMap<string, ThreadClock>,
  after: ReadonlyMap<string, ThreadClock>,
  select: (name: string) => boolean = () => true,
): number {
  let cpuNs = 0;
  for (const [thread, clock] of after) {
    if (select(clock.name)) cpuNs += clock.cpuNs - (before.get(thread)?.cpuNs ?? 0);
  }
  return cpuNs;
}

/** Pages of the process that are in memory, in bytes; what is mapped twice counts twice. 0 for a process that has ended. */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
