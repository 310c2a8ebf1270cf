/**
 * Digest: what stays of a finished invocation when its long lists (interruptions, requests) have been looked at. The lists
 * themselves are kept compressed; every figure of a report comes from digests.
 */
import type { CpuTime, Finished, Iterations, Memory, Nominal, RequestFile } from './contract.ts';
import { readRequests } from './request-file.ts';
import { type FaultHeat, faultHeat, flipEnds } from './statistics/fault-heat.ts';
import { encodeHistogram, histogramOf } from './statistics/histogram.ts';
import { spansOf } from './statistics/intervals.ts';
import { METERED_WINDOW_NS, meteredLatencies, simpleLatencies } from './statistics/latency.ts';
import { type Cost, cpuCost, wallCost } from './statistics/lower-bound-overhead.ts';
import { AFTER_FLIP_MS, minimumUtilizationOfAll, MMU_WINDOWS_MS, utilizationAfter } from './statistics/mutator-utilization.ts';
import { percentile, percentilesOf } from './statistics/percentiles.ts';

const NS_IN_MS = 1e6;

/** Values at `PERCENTILES`, and all of them as an encoded HdrHistogram. Values in ns. */
export interface Distribution {
  readonly count: number;
  readonly percentilesNs: readonly number[];
  readonly histogram: string;
}

export interface Latencies {
  readonly loop: RequestFile['loop'];
  readonly simple: Distribution;
  readonly metered: Distribution;
  readonly meteredFull: Distribution;
}

/** Shares, 0 … 1, over all flips and mutators. */
export interface AfterFlip {
  readonly afterMs: number;
  readonly median: number;
  readonly worst: number;
}

export interface Digest {
  readonly ok: true;
  readonly wallNs: number;
  readonly cpuNs: CpuTime;
  readonly operations: number;
  readonly checks: number;
  readonly collections: number;
  readonly writtenPages?: number;
  readonly wall: Cost;
  readonly cpu: Cost;
  readonly pauses: Distribution;
  /** By the system's own name: `flip`, `ZRelocateStart`, … */
  readonly pausesByKind: Readonly<Record<string, Distribution>>;
  /** By kind: number and total. */
  readonly interruptions: Readonly<Record<string, readonly [count: number, totalNs: number]>>;
  /** For each of `MMU_WINDOWS_MS`. */
  readonly mmu: readonly number[];
  readonly afterFlip: readonly AfterFlip[];
  readonly heat?: FaultHeat;
  readonly latencies?: Latencies;
  readonly hiccupNs: readonly number[];
  readonly memory: Memory;
  readonly iterations?: Iterations;
  readonly counters?: Finished['counters'];
  readonly allocatedBytes?: number;
  readonly nominal?: CompletedNominal;
  readonly about: Readonly<Record<string, string>>;
}

/** The census of the workload, and what depends on the run and on the minimum heap. */
export interface CompletedNominal extends Nominal {
  readonly allocationBytesPerSecond: number;
  /** Allocated bytes ÷ minimum heap. */
  readonly turnover: number;
}

/** What is known about the workload beforehand. */
export interface Known {
  readonly minimumHeapBytes?: number;
  readonly nominal?: Nominal;
}

/** Reads the request file. */
export function digestOf(finished: Finished, known: Known): Digest {
  const { wallNs, cpuNs, operations, checks, collections, writtenPages, hiccupNs, memory, about } = finished;
  const { pauses, interruptions, requests, iterations, counters, allocatedBytes } = finished;
  const nominal = finished.nominal ?? known.nominal;
  const mutators = interruptions.map((intervals) => spansOf(intervals, wallNs));
  const heat = faultHeat(pauses, interruptions);
  return {
    ok: true,
    ...{ wallNs, cpuNs, operations, checks, collections, hiccupNs, memory, about },
    ...(writtenPages === undefined ? {} : { writtenPages }),
    wall: wallCost(wallNs, interruptions, operations),
    cpu: cpuCost(cpuNs, operations),
    pauses: distributionOf(pauses.map(([, lengthNs]) => lengthNs)),
    pausesByKind: pausesByKind(pauses),
    interruptions: byKind(interruptions),
    mmu: MMU_WINDOWS_MS.map((windowMs) => minimumUtilizationOfAll(mutators, wallNs, windowMs * NS_IN_MS)),
    afterFlip: afterFlip(mutators, flipEnds(pauses), wallNs),
    ...(heat.flips === 0 ? {} : { heat }),
    ...(requests === undefined ? {} : { latencies: latenciesOf(requests) }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(counters === undefined ? {} : { counters }),
    ...(allocatedBytes === undefined ? {} : { allocatedBytes }),
    ...(nominal === undefined || allocatedBytes === undefined || known.minimumHeapBytes === undefined
      ? {}
      : {
          nominal: {
            ...nominal,
            allocationBytesPerSecond: (allocatedBytes * 1e9) / wallNs,
            turnover: allocatedBytes / known.minimumHeapBytes,
          },
        }),
  };
}

function latenciesOf(file: RequestFile): Latencies {
  const requests = readRequests(file);
  return {
    loop: file.loop,
    simple: distributionOf(simpleLatencies(requests)),
    metered: distributionOf(meteredLatencies(requests, METERED_WINDOW_NS)),
    meteredFull: distributionOf(meteredLatencies(requests, Number.POSITIVE_INFINITY)),
  };
}

function distributionOf(valuesNs: readonly number[] | Float64Array): Distribution {
  const sound = Float64Array.from(valuesNs, (value) => Math.max(0, value));
  return { count: sound.length, percentilesNs: percentilesOf(sound), histogram: encodeHistogram(histogramOf(sound)) };
}

function pausesByKind(pauses: Finished['pauses']): Digest['pausesByKind'] {
  const lengths: Record<string, number[]> = {};
  for (const [, lengthNs, kind] of pauses) (lengths[kind] ??= []).push(lengthNs);
  return Object.fromEntries(Object.entries(lengths).map(([kind, lengthsNs]) => [kind, distributionOf(lengthsNs)]));
}

function byKind(interruptions: Finished['interruptions']): Digest['interruptions'] {
  const kinds: Record<string, [number, number]> = {};
  for (const [, lengthNs, kind] of interruptions.flat()) {
    const sum = (kinds[kind] ??= [0, 0]);
    sum[0]++;
    sum[1] += lengthNs;
  }
  return kinds;
}

function afterFlip(mutators: readonly ReturnType<typeof spansOf>[], ends: readonly number[], wallNs: number): AfterFlip[] {
  return AFTER_FLIP_MS.flatMap((afterMs) => {
    const shares = mutators.flatMap((spans) => utilizationAfter(spans, ends, wallNs, afterMs * NS_IN_MS));
    if (shares.length === 0) return [];
    shares.sort((a, b) => a - b);
    return [{ afterMs, median: percentile(shares, 50), worst: shares[0]! }];
  });
}
