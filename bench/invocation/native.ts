/**
 * Native: the addon for benchmarks, which is the published one and the native mutators of native/bench. `node native/build.mjs --bench`
 * builds it. The library loads it in place of the published one, so that both sides see the same heaps.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Allocated } from './messages.ts';

export interface NativeOptions {
  readonly workload: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly tables: Readonly<Record<string, Uint32Array>>;
  readonly seed: number;
  readonly warmUp: number;
  readonly operations: number;
  readonly intervalNs: number;
  readonly looksIntervalNs: number;
  readonly corruptAt: number;
  readonly pieceSteps: number;
  readonly census: boolean;
}

export interface NativeRun {
  /** False when there is no such workload in C++. */
  readonly known: boolean;
  readonly outOfMemory: boolean;
  readonly checks: number;
  readonly mismatches: number;
  readonly checksum: number;
  readonly interruptions: Float64Array;
  readonly allocated?: Allocated;
}

export type TurnsOptions = Pick<NativeOptions, 'workload' | 'parameters' | 'tables' | 'seed'>;

/** A native mutator that works when it is told to. */
export interface NativeTurns {
  readonly brand: 'turns of a native mutator';
}

export interface BenchAddon {
  /** Makes the calling thread a mutator and runs the workload to its end; see native/bench/run.h. Null when there is no such heap. */
  runWorkload(
    heapId: number,
    options: NativeOptions,
    control: Int32Array,
    gauges: Float64Array,
    pieces: Float64Array,
    requests: Float64Array | null,
    looks: Float64Array | null,
  ): NativeRun | null;
  /** Of the calling thread's mutator, as in a report. */
  interruptions(heapId: number): Float64Array;
  /**
   * Makes the calling thread a mutator that works in turns; see native/bench/turns.h. Null when there is no such heap or workload. The
   * thread must end it, and not take turns of a heap that has no room left.
   */
  beginTurns(heapId: number, options: TurnsOptions): NativeTurns | null;
  /** So many operations of the workload; the CPU time they took, in ns. */
  takeTurn(turns: NativeTurns, operations: number): number;
  /** Detaches the mutator; how many checks found something else than was stored. */
  endTurns(turns: NativeTurns): number;
  /** How many interruptions of a mutator are kept: the latest ones. */
  readonly intervalsKept: number;
  /** Writes to each page of a heap; false when there is no such heap. Cost: up to a microsecond a page. */
  touchHeap(heapId: number): boolean;
  /** CPU time of all threads of a process, those that have ended among them; negative when it cannot be told. */
  processCpuNs(pid: number): number;
  /** Counts this thread and all that come from it from here on: by name, nothing where it counts, else why it does not. */
  openCounters(): Record<string, string>;
  /** Of the counters that are open. */
  readCounters(): Record<string, number>;
  /** CPU time of the calling thread. */
  threadCpuNs(): number;
}

const PATH = fileURLToPath(new URL('../../Release/bench/faultline.node', import.meta.url));

/** To be called before anything loads the library's addon: it and all threads started from here on take this one. */
export function useBenchAddon(): void {
  process.env['FAULTLINE_ADDON'] ??= PATH;
  if (!existsSync(process.env['FAULTLINE_ADDON'])) {
    throw new Error(`${process.env['FAULTLINE_ADDON']} is missing: run node native/build.mjs --bench`);
  }
}

export function benchAddon(): BenchAddon {
  return createRequire(import.meta.url)(process.env['FAULTLINE_ADDON'] ?? PATH) as BenchAddon;
}
