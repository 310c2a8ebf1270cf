/**
 * The log of OpenJDK's collectors (`-Xlog:gc*,safepoint` with the decorations timenanos, level, tags): what stopped threads, and what
 * the heap had committed.
 *
 * A pause is a whole safepoint, from the request until the threads may go on: the phase inside it, which the collectors advertise, leaves
 * out the time to reach the safepoint and the clean-up. The line is written when the safepoint ends. Stamps are those of
 * System.nanoTime(), which is CLOCK_MONOTONIC on Linux.
 */
import type { Interval, Pause } from '../harness/contract.ts';

export interface OpenJdkLog {
  /** Safepoints for the collector's sake; the kind is the virtual machine's operation: `ZMarkStart`, `G1CollectFull`, … */
  readonly pauses: readonly Pause[];
  /** All safepoints: threads stop for deoptimization and the like too. */
  readonly safepoints: readonly Pause[];
  /**
   * Waits of one thread for memory, or for an object that is being moved (ZGC only: the others do not log them), by thread name. One
   * inside of another counts as part of it.
   */
  readonly stalls: ReadonlyMap<string, readonly Interval[]>;
  /** Time for which Shenandoah delayed allocating threads, summed over all of them: it logs no single delay. */
  readonly pacing: readonly (readonly [timeNs: number, lengthNs: number])[];
  /** When each collection was last heard of, by the collector's own number. */
  readonly collections: ReadonlyMap<number, number>;
  /** Committed bytes of the heap. */
  readonly committed: readonly (readonly [timeNs: number, bytes: number])[];
  /** Used bytes of the heap at the end of a collection, or of a part of one that frees memory. */
  readonly used: readonly (readonly [timeNs: number, bytes: number])[];
  /** What was found alive at the end of marking (ZGC only: the others do not log it). */
  readonly marked: readonly (readonly [timeNs: number, bytes: number])[];
  /** Messages that the asynchronous log had no room for: then the rest is not all. */
  readonly lost: number;
}

const STAMP = /^\[(\d+)ns\]\[\w+\s*\]\[([\w,]+)\s*\] (.*)$/;
const SAFEPOINT = /^Safepoint "(\w+)",.* Total:\s+(\d+) ns/;
const COLLECTOR_OPERATION = /^(G1|Z|Shenandoah|Parallel|Gen|CollectFor)/;
const STALL = /^(?:Allocation|Relocation) Stall \((.*)\) ([\d.]+)ms/;
const COLLECTION = /^GC\((\d+)\)/;
const CHANGE = / (\d+)([BKMG])(?:\(\d+%\))?->(\d+)([BKMG])(?:\((\d+)([BKMG])\))?/;
const INITIAL = /^(?:Heap )?Initial Capacity: (\d+)([BKMG])/;
const Z_CAPACITY = /^GC\(\d+\)\s+Capacity:\s+(?:\d+[BKMG] \(\d+%\)\s+){3}(\d+)([BKMG])/;
const Z_MARK_END = /^GC\(\d+\) Pause Mark End/;
const Z_LIVE = /^GC\(\d+\)\s+Live:\s+-\s+(\d+)([BKMG])/;
const EPSILON_HEAP = /^Heap: \d+[BKMG] reserved, (\d+)([BKMG]) \([\d.]+%\) committed, (\d+)([BKMG])/;
const PACING = /^Pacing\s+(\d+) us/;
const LOST = /(\d+) messages dropped due to async logging/;
const UNIT = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

const bytes = (number: string, unit: string): number => Number(number) * UNIT[unit as keyof typeof UNIT];

/** Lines of another form are passed over: the log has many. */
export function parseOpenJdkLog(text: string): OpenJdkLog {
  const safepoints: Pause[] = [];
  const stalls = new Map<string, Interval[]>();
  const pacing: [number, number][] = [];
  const collections = new Map<number, number>();
  const committed: [number, number][] = [];
  const used: [number, number][] = [];
  const marked: [number, number][] = [];
  let markEndNs = 0;
  let lost = 0;
  for (const line of text.split('\n')) {
    lost += Number(LOST.exec(line)?.[1] ?? 0);
    const stamped = STAMP.exec(line);
    if (!stamped) continue;
    const timeNs = Number(stamped[1]);
    const [tags, message] = [stamped[2]!, stamped[3]!];
    const collection = COLLECTION.exec(message);
    if (collection) collections.set(Number(collection[1]), timeNs);
    let found;
    if ((found = SAFEPOINT.exec(message))) {
      const lengthNs = Number(found[2]);
      safepoints.push([timeNs - lengthNs, lengthNs, found[1]!]);
    } else if ((found = STALL.exec(message))) {
      const lengthNs = Number(found[2]) * 1e6;
      const list = stalls.get(found[1]!) ?? [];
      while (list.length > 0 && list.at(-1)![0] >= timeNs - lengthNs) list.pop();
      list.push([timeNs - lengthNs, lengthNs, 'stall']);
      stalls.set(found[1]!, list);
    } else if ((found = PACING.exec(message))) {
      pacing.push([timeNs, Number(found[1]) * 1e3]);
    } else if ((found = INITIAL.exec(message) ?? Z_CAPACITY.exec(message))) {
      committed.push([timeNs, bytes(found[1]!, found[2]!)]);
    } else if (Z_MARK_END.test(message)) {
      markEndNs = timeNs;
    } else if ((found = Z_LIVE.exec(message))) {
      marked.push([markEndNs, bytes(found[1]!, found[2]!)]);
    } else if ((found = EPSILON_HEAP.exec(message))) {
      committed.push([timeNs, bytes(found[1]!, found[2]!)]);
      used.push([timeNs, bytes(found[3]!, found[4]!)]);
    } else if (tags === 'gc' && collection && (found = CHANGE.exec(message))) {
      used.push([timeNs, bytes(found[3]!, found[4]!)]);
      if (found[5]) committed.push([timeNs, bytes(found[5], found[6]!)]);
    }
  }
  const pauses = safepoints.filter(([, , operation]) => COLLECTOR_OPERATION.test(operation));
  return { pauses, safepoints, stalls, pacing, collections, committed, used, marked, lost };
}
