/**
 * Systems: every peer by name: how its program is started with a heap of a given size, and what of its own account is read afterwards.
 * docs/benchmarks.md has the same as a table, with what is not comparable.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Interval, Memory, Pause } from '../harness/contract.ts';
import { parseGoTrace } from './go-trace.ts';
import { parseOpenJdkLog } from './openjdk-log.ts';
import type { ProgramResult } from './program.ts';

export interface Launch {
  readonly file: string;
  /** Before the words of the program. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What of both is a setting of the runtime; for the report. */
  readonly flags: string;
}

export interface LaunchOptions {
  /** Where bench/peers/build.mjs puts its programs. */
  readonly programs: string;
  readonly heapBytes: number;
  readonly workload: string;
  /** A file that the runtime's log may be written to. */
  readonly log: string;
}

/** What a program and its runtime left behind. */
export interface Traces {
  readonly result: ProgramResult;
  readonly log: string;
  readonly standardError: string;
  /** Samples taken from outside, times of CLOCK_MONOTONIC. */
  readonly resident: readonly (readonly [timeNs: number, bytes: number])[];
}

/** The runtime's own account. Times are ns of CLOCK_MONOTONIC, and may lie outside the measured part. */
export interface Account {
  readonly pauses: readonly Pause[];
  /** Other moments at which every mutator stood still. */
  readonly stops?: readonly Pause[];
  /** Waits of single mutators, by thread name. Absent with {@link waits}: the system tells of none. */
  readonly stalls?: ReadonlyMap<string, readonly Interval[]>;
  /** What single mutators did for the collector, by thread name. */
  readonly slowPaths?: ReadonlyMap<string, readonly Interval[]>;
  /** Ends of collections. */
  readonly collections: readonly number[];
  /** CPU time that belongs to the collector but was spent on threads whose name does not say so, each with its time. */
  readonly collectorCpu?: readonly (readonly [timeNs: number, cpuNs: number])[];
  /** Waits for memory that have a length but no thread, each with its time. */
  readonly waits?: readonly (readonly [timeNs: number, lengthNs: number])[];
  readonly heap: readonly (readonly [timeNs: number, bytes: number])[];
  readonly heapSource: Memory['source'];
  /** What each collection left, with its time; absent where nothing tells. The table in docs/benchmarks.md says what it counts. */
  readonly live?: readonly (readonly [timeNs: number, bytes: number])[];
}

export interface PeerSystem {
  readonly name: string;
  /** Debian's packages. */
  readonly packages: readonly string[];
  /** What the runtime's own name must begin with: a library that could not be preloaded would go unnoticed. */
  readonly runtime: string;
  /** Relative to the programs' folder. Not there: this peer is not installed. */
  readonly program: string;
  readonly workloads: readonly string[];
  /** Whether more than the limit may be alive, which then is the end of memory. */
  readonly isLimitSoft?: boolean;
  /** How many mutators can run at once, where there is a limit. */
  readonly mutatorsMost?: number;
  /** Whether mutators are threads named mutator-N. */
  readonly namesMutators: boolean;
  /** Names of the collector's threads. */
  readonly collectorThread?: RegExp;
  launch(options: LaunchOptions): Launch;
  account(traces: Traces): Account;
  /** Whether a program that ended so had no memory left. */
  isOutOfMemory(exitCode: number | null, output: string): boolean;
}

const TREES = ['gcbench', 'binary-trees'];
const ALL = [...TREES, 'lru', 'fragmentation', 'allocation-rate'];

/** For workloads whose figure is memory, the heap may be smaller than its limit; else it has its size from the start. */
const MEMORY_WORKLOADS: readonly string[] = ['fragmentation'];

function openJdk(name: string, collector: string): PeerSystem {
  const epsilon = collector === 'Epsilon';
  return {
    name: `openjdk-${name}`,
    packages: ['openjdk-17-jdk-headless'],
    runtime: 'OpenJDK',
    program: 'java/Program.class',
    workloads: ALL,
    namesMutators: true,
    collectorThread: /^(GC Thread|G1 |Z[A-Z]|Shenandoah|VM Thread|Concurrent)/,
    launch({ programs, heapBytes, workload, log }) {
      const size = `${Math.floor(heapBytes / 1024)}k`;
      const fixed = !MEMORY_WORKLOADS.includes(workload);
      const flags = [
        ...(epsilon ? ['-XX:+UnlockExperimentalVMOptions'] : []),
        `-XX:+Use${collector}GC`,
        `-Xmx${size}`,
        ...(fixed ? [`-Xms${size}`] : []),
        ...(fixed ? ['-XX:+AlwaysPreTouch'] : []),
        '-XX:+ExitOnOutOfMemoryError',
        '-XX:-UsePerfData',
      ];
      const logging = ['-Xlog:async', `-Xlog:gc*,safepoint:file=${log}:timenanos,level,tags:filecount=0`];
      return {
        file: 'java',
        args: [...flags, ...logging, '-cp', join(programs, 'java'), 'Program'],
        environment: {},
        flags: flags.join(' '),
      };
    },
    account({ log }) {
      const { pauses, safepoints, stalls, pacing, collections, committed, used, marked, lost } = parseOpenJdkLog(log);
      if (lost > 0) throw new Error(`the log of ${name} lost ${lost} messages, so its pauses are not known`);
      return {
        pauses,
        stops: safepoints.filter((safepoint) => !pauses.includes(safepoint)),
        ...(collector === 'Z' ? { stalls } : {}),
        ...(collector === 'Shenandoah' ? { waits: pacing } : {}),
        collections: [...collections.values()],
        heap: committed,
        heapSource: 'committed',
        // Epsilon's log tells what is used, but nothing is ever collected.
        ...(epsilon ? {} : { live: marked.length > 0 ? marked : used }),
      };
    },
    // A heap may also be too small for the virtual machine to begin at all.
    isOutOfMemory: (_, output) => /java\.lang\.OutOfMemoryError|Too small (initial|maximum) heap/.test(output),
  };
}

function go(name: string, percent: string): PeerSystem {
  return {
    name,
    packages: ['golang-go'],
    runtime: 'go',
    program: 'go-peer',
    workloads: ALL,
    isLimitSoft: true,
    namesMutators: false,
    launch({ programs, heapBytes }) {
      const settings = { GOGC: percent, GOMEMLIMIT: String(heapBytes) };
      return {
        file: join(programs, 'go-peer'),
        args: [],
        environment: { ...settings, GODEBUG: 'gctrace=1' },
        flags: Object.entries(settings)
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
      };
    },
    account({ result, standardError }) {
      const offsetNs = result.processBeganNs ?? 0;
      const collections = parseGoTrace(standardError);
      const ends = collections.map(({ endNs }) => endNs + offsetNs);
      return {
        pauses: collections.flatMap(({ pauses }) => pauses.map(([startNs, ...rest]) => [startNs + offsetNs, ...rest] as const)),
        collections: ends,
        collectorCpu: collections.map(({ collectorCpuNs }, i) => [ends[i]!, collectorCpuNs] as const),
        heap: result.heap ?? [],
        heapSource: 'committed',
        live: collections.map(({ liveBytes }, i) => [ends[i]!, liveBytes] as const),
      };
    },
    isOutOfMemory: (_, output) => /out of memory/.test(output),
  };
}

function slowPathsOf(intervals: NonNullable<ProgramResult['collecting']>): Map<string, Interval[]> {
  const byThread = new Map<string, Interval[]>();
  for (const [startNs, lengthNs, thread] of intervals) {
    const list = byThread.get(thread) ?? [];
    list.push([startNs, lengthNs, 'slow-path']);
    byThread.set(thread, list);
  }
  return byThread;
}

const bdwgc: PeerSystem = {
  name: 'bdwgc',
  packages: ['g++', 'libgc-dev'],
  runtime: 'bdwgc',
  program: 'bdwgc-peer',
  workloads: ALL,
  namesMutators: true,
  collectorThread: /^GC-marker/,
  launch({ programs, heapBytes }) {
    const settings = { GC_MAXIMUM_HEAP_SIZE: String(heapBytes) };
    return { file: join(programs, 'bdwgc-peer'), args: [], environment: settings, flags: `GC_MAXIMUM_HEAP_SIZE=${heapBytes}` };
  },
  account({ result }) {
    const pauses = result.pauses ?? [];
    return {
      pauses: pauses.map(([timeNs, lengthNs]) => [timeNs, lengthNs, 'world stopped'] as const),
      slowPaths: slowPathsOf(result.collecting ?? []),
      collections: pauses.map(([timeNs]) => timeNs),
      collectorCpu: [[result.beganNs, result.collectorCpuNs ?? 0]],
      heap: result.heap ?? [],
      heapSource: 'committed',
      live: result.live ?? [],
    };
  },
  isOutOfMemory: (exitCode, output) => exitCode === 3 || /out of memory/i.test(output),
};

function malloc(name: string, library: string | undefined, packages: readonly string[]): PeerSystem {
  return {
    name: `malloc-${name}`,
    packages: ['g++', ...packages],
    runtime: name,
    program: 'malloc-peer',
    workloads: ALL,
    namesMutators: true,
    launch: ({ programs }) => ({
      file: join(programs, 'malloc-peer'),
      args: [],
      environment: library === undefined ? {} : { LD_PRELOAD: library },
      flags: 'no limit',
    }),
    account: ({ resident }) => ({ pauses: [], collections: [], heap: resident, heapSource: 'resident' }),
    isOutOfMemory: (exitCode) => exitCode === 3,
  };
}

/** Pauses that a program took down itself, on the thread that had to collect. */
function ownAccount({ result, resident }: Traces, kind: string): Account {
  const pauses = result.pauses ?? [];
  return {
    pauses: pauses.map(([timeNs, lengthNs]) => [timeNs, lengthNs, kind] as const),
    collections: pauses.map(([timeNs]) => timeNs),
    heap: resident,
    heapSource: 'resident',
    live: result.live ?? [],
  };
}

/** The core of SBCL lies in the space that is limited. */
const SBCL_CORE_MIB = 20;

const sbcl: PeerSystem = {
  name: 'sbcl',
  packages: ['sbcl'],
  runtime: 'SBCL',
  program: 'sbcl-peer.fasl',
  workloads: TREES,
  namesMutators: true,
  launch({ programs, heapBytes }) {
    const size = ['--dynamic-space-size', `${Math.ceil(heapBytes / 2 ** 20) + SBCL_CORE_MIB}MB`];
    return { file: 'sbcl', args: [...size, '--script', join(programs, 'sbcl-peer.fasl')], environment: {}, flags: size.join(' ') };
  },
  account: (traces) => ownAccount(traces, 'world stopped'),
  isOutOfMemory: (_, output) => /Heap exhausted|HEAP-EXHAUSTED|dynamic space too small/.test(output),
};

/** Code, stack and tables beside the heap, in the address space that is limited. */
const OCAML_OTHER_KIB = 16 * 1024;

const ocaml: PeerSystem = {
  name: 'ocaml',
  packages: ['ocaml-nox'],
  runtime: 'OCaml',
  program: 'ocaml-peer',
  workloads: TREES,
  mutatorsMost: 1,
  namesMutators: true,
  launch({ programs, heapBytes }) {
    const limit = `ulimit -v ${Math.ceil(heapBytes / 1024) + OCAML_OTHER_KIB}`;
    return { file: '/bin/sh', args: ['-c', `${limit}; exec "$0" "$@"`, join(programs, 'ocaml-peer')], environment: {}, flags: limit };
  },
  account: (traces) => ownAccount(traces, 'collection'),
  isOutOfMemory: (_, output) => /out of memory|not enough memory|Out_of_memory/.test(output),
};

/** Its own code and stacks beside the heap, and the least that it needs to start, in the address space that is limited. */
const CHEZ_OTHER_KIB = 32 * 1024;
const CHEZ_LEAST_KIB = 60 * 1024;

const chez: PeerSystem = {
  name: 'chez',
  packages: ['chezscheme'],
  runtime: 'Chez Scheme',
  program: 'chez-peer.so',
  workloads: TREES,
  namesMutators: true,
  launch({ programs, heapBytes }) {
    const limit = `ulimit -v ${Math.max(CHEZ_LEAST_KIB, Math.ceil(heapBytes / 1024) + CHEZ_OTHER_KIB)}`;
    const args = ['-c', `${limit}; exec chezscheme --program "$0" "$@"`, join(programs, 'chez-peer.so')];
    // Each thread's own arena would take 64 MiB of the address space.
    return { file: '/bin/sh', args, environment: { MALLOC_ARENA_MAX: '1' }, flags: limit };
  },
  account: (traces) => ({ ...ownAccount(traces, 'world stopped'), heap: traces.result.heap ?? [], heapSource: 'committed' }),
  isOutOfMemory: (_, output) => /out of memory/.test(output),
};

const SYSTEMS: readonly PeerSystem[] = [
  openJdk('zgc', 'Z'),
  openJdk('shenandoah', 'Shenandoah'),
  openJdk('g1', 'G1'),
  openJdk('parallel', 'Parallel'),
  openJdk('serial', 'Serial'),
  openJdk('epsilon', 'Epsilon'),
  go('go', '100'),
  go('go-limit', 'off'),
  bdwgc,
  sbcl,
  ocaml,
  chez,
  malloc('glibc', undefined, []),
  malloc('jemalloc', 'libjemalloc.so.2', ['libjemalloc2']),
  malloc('mimalloc', 'libmimalloc.so.2', ['libmimalloc2.0']),
];

/** Every peer by the name that a configuration gives it. */
export const PEERS: ReadonlyMap<string, PeerSystem> = new Map(SYSTEMS.map((system) => [system.name, system]));

/** Why a peer cannot run here, in one sentence that says what to do; undefined when it can. */
export function missing({ name, program, packages }: PeerSystem, programs: string): string | undefined {
  if (existsSync(join(programs, program))) return undefined;
  return `${name} is not built here: apt-get install ${packages.join(' ')}, then npm run bench:peers`;
}
