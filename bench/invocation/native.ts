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
  readonly corruptAt: number;
}

export interface NativeRun extends Allocated {
  /** False when there is no such workload in C++. */
  readonly known: boolean;
  readonly outOfMemory: boolean;
  readonly checks: number;
  readonly mismatches: number;
  readonly checksum: number;
  readonly interruptions: Float64Array;
}

export interface BenchAddon {
  /** Makes the calling thread a mutator and runs the workload to its end; see native/bench/run.h. Null when there is no such heap. */
  runWorkload(
    heapId: number,
    options: NativeOptions,
    control: Int32Array,
    gauges: Float64Array,
    requests: Float64Array | null,
  ): NativeRun | null;
  /** Of the calling thread's mutator, as in a report. */
  interruptions(heapId: number): Float64Array;
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
