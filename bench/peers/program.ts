/**
 * Program: what a peer program is told and what it says. It is a process of the peer's own runtime, and knows nothing of the harness.
 *
 * It is told words `name=value`: `workload`, `mutators`, `seeds` (one a mutator, joined by commas), `warmUp` and `operations` (steps
 * before and in the measured part), every parameter of the workload, and `requests`, the file for starts and ends, where the workload
 * has requests. Its standard input and output then go like this:
 *
 *     program    make all work, warm up   begin⏎         measured part          end⏎       verify    result⏎
 *     observer                                   ⏎                                   ⏎
 *
 * At each of the two lines the observer reads the clocks of the program's threads from outside, and only then lets it go on. So no
 * peer measures its own CPU time, and all are measured alike.
 */
import { type Plan, rateOf, type Workload } from '../workloads/workload.ts';
import type { Configuration } from '../harness/contract.ts';

/** What a program says at the end. Times are ns of CLOCK_MONOTONIC. */
export interface ProgramResult {
  readonly beganNs: number;
  readonly wallNs: number;
  readonly checks: number;
  readonly mismatches: number;
  /** One a mutator; their sum modulo 2^32 is the invocation's. */
  readonly checksums: readonly number[];
  /** What the workload counts as alive at the end; 0 where it does not. */
  readonly liveBytes: number;
  /** Name and version of the runtime, as it says itself. */
  readonly runtime: string;
  /**
   * From the runtime's own callbacks or metrics, where it has no log: pauses, collections, CPU time in them, committed bytes, and what
   * each collection left.
   */
  readonly pauses?: readonly (readonly [timeNs: number, lengthNs: number])[];
  /** Collections from the begin to the end, on the thread that did them; the pauses are a part of it. */
  readonly collecting?: readonly (readonly [timeNs: number, lengthNs: number, thread: string])[];
  readonly collections?: number;
  readonly collectorCpuNs?: number;
  readonly heap?: readonly (readonly [timeNs: number, bytes: number])[];
  readonly live?: readonly (readonly [timeNs: number, bytes: number])[];
  /** When the process began, for logs that count from there. */
  readonly processBeganNs?: number;
}

const WEYL = 0x9e3779b9;

/** The words for a program. A file for requests must be there with its full size: 16 bytes for each operation and mutator. */
export function programWords(
  { workload, seed, mutators }: Configuration,
  parameters: Readonly<Record<string, number>>,
  plan: Plan,
  requests: string | undefined,
): string[] {
  const seeds = Array.from({ length: mutators }, (_, thread) => (seed + Math.imul(thread, WEYL)) >>> 0);
  const words: Record<string, string | number> = {
    workload,
    mutators,
    seeds: seeds.join(','),
    ...parameters,
    warmUp: plan.warmUp,
    operations: plan.operations,
  };
  words['operationsPerSecond'] = rateOf(plan, parameters);
  if (requests !== undefined) words['requests'] = requests;
  return Object.entries(words).map(([name, value]) => `${name}=${value}`);
}

/** Bytes of the file for requests; 0 where the workload has none. */
export function requestFileBytes({ hasRequests }: Workload, plan: Plan, mutators: number): number {
  return hasRequests ? plan.operations * mutators * 16 : 0;
}

/** The last line of what a program said. Throws SyntaxError for one that is no result. */
export function parseProgramResult(line: string): ProgramResult {
  const result = JSON.parse(line) as ProgramResult;
  if (typeof result !== 'object' || result === null || !Array.isArray(result.checksums) || typeof result.wallNs !== 'number') {
    throw new SyntaxError(`not the result of a peer program: ${line.slice(0, 200)}`);
  }
  return result;
}
