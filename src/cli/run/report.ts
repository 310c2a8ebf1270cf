/**
 * Report: the results of a run, as the one object that `--json` prints. Sizes are bytes, times microseconds unless the name says otherwise;
 * docs/ explains the terms.
 */
import { release } from 'node:os';
import type { DurationSummary, HeapStatistics } from '../../gc/statistics.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import type { Mismatch } from './checker.ts';
import type { FinalCheck } from './final-check.ts';
import { type Operations, type ThreadReport, UTILIZATION_WINDOWS_MS } from './messages.ts';
import type { GraphSize } from './object-layout.ts';
import type { PayloadCap } from './payload-cap.ts';
import type { RunOptions } from './run-options.ts';

export interface RunReport {
  readonly input: {
    readonly path: string;
    readonly objects: number;
    readonly references: number;
    /** Bytes of all objects in the heap, payloads and the directory included. */
    readonly bytes: number;
    readonly payloadObjects: number;
    /** Self size that did not become payload; `cappedObjects` is 0 if all of it did. */
    readonly payloadCap: PayloadCap;
    readonly snapshotBytes: number;
  };
  readonly heap: {
    readonly capacityBytes: number;
    /** What a marking found alive: at the end, and at most. */
    readonly liveBytes: number;
    readonly peakLiveBytes: number;
    readonly peakFileBytes: number;
    /** Before and after the full collection at the end. */
    readonly fileBytesBefore: number;
    readonly fileBytesAfter: number;
    readonly metadataBytes: number;
  };
  readonly fault: { readonly mode: string; readonly requestedMode: string; readonly faultAroundPages: number | 'adaptive' };
  readonly cycles: HeapStatistics['cycles'];
  readonly pauses: HeapStatistics['pauses'];
  readonly marking: {
    readonly marker: string;
    /** Traces after the first: precleaning rounds. */
    readonly rounds: number;
    /** Pages rescanned by rounds and by remark pauses because they had been written. */
    readonly writtenPages: number;
    /** References that the write barrier of the marker `satb` has logged. */
    readonly loggedReferences: number;
    readonly objects: number;
    /** From the start of tracing to the end of the last pause, over all cycles and workers. */
    readonly objectsPerSecond: number;
  };
  readonly faults: DurationSummary & { readonly bareP50Us: number };
  readonly pages: HeapStatistics['pages'];
  /** Waits of mutators for memory. */
  readonly stalls: DurationSummary & { readonly totalMs: number; readonly maxMs: number };
  /** Collections by their reason. */
  readonly triggers: HeapStatistics['collections']['byReason'];
  readonly mutators: {
    readonly threads: number;
    readonly operations: number;
    readonly operationsPerSecond: number;
    readonly checks: number;
    readonly mismatches: number;
    /** Allocations that failed, after which the thread dropped objects and went on. */
    readonly exhausted: number;
    readonly operationsByKind: Omit<Operations, 'exhausted'>;
  };
  /** The smallest share of the time that a mutator had for itself in any window of that many milliseconds, over all mutators. */
  readonly utilization: Readonly<Record<string, number>>;
  readonly check: {
    readonly objects: number;
    readonly references: number;
    readonly mismatches: number;
    /** Objects that `heap.verify()` walked. */
    readonly verifiedObjects: number;
  };
  readonly mismatches: readonly Mismatch[];
  readonly seed: number;
  readonly interrupted: boolean;
  readonly durations: RunDurations;
  readonly options: Readonly<Record<string, unknown>>;
  readonly node: string;
  readonly kernel: string;
}

interface RunDurations {
  readonly readMs: number;
  readonly loadMs: number;
  readonly runMs: number;
  readonly fullCollectionMs: number;
  readonly checkMs: number;
}

/** The results of the phases of a run. */
export interface RunFindings {
  readonly graph: ObjectGraph;
  readonly cap: PayloadCap;
  readonly size: GraphSize;
  readonly marker: string;
  readonly options: RunOptions;
  readonly bareP50Us: number;
  /** Figures when the mutators had stopped, and after the full collection. */
  readonly statistics: HeapStatistics;
  readonly statisticsAfter: HeapStatistics;
  readonly threads: readonly ThreadReport[];
  readonly peakLiveBytes: number;
  readonly check: FinalCheck;
  readonly verifiedObjects: number;
  readonly interrupted: boolean;
  readonly durations: RunDurations;
}

export function reportOf(findings: RunFindings): RunReport {
  const { graph, size, options, statistics, statisticsAfter, threads, check, durations } = findings;
  const operationsByKind = sumOfOperations(threads);
  const operations = Object.values(operationsByKind).reduce((sum, count) => sum + count, 0);
  const { corrupt: _, ...shownOptions } = options;
  return {
    input: {
      path: graph.source.path,
      objects: graph.nodeCount,
      references: graph.edgeCount,
      bytes: size.bytes,
      payloadObjects: size.payloadObjects,
      payloadCap: findings.cap,
      snapshotBytes: graph.source.bytes,
    },
    heap: {
      capacityBytes: statistics.capacityBytes,
      liveBytes: statisticsAfter.liveBytes,
      peakLiveBytes: Math.max(findings.peakLiveBytes, statisticsAfter.liveBytes),
      peakFileBytes: statistics.peakFileBytes,
      fileBytesBefore: statistics.fileBytes,
      fileBytesAfter: statisticsAfter.fileBytes,
      metadataBytes: statistics.metadataBytes,
    },
    fault: {
      mode: statistics.fault.mode,
      requestedMode: statistics.fault.requestedMode,
      faultAroundPages: statistics.fault.faultAroundPages,
    },
    cycles: statistics.cycles,
    pauses: statistics.pauses,
    marking: markingOf(findings.marker, statistics.marking),
    faults: { ...statistics.faults, bareP50Us: findings.bareP50Us },
    pages: statistics.pages,
    stalls: { ...statistics.stalls, totalMs: statistics.stalls.totalUs / 1000, maxMs: statistics.stalls.maxUs / 1000 },
    triggers: statistics.collections.byReason,
    mutators: {
      threads: threads.length,
      operations,
      operationsPerSecond: Math.round(operations / (durations.runMs / 1000)),
      checks: sum(threads, ({ checks }) => checks),
      mismatches: sum(threads, ({ mismatches }) => mismatches),
      exhausted: sum(threads, (thread) => thread.operations.exhausted),
      operationsByKind,
    },
    utilization: Object.fromEntries(
      UTILIZATION_WINDOWS_MS.map((windowMs, i) => [windowMs, Math.min(...threads.map(({ utilization }) => utilization[i]!))]),
    ),
    check: {
      objects: check.objects,
      references: check.references,
      mismatches: check.mismatches,
      verifiedObjects: findings.verifiedObjects,
    },
    mismatches: [...threads.flatMap(({ described }) => described), ...check.described],
    seed: options.seed,
    interrupted: findings.interrupted,
    durations,
    options: shownOptions,
    node: process.version,
    kernel: release(),
  };
}

function markingOf(marker: string, figures: HeapStatistics['marking']): RunReport['marking'] {
  const { rounds, writtenPages, loggedReferences, objects, totalUs } = figures;
  const objectsPerSecond = totalUs === 0 ? 0 : Math.round(objects / (totalUs / 1e6));
  return { marker, rounds, writtenPages, loggedReferences, objects, objectsPerSecond };
}

function sumOfOperations(threads: readonly ThreadReport[]): Omit<Operations, 'exhausted'> {
  return {
    steps: sum(threads, ({ operations }) => operations.steps),
    copies: sum(threads, ({ operations }) => operations.copies),
    swings: sum(threads, ({ operations }) => operations.swings),
    keeps: sum(threads, ({ operations }) => operations.keeps),
    drops: sum(threads, ({ operations }) => operations.drops),
    handles: sum(threads, ({ operations }) => operations.handles),
    litter: sum(threads, ({ operations }) => operations.litter),
    largeArrays: sum(threads, ({ operations }) => operations.largeArrays),
  };
}

function sum(threads: readonly ThreadReport[], figure: (thread: ThreadReport) => number): number {
  return threads.reduce((total, thread) => total + figure(thread), 0);
}
