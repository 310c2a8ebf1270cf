/**
 * Rows: all invocations of one point put together. Times and sizes are medians over invocations with a bootstrap interval;
 * distributions are the sum of all invocations' histograms, so that a tail has all the values that were measured.
 */
import { median } from 'simple-statistics';
import type { CompletedNominal, Digest, Distribution, Latencies } from '../digest.ts';
import type { Configuration, Memory } from '../contract.ts';
import { MMU_WINDOWS_MS, AFTER_FLIP_MS } from '../statistics/mutator-utilization.ts';
import { FAULT_AROUND_PAGES, IDLE, MARKERS, MODES, RATE, SYSTEMS, WORKLOAD_NAMES } from '../matrix.ts';
import { heapText, keyOf, seriesOf } from '../point.ts';
import { FOREIGN_LIMIT } from '../processor-time.ts';
import type { Random } from '../random.ts';
import type { InvocationRecord } from '../records.ts';
import { type Estimate, medianWithInterval } from '../statistics/bootstrap.ts';
import { addHeats, type FaultHeat } from '../statistics/fault-heat.ts';
import { besideFloor, type FlooredValue } from '../statistics/hiccup-floor.ts';
import { addUp, type Histogram, percentileCurve } from '../statistics/histogram.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';

/** Medians over invocations of their percentiles, in ns, beside the floor; and the curve of all values over `1 ÷ (1 − share)`. */
export interface Tail {
  readonly count: number;
  readonly values: readonly FlooredValue[];
  /** Median over invocations of their 99th percentiles. */
  readonly p99Ns: Estimate;
  readonly curve: readonly (readonly [inverse: number, valueNs: number])[];
}

export interface LatencyTails {
  readonly loop: Latencies['loop'];
  readonly simple: Tail;
  readonly metered: Tail;
  readonly meteredFull: Tail;
}

export interface Row {
  readonly key: string;
  readonly suites: readonly string[];
  readonly workload: string;
  readonly parameters: Configuration['parameters'];
  readonly configuration: InvocationRecord['point']['configuration'];
  /** What is compared with others at the same heap size. */
  readonly series: string;
  /** `2×`, or a size. */
  readonly heap: string;
  readonly factor?: number;
  readonly heapBytes: number;
  readonly arm?: string;
  readonly pair?: string;
  /** Invocations that ended well; how many of them had too much foreign CPU. */
  readonly count: number;
  readonly disturbed: number;
  /** Number by code, and the last message. */
  readonly failures: Readonly<Record<string, number>>;
  readonly failureMessage?: string;
  /** Everything below is absent where no invocation ended well. */
  readonly figures?: Figures;
}

export interface Figures {
  readonly wallNs: Estimate;
  readonly cpuNs: Estimate;
  readonly operations: number;
  readonly operationsPerSecond: Estimate;
  /** Samples, one an invocation, per operation; what LBO and differences are computed from. */
  readonly samples: {
    readonly wall: readonly number[];
    readonly cpu: readonly number[];
    /** Without what is identified as memory management. */
    readonly wallRemains: readonly number[];
    readonly cpuRemains: readonly number[];
  };
  readonly collections: number;
  readonly writtenPages?: number;
  readonly checks: number;
  readonly pausesByKind: Readonly<Record<string, Tail>>;
  readonly latencies?: LatencyTails;
  /** Medians over invocations, for each of `MMU_WINDOWS_MS`. */
  readonly mmu: readonly number[];
  readonly afterFlip: readonly { readonly afterMs: number; readonly median: number; readonly worst: number }[];
  readonly interruptions: Digest['interruptions'];
  readonly heat?: FaultHeat;
  /** Of a sleeper beside the system under test: a symptom, no floor. */
  readonly hiccupNs: readonly number[];
  readonly peakBytes: Estimate;
  readonly meanBytes: number;
  /** Medians over invocations; the latencies at `PERCENTILES`, beside the hiccup floor. */
  readonly afterCollection?: AfterCollectionFigures;
  readonly memorySource: Memory['source'];
  readonly metadataBytes?: number;
  /** Of the invocation whose wall time is the median. */
  readonly memory: Memory['series'];
  /** What was alive in it, where that is told. */
  readonly live?: Memory['series'];
  readonly liveSource?: Memory['liveSource'];
  readonly nominal?: CompletedNominal;
  readonly about: Readonly<Record<string, string>>;
}

/** After one collection that follows the last operation, and what requests took during it. */
export interface AfterCollectionFigures {
  readonly heapOverLive: Estimate;
  readonly lengthNs: number;
  readonly latencies: readonly FlooredValue[];
}

/** What a sleeper suffers while nothing of what is measured runs, at `PERCENTILES`; empty where that was not measured. */
export function noiseFloorOf(records: readonly InvocationRecord[]): number[] {
  const idle = records.flatMap(({ result, configuration }) => (result.ok && configuration.system === IDLE ? [result.hiccupNs] : []));
  return idle.length === 0 ? [] : PERCENTILES.map((_, i) => median(idle.map((hiccupNs) => hiccupNs[i]!)));
}

/** One row a point, in the order of the matrix. */
export function rowsOf(records: readonly InvocationRecord[], random: Random): Row[] {
  const floorNs = noiseFloorOf(records);
  const byKey = new Map<string, InvocationRecord[]>();
  for (const record of records) {
    if (record.configuration.system === IDLE) continue;
    const key = keyOf(record.point);
    byKey.set(key, [...(byKey.get(key) ?? []), record]);
  }
  return [...byKey].map(([key, all]) => rowOf(key, all, floorNs, random)).sort((a, b) => compared(orderOf(a), orderOf(b)));
}

/** Workload, rate, heap size, and then what is compared. */
function orderOf({ workload, parameters, factor, configuration: { system, driver, barrier, mutators } }: Row): number[] {
  return [
    WORKLOAD_NAMES.indexOf(workload),
    Number(parameters[RATE] ?? 0),
    mutators,
    factor ?? 0,
    SYSTEMS.indexOf(system) < 0 ? SYSTEMS.length : SYSTEMS.indexOf(system),
    driver === 'native' ? 0 : 1,
    (MODES as readonly string[]).indexOf(barrier?.mode ?? ''),
    MARKERS.findIndex((marker) => marker === barrier?.marker),
    FAULT_AROUND_PAGES.length - FAULT_AROUND_PAGES.findIndex((pages) => pages === barrier?.faultAroundPages),
  ];
}

function compared(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((value, i) => value !== b[i]);
  return first < 0 ? 0 : a[first]! - b[first]!;
}

function rowOf(key: string, records: readonly InvocationRecord[], floorNs: readonly number[], random: Random): Row {
  const { point, configuration } = records.at(-1)!;
  const digests = records.flatMap(({ result }) => (result.ok ? [result] : []));
  const failed = records.flatMap(({ result }) => (result.ok ? [] : [result]));
  const failures: Record<string, number> = {};
  for (const { code } of failed) failures[code] = (failures[code] ?? 0) + 1;
  return {
    key,
    ...{ suites: point.suites, workload: configuration.workload, parameters: configuration.parameters, configuration: point.configuration },
    ...{ series: seriesOf(point), heap: heapText(point.heap), heapBytes: configuration.heapBytes },
    ...('factor' in point.heap ? { factor: point.heap.factor } : {}),
    ...(point.arm === undefined ? {} : { arm: point.arm }),
    ...(point.pair === undefined ? {} : { pair: point.pair }),
    count: digests.length,
    disturbed: records.filter(({ result, cpu }) => result.ok && cpu.foreign > FOREIGN_LIMIT).length,
    failures,
    ...(failed.length === 0 ? {} : { failureMessage: failed.at(-1)!.message }),
    ...(digests.length === 0 ? {} : { figures: figuresOf(digests, floorNs, random) }),
  };
}

function figuresOf(digests: readonly Digest[], floorNs: readonly number[], random: Random): Figures {
  const estimate = (value: (digest: Digest) => number): Estimate => medianWithInterval(digests.map(value), random);
  const middle = (values: readonly number[]): number => median([...values]);
  const typical = [...digests].sort((a, b) => a.wallNs - b.wallNs)[digests.length >> 1]!;
  const hiccupNs = PERCENTILES.map((_, i) => middle(digests.map(({ hiccupNs: floor }) => floor[i] ?? 0)));
  const latencies = digests.flatMap((digest) => (digest.latencies === undefined ? [] : [digest.latencies]));
  const heats = digests.flatMap(({ heat }) => (heat === undefined ? [] : [heat]));
  const settled = digests.flatMap(({ memory: { afterCollection } }) => (afterCollection?.requests ? [afterCollection] : []));
  const written = digests.flatMap(({ writtenPages }) => (writtenPages === undefined ? [] : [writtenPages]));
  const metadata = digests.flatMap(({ memory: { metadataBytes } }) => (metadataBytes === undefined ? [] : [metadataBytes]));
  const tail = (distributions: readonly Distribution[]): Tail => tailOf(distributions, floorNs, random);
  return {
    wallNs: estimate(({ wallNs }) => wallNs),
    cpuNs: estimate(({ cpuNs }) => cpuNs.total),
    operations: middle(digests.map(({ operations }) => operations)),
    operationsPerSecond: estimate(({ operations, wallNs }) => (operations * 1e9) / wallNs),
    samples: {
      wall: digests.map(({ wall }) => wall.total),
      cpu: digests.map(({ cpu }) => cpu.total),
      wallRemains: digests.map(({ wall }) => wall.total - wall.identified),
      cpuRemains: digests.map(({ cpu }) => cpu.total - cpu.identified),
    },
    collections: middle(digests.map(({ collections }) => collections)),
    ...(written.length === 0 ? {} : { writtenPages: middle(written) }),
    checks: digests.reduce((sum, { checks }) => sum + checks, 0),
    pausesByKind: pausesByKind(digests, tail),
    ...(latencies.length === 0
      ? {}
      : {
          latencies: {
            loop: latencies[0]!.loop,
            simple: tail(latencies.map(({ simple }) => simple)),
            metered: tail(latencies.map(({ metered }) => metered)),
            meteredFull: tail(latencies.map(({ meteredFull }) => meteredFull)),
          },
        }),
    mmu: MMU_WINDOWS_MS.map((_, i) => middle(digests.map(({ mmu }) => mmu[i]!))),
    afterFlip: afterFlipOf(digests),
    interruptions: typical.interruptions,
    ...(heats.length === 0 ? {} : { heat: addHeats(heats) }),
    hiccupNs,
    peakBytes: estimate(({ memory }) => memory.peakBytes),
    meanBytes: middle(digests.map(({ memory }) => memory.meanBytes)),
    ...(settled.length === 0
      ? {}
      : {
          afterCollection: {
            heapOverLive: medianWithInterval(
              settled.map(({ heapBytes, liveBytes }) => heapBytes / liveBytes),
              random,
            ),
            lengthNs: middle(settled.map(({ lengthNs }) => lengthNs)),
            latencies: besideFloor(
              PERCENTILES.map((_, i) => middle(settled.map(({ latencyNs }) => latencyNs[i]!))),
              floorNs,
            ),
          },
        }),
    memorySource: typical.memory.source,
    ...(metadata.length === 0 ? {} : { metadataBytes: middle(metadata) }),
    memory: typical.memory.series,
    ...(typical.memory.liveSeries === undefined ? {} : { live: typical.memory.liveSeries, liveSource: typical.memory.liveSource }),
    ...(typical.nominal === undefined ? {} : { nominal: typical.nominal }),
    about: typical.about,
  };
}

function tailOf(distributions: readonly Distribution[], floorNs: readonly number[], random: Random): Tail {
  const filled = distributions.filter(({ count }) => count > 0);
  const sum = sumOf(filled);
  const at99 = PERCENTILES.indexOf(99);
  return {
    count: sum.totalCount,
    values: besideFloor(
      PERCENTILES.map((_, i) => median(filled.map(({ percentilesNs }) => percentilesNs[i]!))),
      floorNs,
    ),
    p99Ns: medianWithInterval(
      filled.map(({ percentilesNs }) => percentilesNs[at99]!),
      random,
    ),
    curve: percentileCurve(sum),
  };
}

function pausesByKind(digests: readonly Digest[], tail: (distributions: readonly Distribution[]) => Tail): Figures['pausesByKind'] {
  const kinds = [...new Set(digests.flatMap((digest) => Object.keys(digest.pausesByKind)))].sort();
  const of = (kind: string): Distribution[] => digests.flatMap((digest) => digest.pausesByKind[kind] ?? []);
  return Object.fromEntries(kinds.map((kind) => [kind, tail(of(kind))]));
}

export function sumOf(distributions: readonly Distribution[]): Histogram {
  return addUp(distributions.map(({ histogram }) => histogram));
}

function afterFlipOf(digests: readonly Digest[]): Figures['afterFlip'] {
  return AFTER_FLIP_MS.flatMap((afterMs) => {
    const found = digests.flatMap(({ afterFlip }) => afterFlip.filter((entry) => entry.afterMs === afterMs));
    if (found.length === 0) return [];
    return [{ afterMs, median: median(found.map((entry) => entry.median)), worst: Math.min(...found.map(({ worst }) => worst)) }];
  });
}
