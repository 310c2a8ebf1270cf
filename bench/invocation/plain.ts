/**
 * Plain: an invocation on plain JavaScript objects, in V8's own heap: the peer that our users come from.
 *
 * Each mutator is a worker with a heap of its own, so `heapBytes` is divided among them. It limits the old generation; the young one
 * comes on top, as with `node --max-old-space-size`.
 */
import type { Finished } from '../harness/contract.ts';
import { rateOf } from '../workloads/workload.ts';
import { intervalsOf } from './faultline.ts';
import { checked, measure, memoryOf, writeRequests } from './measurement.ts';
import { GAUGE } from './messages.ts';
import { type Job, Mutators } from './mutators.ts';

const MIB = 2 ** 20;

/** Runs the workload; throws {@link InvocationError}. */
export async function runPlain(job: Job): Promise<Finished> {
  const { configuration, parameters } = job;
  const limits = { maxOldGenerationSizeMb: configuration.heapBytes / MIB / configuration.mutators };
  const mutators = new Mutators({ ...job, driver: 'plain', limits });
  try {
    const measured = await measure(
      mutators,
      () => ({ heapBytes: mutators.total(GAUGE.heapBytes), liveBytes: mutators.total(GAUGE.liveBytes) }),
      { begin: () => {}, end: () => {} },
    );
    const { beginNs, endNs } = measured;
    const reports = await mutators.reports();
    const collections = reports
      .flatMap((report) => report.collections!)
      .filter(([startNs]) => startNs >= beginNs && startNs < endNs)
      .sort(([a], [b]) => a - b);
    const sum = checked(reports);
    const requests = writeRequests(mutators, beginNs, rateOf(mutators.plan, parameters) > 0, configuration.requestFile);
    return {
      ok: true,
      wallNs: Math.round(endNs - beginNs),
      cpuNs: { total: Math.round(measured.cpuNs), mutators: Math.round(measured.mutatorCpuNs), harness: Math.round(measured.harnessCpuNs) },
      operations: mutators.plan.operations * mutators.count,
      ...sum,
      collections: collections.length,
      pauses: collections.map(([startNs, lengthNs, kind]) => [Math.round(startNs - beginNs), Math.round(lengthNs), kind] as const),
      interruptions: reports.map((report) => intervalsOf(report, beginNs, endNs)),
      ...(requests === undefined ? {} : { requests }),
      hiccupNs: measured.hiccupNs,
      iterations: mutators.iterations,
      counters: measured.counters,
      memory: memoryOf(measured, 'committed'),
      about: {
        runtime: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
        flags: `maxOldGenerationSizeMb=${limits.maxOldGenerationSizeMb}`,
      },
    };
  } finally {
    await mutators.end();
  }
}
