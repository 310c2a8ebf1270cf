/** Machine: what a result was measured on. It goes with every result, because no figure means anything without it. */
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, version } from 'node:os';
import { commitOf, fingerprintOf } from './builds.ts';
import { PROJECT } from './project.ts';

export interface Machine {
  readonly kernel: string;
  readonly kernelBuild: string;
  readonly architecture: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Those that the harness may use, and what it starts: `0-1`. */
  readonly affinity: string;
  readonly memoryBytes: number;
  readonly node: string;
  /** Of Faultline. */
  readonly version: string;
  /** `unknown` outside a clone; with `+` if something was not committed. */
  readonly commit: string;
  /** Of what runs in an invocation (builds.ts): two builds of a commit may differ. */
  readonly build: string;
  /** Variables that change how programs run. */
  readonly environment: Readonly<Record<string, string>>;
  /** Settings of the kernel that change results: `[madvise]`, `performance`. Absent where the machine does not tell. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Variables that runtimes and allocators read: their names in full, for others with the same prefix may hold secrets. */
const TELLING = new RegExp(
  '^(FAULTLINE_.*|NODE_(OPTIONS|COMPILE_CACHE)|UV_.*|(GLIBC|RSEQ)_TUNABLES|LD_(PRELOAD|LIBRARY_PATH|BIND_NOW)|M(IM)?ALLOC_.*|GO(GC|MEMLIMIT|MAXPROCS|DEBUG)' +
    '|_?JAVA_(TOOL_)?OPTIONS|JDK_JAVA_OPTIONS|GC_[A-Z_]+|OCAMLRUNPARAM|CAMLRUNPARAM|SBCL_HOME)$',
);

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
    affinity: affinity(),
    memoryBytes: totalmem(),
    node: process.version,
    version: faultline,
    commit: commitOf(undefined),
    build: fingerprintOf(undefined),
    environment: environment(),
    settings: Object.fromEntries(settings) as Record<string, string>,
  };
}

/** What must be the same for results to be those of one session. */
export type Setting = Pick<Machine, 'kernel' | 'cpu' | 'affinity' | 'node' | 'commit' | 'build' | 'environment'>;

export function settingOf({ kernel, cpu, affinity: cpuList, node, commit: id, build, environment: variables }: Machine): Setting {
  return { kernel, cpu, affinity: cpuList, node, commit: id, build, environment: variables };
}

function affinity(): string {
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 'unknown';
}

function environment(): Record<string, string> {
  const telling = Object.entries(process.env).filter(([name, value]) => TELLING.test(name) && value !== '') as [string, string][];
  return Object.fromEntries(telling.sort(([a], [b]) => (a < b ? -1 : 1)));
}
