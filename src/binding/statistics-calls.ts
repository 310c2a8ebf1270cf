/**
 * The figures of a heap since it was made; any thread.
 */
import type { NativeHeap } from './native-objects.ts';

export interface NativeHistogram {
  count: number;
  p50Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
  totalUs: number;
}

export interface NativeStatistics {
  capacityBytes: number;
  limitBytes: number;
  /** Bytes handed out to mutators since the heap was made. */
  allocatedBytes: number;
  usedBytes: number;
  freeRegions: number;
  chargedRegions: number;
  fileBytes: number;
  peakFileBytes: number;
  metadataBytes: number;
  reservedBytes: number;
  mutators: number;
  cycles: {
    count: number;
    compacting: number;
    evacuatedBytes: number;
    copiedBytes: number;
    inPlacePages: number;
    refusedFlips: number;
  };
  /** By index of COLLECTION_REASONS. */
  collectionsByReason: number[];
  pages: {
    builtByWorkers: number;
    builtByMutators: number;
    /** Of leaf regions that stayed. */
    shownUnchanged: number;
    /** Of the heap file, by flips, and in how many ranges of the mutator view. */
    takenAway: number;
    rangesTakenAway: number;
    mappedByContinue: number;
    continueCalls: number;
    mappedByCopy: number;
    copyCalls: number;
    /** Loads of references that took the slow path of the load barrier. */
    settledLoads: number;
  };
  marking: {
    objects: number;
    totalUs: number;
    rounds: number;
    writtenPages: number;
    loggedReferences: number;
    refusedScans: number;
  };
  /** Pins held now, and the bytes of their ranges. */
  pins: { count: number; bytes: number };
  weak: {
    clearedReferences: number;
    clearedEntries: number;
    finalizersWaiting: number;
    finalizersReady: number;
    finalizable: number;
  };
  pauses: {
    flip: NativeHistogram;
    mark: NativeHistogram;
    markStart: NativeHistogram;
    remark: NativeHistogram;
    /** The end of a compaction, in fault mode load-barrier. */
    settled: NativeHistogram;
    timeToSafepoint: NativeHistogram;
  };
  /** CPU time since they began: the control thread and the GC workers; the thread that serves page faults, if there is one. */
  cpu: { collectorUs: number; faultThreadUs: number };
  faults: NativeHistogram;
  /** Waits for a page that another thread was building. */
  pageWaits: NativeHistogram;
  stalls: NativeHistogram;
}

export interface StatisticsCalls {
  statistics(heap: NativeHeap): NativeStatistics;
}
