/** Machine: what a result was measured on. It goes with every result, because no number means anything without it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, version } from 'node:os';
import { PROJECT } from './project.ts';

export interface Machine {
  readonly kernel: string;
  readonly kernelBuild: string;
  readonly architecture: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly node: string;
  /** Of Faultline. */
  readonly version: string;
  /** `unknown` outside a clone; with `+` if something was not committed. */
  readonly commit: string;
  /** Settings of the kernel that change results: `[madvise]`, `performance`. Absent where the machine does not tell. */
  readonly settings: Readonly<Record<string, string>>;
}

const SETTINGS: Readonly<Record<string, string>> = {
  transparentHugePages: '/sys/kernel/mm/transparent_hugepage/enabled',
  sharedHugePages: '/sys/kernel/mm/transparent_hugepage/shmem_enabled',
  cpuGovernor: '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor',
  swappiness: '/proc/sys/vm/swappiness',
  overcommit: '/proc/sys/vm/overcommit_memory',
  maxMapCount: '/proc/sys/vm/max_map_count',
};

export function thisMachine(): Machine {
  const { version: faultline } = JSON.parse(readFileSync(`${PROJECT}/package.json`, 'utf8')) as { version: string };
  const settings = Object.entries(SETTINGS)
    .filter(([, path]) => existsSync(path))
    .map(([name, path]) => [name, readFileSync(path, 'utf8').trim()]);
  return {
    kernel: release(),
    kernelBuild: version(),
    architecture: arch(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    version: faultline,
    commit: commit(),
    settings: Object.fromEntries(settings) as Record<string, string>,
  };
}

function commit(): string {
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', PROJECT, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
