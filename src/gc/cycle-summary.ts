/**
 * Cycle summary: the event that reports what one cycle did, made from the native report.
 */
import type { NativeCycleReport, NativeStatistics } from '../binding.ts';
import type { CycleSummary } from './events.ts';

export interface CycleFrame {
  readonly cycle: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Since the last cycle ended. */
  readonly faults: CycleSummary['faults'];
}

export function cycleSummary(frame: CycleFrame, report: NativeCycleReport, statistics: NativeStatistics): CycleSummary {
  const { cycle, startMs, endMs, faults } = frame;
  return {
    type: 'cycle',
    timeMs: endMs,
    cycle,
    startMs,
    durationMs: endMs - startMs,
    markedObjects: report.markedObjects,
    liveBytes: report.liveBytes,
    markPauseUs: report.markPauseNs / 1e3,
    markingMs: report.markingNs / 1e6,
    markingRounds: report.markingRounds,
    writtenPages: report.writtenPages,
    remarkPages: report.remarkPages,
    waves: report.waves,
    flipPauseUs: report.allFlipPausesNs / 1e3,
    longestFlipPauseUs: report.longestFlipPauseNs / 1e3,
    roots: report.roots,
    sweptRegions: report.sweptRegions,
    sourceRegions: report.sourceRegions,
    targetRegions: report.targetRegions,
    copiedBytes: report.copiedBytes,
    pagesByWorkers: report.pagesByWorkers,
    pagesByMutators: report.pagesByMutators,
    compactionMs: report.compactionNs / 1e6,
    faults,
    regions: { free: statistics.freeRegions, charged: statistics.chargedRegions },
    fileBytes: statistics.fileBytes,
    ...(report.flipRefused === undefined ? {} : { flipRefused: report.flipRefused }),
  };
}
