/**
 * Faultline: an invocation on a Faultline heap, with mutators in JavaScript or in C++.
 */
import { Heap, type HeapEvent, type HeapOptions, type HeapStatistics } from 'faultline';
import type { AfterCollection, BarrierRow, Configuration, Finished, Interval, Pause } from '../harness/contract.ts';
import { percentilesOf } from '../harness/statistics/percentiles.ts';
import { rateOf } from '../workloads/workload.ts';
import { Ballast } from './ballast.ts';
import { fromEpochMs, nowNs } from './clock.ts';
import { checked, measure, memoryOf, writeRequests } from './measurement.ts';
import { GAUGE, INTERRUPTIONS, type MutatorReport } from './messages.ts';
import { InvocationError, type Job, Mutators } from './mutators.ts';
import { benchAddon } from './native.ts';
import { nominalOf } from './nominal.ts';

/** The least a heap can be. */
const MIN_HEAP_BYTES = 2 ** 20;
/** Of no use to anybody here, and long in coming. */
const NEVER_MS = 0;

const DEFAULT_ROW: BarrierRow = { mode: 'sigbus', marker: 'barrier-free', faultAroundPages: 'adaptive' };

/** Modes in which a program has to load references through the mutator's own function. */
const BARRIERED_MODES: ReadonlySet<string> = new Set(['load-barrier']);

/** Modes in which a thread is never held by a page fault. */
const FAULTLESS_MODES: ReadonlySet<string> = new Set(['stw', 'none', 'load-barrier']);

function optionsOf({ heapBytes, options }: Configuration, { mode, marker, faultAroundPages }: BarrierRow): HeapOptions {
  return {
    capacityBytes: heapBytes,
    fault: mode as NonNullable<HeapOptions['fault']>,
    marker,
    barrieredStores: marker === 'satb',
    faultAroundPages,
    trackUtilization: true,
    returnAfterMs: NEVER_MS,
    ...options,
  };
}

/** What the collector did while mutators were measured. */
class Watch {
  readonly pauses: [startNs: number, lengthNs: number, kind: string][] = [];
  begin: HeapStatistics | undefined;
  end: HeapStatistics | undefined;
  writtenPages = 0;

  constructor(heap: Heap) {
    heap.on('event', (event) => this.#note(event));
  }

  #note(event: HeapEvent): void {
    if (event.type === 'pause') {
      // The whole time for which somebody stood still: from the request to stop on.
      const lengthNs = (event.timeToSafepointUs + event.pauseUs) * 1e3;
      this.pauses.push([fromEpochMs(event.timeMs) - lengthNs, lengthNs, event.pause]);
    }
    if (event.type === 'cycle' && this.begin !== undefined && this.end === undefined) {
      this.writtenPages += event.writtenPages + event.remarkPages;
    }
  }
}

/** Runs the workload; throws {@link InvocationError} or what the heap throws. */
export async function runFaultline(job: Job): Promise<Finished> {
  const { configuration, parameters } = job;
  const row = configuration.barrier ?? DEFAULT_ROW;
  if (configuration.heapBytes < MIN_HEAP_BYTES) throw new InvocationError('ERR_HEAP_EXHAUSTED', 'no heap is smaller than 1 MiB');
  const absent = Object.entries(benchAddon().openCounters()).filter(([, reason]) => reason !== '');
  const heap = Heap.create(optionsOf(configuration, row));
  const watch = new Watch(heap);
  // A heap that collects takes the same pages again and again. In one that does not, the time to get new ones from the kernel must not pass
  // for the program's: it is the floor of all others.
  if (row.mode === 'none') benchAddon().touchHeap(heap.token.id);
  const ballast = new Ballast(heap, configuration.heapBytes);
  // From here on the time of each fault includes what the kernel takes to deliver it.
  const bareFault = FAULTLESS_MODES.has(row.mode) ? undefined : heap.measureBareFault();
  const isBarriered = row.marker === 'satb' || BARRIERED_MODES.has(row.mode);
  const driver = configuration.driver === 'native' ? 'native' : isBarriered ? 'barriered-javascript' : 'javascript';
  const mutators = new Mutators({ ...job, driver, token: heap.token });
  try {
    const measured = await measure(
      mutators,
      () => ({ heapBytes: heap.statistics().fileBytes - ballast.bytes, liveBytes: mutators.total(GAUGE.liveBytes) }),
      { begin: () => (watch.begin = heap.statistics()), end: () => (watch.end = heap.statistics()) },
    );
    const { beginNs, endNs } = measured;
    // The mutators wait parked, or only read: what is alive now is what the workload holds.
    const settled = row.mode === 'none' ? undefined : await collectOnce(heap, ballast.bytes);
    const reports = await mutators.reports();
    const { begin, end } = watch as { begin: HeapStatistics; end: HeapStatistics };
    const inside = (startNs: number): boolean => startNs >= beginNs && startNs < endNs;
    const sum = checked(reports);
    const requests = writeRequests(mutators, beginNs, rateOf(mutators.plan, parameters) > 0, configuration.requestFile);
    return {
      ok: true,
      wallNs: Math.round(endNs - beginNs),
      cpuNs: {
        total: Math.round(measured.cpuNs),
        mutators: Math.round(measured.mutatorCpuNs),
        collector: Math.round((end.cpu.collectorUs - begin.cpu.collectorUs) * 1e3),
        faultService: Math.round(faultServiceUs(end) * 1e3 - faultServiceUs(begin) * 1e3),
        stalls: Math.round((end.stalls.totalUs - begin.stalls.totalUs) * 1e3),
        harness: Math.round(measured.harnessCpuNs),
      },
      operations: mutators.plan.operations * mutators.count,
      ...sum,
      collections: end.collections.count - begin.collections.count,
      iterations: mutators.iterations,
      allocatedBytes: end.allocatedBytes - begin.allocatedBytes,
      allocatedInAllBytes: end.allocatedBytes - ballast.bytes,
      counters: measured.counters,
      ...(heap.capabilities.marker === 'barrier-free' ? { writtenPages: watch.writtenPages } : {}),
      pauses: watch.pauses
        .filter(([startNs]) => inside(startNs))
        .map(([startNs, lengthNs, kind]): Pause => [Math.round(startNs - beginNs), Math.round(lengthNs), kind]),
      interruptions: reports.map((report) => intervalsOf(report, beginNs, endNs, benchAddon().intervalsKept)),
      ...(requests === undefined ? {} : { requests }),
      hiccupNs: measured.hiccupNs,
      memory: {
        ...memoryOf(measured, 'file-blocks'),
        metadataBytes: end.metadataBytes,
        ...(settled === undefined ? {} : { liveBytes: settled.liveBytes }),
        ...(settled === undefined || !job.workload.looksPerSecond ? {} : { afterCollection: withLatencies(settled, mutators) }),
      },
      ...(configuration.census ? { nominal: nominalOf(reports.map((report) => report.allocated!)) } : {}),
      about: {
        runtime: `Faultline on Node ${process.versions.node}`,
        faultMode: heap.capabilities.faultMode,
        marker: heap.capabilities.marker,
        userfaultfd: heap.capabilities.userfaultfd,
        faultAroundPages: String(end.fault.faultAroundPages),
        ...(bareFault === undefined ? {} : { bareFaultP50Us: bareFault.p50Us.toFixed(2) }),
        ...(absent.length === 0 ? {} : { countersAbsent: absent.map(([name, reason]) => `${name}: ${reason}`).join('; ') }),
      },
    };
  } finally {
    await mutators.end();
    ballast.drop();
    await heap.close();
  }
}

interface Settled {
  readonly heapBytes: number;
  readonly liveBytes: number;
  readonly cycles: number;
  readonly beginNs: number;
  readonly endNs: number;
}

async function collectOnce(heap: Heap, ballastBytes: number): Promise<Settled> {
  const beginNs = nowNs();
  const { liveBytes, fileBytes, cycles } = await heap.collect({ kind: 'full' });
  return { heapBytes: fileBytes - ballastBytes, liveBytes: liveBytes - ballastBytes, cycles, beginNs, endNs: nowNs() };
}

/** The mutators have ended: no look is missing. */
function withLatencies({ beginNs, endNs, ...figures }: Settled, mutators: Mutators): AfterCollection {
  const latencies = mutators.looksWithin(beginNs, endNs);
  const lengthNs = Math.round(endNs - beginNs);
  return { ...figures, lengthNs, requests: latencies.length, latencyNs: percentilesOf(latencies).map(Math.round) };
}

/** Of the thread that serves faults where there is one; else the time in handlers, by the clock. */
function faultServiceUs({ cpu, faults }: HeapStatistics): number {
  return cpu.faultThreadUs > 0 ? cpu.faultThreadUs : faults.totalUs;
}

/**
 * What took the thread from its work, from the begin of the measured part on. A mutator keeps its latest `kept`: throws
 * {@link InvocationError} where some of the measured part may have been overwritten.
 */
export function intervalsOf({ interruptions }: MutatorReport, beginNs: number, endNs: number, kept = Number.POSITIVE_INFINITY): Interval[] {
  if (interruptions.length >= 3 * kept && interruptions[0]! > beginNs) {
    throw new InvocationError('incomplete', `a mutator was interrupted more than ${kept} times, and only so many interruptions are kept`);
  }
  const intervals: Interval[] = [];
  for (let i = 0; i + 2 < interruptions.length; i += 3) {
    const startNs = interruptions[i]!;
    if (startNs < beginNs || startNs >= endNs) continue;
    const kind = INTERRUPTIONS[interruptions[i + 2]!]!;
    intervals.push([Math.round(startNs - beginNs), Math.round(interruptions[i + 1]!), kind]);
  }
  return intervals.sort(([a], [b]) => a - b);
}
