/**
 * Contract: what an invocation of a benchmark is told and what it answers.
 *
 * Every invocation is a process of its own: of Node for Faultline and for plain JavaScript objects, of a peer's own runtime for the
 * peers. It is given one configuration, runs one workload, and ends with one result as the last line of its standard output. The
 * harness knows nothing else about it, so a new barrier, workload or peer is a row of data and a program that keeps this contract.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC since the measured part began, unless a name says otherwise; all sizes are bytes.
 */

/** One point of the matrix. It is written to the invocation as one argument of JSON. */
export interface Configuration {
  /** `gcbench`, `binary-trees`, `lru`, `fragmentation`, `allocation-rate`, `graph`, `documents`, `replay`. */
  readonly workload: string;
  /** The workload's own knobs, with its defaults filled in: `{ liveBytes: 33554432, … }`. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** `faultline`, `v8`, or a peer: `openjdk-zgc`, `go`, … */
  readonly system: string;
  /** Whether the mutators are JavaScript or C++ (`faultline`); other systems have `native`, and `v8` has `javascript`. */
  readonly driver: 'javascript' | 'native';
  /** A row of the barrier matrix, with marker and fault-around (`faultline` only). */
  readonly barrier?: BarrierRow;
  /** The limit of the heap; what the sweep varies. */
  readonly heapBytes: number;
  readonly mutators: number;
  /** Options of the heap besides, as `Heap.create` takes them (`faultline`). */
  readonly options?: Readonly<Record<string, number | string | boolean>>;
  /** How the process is started: with these variables, on these CPUs (`0-1`), from this build (a commit or a folder); else as it comes. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly pin?: string;
  readonly build?: string;
  readonly seed: number;
  /**
   * Counts every object that is allocated, for the nominal statistics (`faultline`, native mutators). It costs time that no other system
   * spends, so it is never asked for where times are measured.
   */
  readonly census?: boolean;
  /** Where requests are to be written; without it, a file of a new name in the system's folder for temporary files. */
  readonly requestFile?: string;
}

/** How the heap of a `faultline` invocation keeps its mutators from stale references. */
export interface BarrierRow {
  /** `sigbus`, `thread`, `copy-sigbus`, `copy-thread`, `move`, `sigsegv`, `load-barrier`, `stw`, `none` (nothing is ever collected). */
  readonly mode: string;
  readonly marker: 'barrier-free' | 'satb' | 'stopped';
  /** 1, 4, 16, 64 or `adaptive`. */
  readonly faultAroundPages: number | 'adaptive';
}

/** What an invocation answers. */
export type InvocationResult = Finished | Failed;

/** The workload could not be run to its end; `out-of-memory` is an answer like any other (the bisection lives on it). */
export interface Failed {
  readonly ok: false;
  /** `incomplete`: it came to its end, but what was measured is not all there. */
  readonly code: 'out-of-memory' | 'mismatch' | 'unsupported' | 'timeout' | 'incomplete' | 'crash';
  readonly message: string;
}

export interface Finished {
  readonly ok: true;
  /** Of the measured part, without start-up and warm-up. */
  readonly wallNs: number;
  readonly cpuNs: CpuTime;
  /** The workload's own unit: requests, trees, nodes visited. */
  readonly operations: number;
  /** Comparisons of live data with what it must be, made during the run. A mismatch is a `Failed`. */
  readonly checks: number;
  /** Depends on everything the workload has seen: the same for the same workload, parameters, seed and number of mutators. */
  readonly checksum?: number;
  readonly collections: number;
  /** Warm-up and measured part, piece by piece: whether a program was warm can be seen afterwards (`faultline` and `v8`). */
  readonly iterations?: Iterations;
  /** Bytes that the mutators allocated in the measured part, and since the process began; to the allocation buffer (`faultline`). */
  readonly allocatedBytes?: number;
  readonly allocatedInAllBytes?: number;
  /**
   * What the machine counted in the measured part: `{ cycles, dtlbLoadMisses, minorFaults, … }`, as far as it lets us (`faultline`, `v8`).
   */
  readonly counters?: Readonly<Record<string, number>>;
  /**
   * Pages that were written while the barrier-free marker tracked writes, each time they were found so. Each cost its writer a fault of the
   * kernel's, a microsecond or so, which is in no other figure.
   */
  readonly writtenPages?: number;
  /** From the system's own log or statistics. */
  readonly pauses: readonly Pause[];
  /**
   * What took each mutator from its work, as far as the system can tell (`faultline`: pauses, fault service, stalls): the input of MMU.
   * Sorted by start, one list a mutator thread.
   */
  readonly interruptions: readonly (readonly Interval[])[];
  /** Start and length of every request of a workload that has requests. Kept in a file, because there are many: see `RequestFile`. */
  readonly requests?: RequestFile;
  /** The overshoot of a thread that only sleeps, in ns at 50, 90, 99, 99.9, 99.99 % and the maximum: the platform's floor. */
  readonly hiccupNs: readonly number[];
  readonly memory: Memory;
  /** The workload's nominal statistics, where a census was asked for. */
  readonly nominal?: Nominal;
  /** Versions and flags: `{ runtime: 'OpenJDK 17.0.15', flags: '-XX:+UseZGC …' }`. */
  readonly about: Readonly<Record<string, string>>;
}

/** CPU time of the measured part; parts that a system cannot tell are absent, never 0. */
export interface CpuTime {
  /** The whole process, without what is the harness's. */
  readonly total: number;
  readonly mutators?: number;
  /** Collector threads. */
  readonly collector?: number;
  /** Inside fault handlers, on mutator threads or on fault threads. */
  readonly faultService?: number;
  /** Of the harness's own threads in the process of the program. It is in none of the others. */
  readonly harness?: number;
  /** Wall time in which mutators waited for memory; not CPU, but part of the collector's cost. */
  readonly stalls?: number;
}

export type Pause = readonly [startNs: number, lengthNs: number, kind: string];
export type Interval = readonly [startNs: number, lengthNs: number, kind: 'pause' | 'fault' | 'stall' | 'slow-path'];

/** Pairs of little-endian doubles: intended or actual start, and end, in ns. */
export interface RequestFile {
  readonly path: string;
  readonly count: number;
  /** Closed loop: a request starts when the one before has ended. Open loop: it starts, for the clock, when the schedule says. */
  readonly loop: 'open' | 'closed';
}

/** A piece is an iteration of the workload, or some steps of it. One list a mutator. */
export interface Iterations {
  /** Of a piece; the last one may have fewer. */
  readonly operations: number;
  readonly warmUpNs: readonly (readonly number[])[];
  readonly measuredNs: readonly (readonly number[])[];
}

export interface Memory {
  /** Faultline: blocks of the memory file. Others: what the system itself says its heap has committed; else resident pages. */
  readonly peakBytes: number;
  readonly meanBytes: number;
  /** Beside the heap proper: side tables, buffers. */
  readonly metadataBytes?: number;
  /** A few hundred samples at most. */
  readonly series: readonly (readonly [timeNs: number, heapBytes: number])[];
  /** The same for what is alive, as far as `liveSource` can tell; absent where nothing tells. */
  readonly liveSeries?: readonly (readonly [timeNs: number, liveBytes: number])[];
  /**
   * `workload`: what the workload itself counts as alive (`lru`, `fragmentation`). `collector`: what the system says was left by each
   * collection (peers), which may still hold garbage.
   */
  readonly liveSource?: 'workload' | 'collector';
  /** One full collection after the last operation, while mutators only read (`fragmentation` on `faultline`). */
  readonly afterCollection?: AfterCollection;
  /** Live data at the end, where known: after a full collection (`faultline`), by the workload's count, or left by the last collection. */
  readonly liveBytes?: number;
  /** Which of the three `peakBytes` is. */
  readonly source: 'file-blocks' | 'committed' | 'resident';
}

export interface AfterCollection {
  /** As `Memory.source` says, when the collection has ended, beside live data. */
  readonly heapBytes: number;
  readonly liveBytes: number;
  readonly lengthNs: number;
  /** Those that had something to move, and a last one that finds nothing left. */
  readonly cycles: number;
  /** Requests that began, by their schedule, or ended during it; their latencies at 50, 90, 99, 99.9, 99.99 % and the maximum. */
  readonly requests: number;
  readonly latencyNs: readonly number[];
}

/** What the objects of a workload are like: its measured part in one run. Sizes after DaCapo's nominal statistics (AOA and its like). */
export interface Nominal {
  readonly objectBytesMean: number;
  readonly objectBytesP10: number;
  readonly objectBytesP50: number;
  readonly objectBytesP90: number;
  /** Reference slots among all words of objects. */
  readonly pointerDensity: number;
  readonly allocatedBytes: number;
}
