/**
 * Measurement: what is the same for every system of an invocation: the phases, wall and CPU time, memory over time, requests.
 *
 * The process holds threads of the harness too: the main thread, which takes samples, and the hiccup thread. What they take of the CPU is
 * not the program's: it is taken away again, and told beside.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finished, Memory, RequestFile } from '../harness/contract.ts';
import { GAUGE, type MutatorReport, PHASE } from './messages.ts';
import { InvocationError, type Mutators } from './mutators.ts';
import { nowNs } from './clock.ts';
import { benchAddon } from './native.ts';

const MOST_SAMPLES = 400;

/** One look at memory. */
export interface MemorySample {
  readonly heapBytes: number;
  /** What the workload counts as alive; 0 where it does not. */
  readonly liveBytes: number;
}

export interface Measured {
  readonly beginNs: number;
  readonly endNs: number;
  /** Of the process, without the harness. */
  readonly cpuNs: number;
  /** Of the harness's own threads in it. */
  readonly harnessCpuNs: number;
  readonly mutatorCpuNs: number;
  readonly hiccupNs: readonly number[];
  readonly samples: readonly (readonly [timeNs: number, sample: MemorySample])[];
  /** What the machine counted, by name, of those counters that are open. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Waits for the mutators to get ready, and for the end of their measured part; `sample` is called now and then meanwhile. */
export async function measure(mutators: Mutators, sample: () => MemorySample, hooks: { begin(): void; end(): void }): Promise<Measured> {
  await mutators.arrived(1);
  const samples: [number, MemorySample][] = [];
  const look = (): void => void samples.push([nowNs(), sample()]);
  hooks.begin();
  look();
  const addon = benchAddon();
  const countersBefore = addon.readCounters();
  const ownBefore = addon.threadCpuNs();
  const cpuBefore = process.cpuUsage();
  mutators.enter(PHASE.measure);
  await mutators.arrived(2, look);
  const { user, system } = process.cpuUsage(cpuBefore);
  const ownNs = addon.threadCpuNs() - ownBefore;
  const counters = Object.entries(addon.readCounters()).map(([name, count]) => [name, Math.round(count - countersBefore[name]!)]);
  look();
  hooks.end();
  mutators.enter(PHASE.settle);
  const { beginNs, endNs } = mutators.span();
  const hiccups = await mutators.hiccups();
  return {
    beginNs,
    endNs,
    cpuNs: (user + system) * 1e3 - hiccups.cpuNs - ownNs,
    harnessCpuNs: hiccups.cpuNs + ownNs,
    mutatorCpuNs: mutators.total(GAUGE.cpuNs),
    hiccupNs: hiccups.overshootNs,
    samples,
    counters: Object.fromEntries(counters) as Record<string, number>,
  };
}

/** The memory of the measured part: its peak and mean over time, and some of its course. */
export function memoryOf({ samples, beginNs }: Measured, source: Memory['source'], atLeast = 0): Memory {
  let weighted = 0;
  let peakBytes = atLeast;
  for (const [i, [timeNs, { heapBytes }]] of samples.entries()) {
    weighted += heapBytes * ((samples[i + 1]?.[0] ?? timeNs) - timeNs);
    peakBytes = Math.max(peakBytes, heapBytes);
  }
  const stride = Math.ceil(samples.length / MOST_SAMPLES);
  const some = samples.filter((_, i) => i % stride === 0 || i === samples.length - 1);
  const at = (timeNs: number): number => Math.max(0, Math.round(timeNs - beginNs));
  return {
    peakBytes,
    meanBytes: Math.round(weighted / Math.max(1, samples.at(-1)![0] - samples[0]![0])),
    series: some.map(([timeNs, { heapBytes }]) => [at(timeNs), heapBytes] as const),
    ...(some.some(([, { liveBytes }]) => liveBytes > 0)
      ? { liveSeries: some.map(([timeNs, { liveBytes }]) => [at(timeNs), liveBytes] as const), liveSource: 'workload' as const }
      : {}),
    source,
  };
}

/** Writes the requests of all mutators in the order of their starts; undefined when there are none. */
export function writeRequests(mutators: Mutators, beginNs: number, isOpen: boolean, file: string | undefined): RequestFile | undefined {
  const lists = mutators.requests;
  if (lists.length === 0) return undefined;
  const path = file ?? join(tmpdir(), `faultline-requests-${process.pid}.f64`);
  const merged = mergedByStart(lists).map((timeNs) => timeNs - beginNs);
  writeFileSync(path, merged);
  return { path, count: merged.length / 2, loop: isOpen ? 'open' : 'closed' };
}

/** Pairs of start and end from lists that are in the order of their starts. */
export function mergedByStart(lists: readonly Float64Array[]): Float64Array {
  const merged = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  const next = lists.map(() => 0);
  for (let at = 0; at < merged.length; at += 2) {
    let first = -1;
    let start = Infinity;
    for (const [i, list] of lists.entries()) {
      const candidate = list[next[i]!] ?? Infinity;
      if (candidate < start) [first, start] = [i, candidate];
    }
    merged[at] = start;
    merged[at + 1] = lists[first]![next[first]! + 1]!;
    next[first]! += 2;
  }
  return merged;
}

/** Sums what the mutators checked; throws {@link InvocationError} `mismatch`. */
export function checked(reports: readonly MutatorReport[]): Pick<Finished, 'checks' | 'checksum'> {
  const checks = reports.reduce((sum, report) => sum + report.checks, 0);
  const mismatches = reports.reduce((sum, report) => sum + report.mismatches, 0);
  if (mismatches > 0) throw new InvocationError('mismatch', `${mismatches} of ${checks} checks found something else than was stored`);
  return { checks, checksum: reports.reduce((sum, { checksum }) => (sum + checksum) % 2 ** 32, 0) };
}
