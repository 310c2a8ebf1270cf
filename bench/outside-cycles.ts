/**
 * Outside cycles: what the choice of the barrier costs a mutator while nothing is collected. Mutators do the same operations on heaps
 * that differ in the fault mode only, in turns of about a millisecond, in one process; every turn is compared with that of mode `none`,
 * which never collects, in the same round.
 *
 *     node build/bench/outside-cycles.js [--quick]     one JSON object, {@link OutsideFigures}[], on standard output
 *
 * The mutators' own CPU time counts, so that a thread that was not running does not. What lies where in physical memory differs from heap
 * to heap and stays for the life of a heap: so the heaps are made anew for every set of rounds, and the interval is one over sets. The
 * arm `none, again` differs from `none` in nothing: it shows what this method takes for a difference.
 *
 * In JavaScript the modes that are compared to 1 % share a thread, so that they share compiled code. The load barrier needs code of its
 * own, which V8 compiles well or less well: its thread is another, and its figure less sure.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { median } from 'simple-statistics';
import { randomFrom } from './harness/random.ts';
import { type Estimate, medianWithInterval } from './harness/statistics/bootstrap.ts';
import { useBenchAddon } from './invocation/native.ts';
import { WORKLOADS } from './workloads/index.ts';
import { type Parameters, settingsOf } from './workloads/workload.ts';

type Driver = 'javascript' | 'native';

export interface OutsideFigures {
  readonly driver: Driver;
  readonly workload: string;
  /** CPU time over that of mode `none`, by arm: the median of sets, and its 95 % interval. */
  readonly ratios: Readonly<Record<string, Estimate>>;
}

export interface ArmMode {
  readonly mode: string;
  readonly afterCycle: boolean;
}

/** What a thread is told. */
export interface ArmsData {
  readonly driver: Driver;
  readonly modes: readonly ArmMode[];
  readonly workload: string;
  readonly parameters: Parameters;
  readonly seed: number;
  readonly capacityBytes: number;
}

/** A round is a turn of every arm of the thread, `first` before the others; the next round goes the other way around. */
export type ToArms = { readonly type: 'round'; readonly first: number; readonly operations: number } | { readonly type: 'end' };
/** After it has begun (no times), and after every round: the CPU time of each arm. */
export type FromArms = readonly number[];

const BASE = 'none';
export const CONTROL_ARM = 'none, again';
/** The fault mode of each arm; a heap that is `after a cycle` has moved all of its objects once. */
const ARMS: Readonly<Record<string, ArmMode>> = {
  [BASE]: { mode: 'none', afterCycle: false },
  [CONTROL_ARM]: { mode: 'none', afterCycle: false },
  sigbus: { mode: 'sigbus', afterCycle: false },
  'sigbus, after a cycle': { mode: 'sigbus', afterCycle: true },
  'load-barrier': { mode: 'load-barrier', afterCycle: false },
};
/** By thread. */
const THREADS: Readonly<Record<Driver, readonly (readonly string[])[]>> = {
  native: [[BASE, 'sigbus', CONTROL_ARM, 'sigbus, after a cycle', 'load-barrier']],
  javascript: [[BASE, 'sigbus', CONTROL_ARM, 'sigbus, after a cycle'], ['load-barrier']],
};

/**
 * Work that comes to a steady state in which nothing is allocated: a cache in which everything is found (references loaded and stored,
 * values read), and PageRank (references loaded). `settle` is how many operations lead there. The live data fit the first-level cache,
 * where physical addresses make no difference and no cache miss hides an instruction.
 */
const WORK = [
  { workload: 'lru', given: { keys: 24, limitBytes: 2 ** 20, writePercent: 0, ttlRequests: 1e9 }, settle: 10_000 },
  { workload: 'graph', given: { vertices: 128, changesPerOperation: 0, rankEvery: 1 }, settle: 1000 },
] as const;

const CAPACITY_BYTES = 16 * 2 ** 20;
const TURN_NS = 1e6;
const WARM_UP_ROUNDS = 8;

async function startArms(driver: Driver, { workload, given }: (typeof WORK)[number], seed: number) {
  const { parameters } = settingsOf(WORKLOADS.get(workload)!, given);
  const threads: { readonly worker: Worker; readonly names: readonly string[] }[] = [];
  for (const names of THREADS[driver]) {
    const modes = names.map((name) => ARMS[name]!);
    const workerData: ArmsData = { driver, modes, workload, parameters, seed, capacityBytes: CAPACITY_BYTES };
    const worker = new Worker(new URL('./outside-cycles-thread.js', import.meta.url), { workerData });
    threads.push({ worker, names });
    await once(worker, 'message');
  }
  const round = async (first: number, operations: number): Promise<Map<string, number>> => {
    const cpuNs = new Map<string, number>();
    for (const { worker, names } of threads) {
      worker.postMessage({ type: 'round', first: first % names.length, operations } satisfies ToArms);
      const [taken] = (await once(worker, 'message')) as [FromArms];
      names.forEach((name, arm) => cpuNs.set(name, taken[arm]!));
    }
    return cpuNs;
  };
  const end = async (): Promise<void> => {
    for (const { worker } of threads) {
      worker.postMessage({ type: 'end' } satisfies ToArms);
      await once(worker, 'exit');
    }
  };
  return { round, end };
}

/** The median over rounds of each arm's CPU time over that of the base. */
async function measureSet(driver: Driver, work: (typeof WORK)[number], seed: number, rounds: number): Promise<Map<string, number>> {
  const { round, end } = await startArms(driver, work, seed);
  await round(0, work.settle);
  let operations = 1;
  while ((await round(0, operations)).get(BASE)! < TURN_NS / 2) operations *= 2;
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await round(i, operations);
  const ratios = new Map<string, number[]>();
  for (let i = 0; i < rounds; i++) {
    const cpuNs = await round(i, operations);
    for (const [name, ns] of cpuNs) ratios.set(name, [...(ratios.get(name) ?? []), ns / cpuNs.get(BASE)!]);
  }
  await end();
  return new Map([...ratios].filter(([name]) => name !== BASE).map(([name, list]) => [name, median(list)]));
}

export async function measureOutsideCycles(sets: number, rounds: number, seed: number): Promise<OutsideFigures[]> {
  const random = randomFrom(seed);
  const figures: OutsideFigures[] = [];
  for (const driver of ['native', 'javascript'] as const) {
    for (const work of WORK) {
      const medians: Map<string, number>[] = [];
      for (let set = 0; set < sets; set++) medians.push(await measureSet(driver, work, seed + set, rounds));
      const overSets = (name: string): Estimate => {
        const ratios = medians.map((set) => set.get(name)!);
        return medianWithInterval(ratios, random);
      };
      const ratios = Object.fromEntries([...medians[0]!.keys()].map((name) => [name, overSets(name)]));
      figures.push({ driver, workload: work.workload, ratios });
    }
  }
  return figures;
}

/** In a process of its own, since the mutators in C++ are in another addon than the published one. */
export function runOutsideCycles(quick: boolean): OutsideFigures[] {
  const words = [fileURLToPath(import.meta.url), ...(quick ? ['--quick'] : [])];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as OutsideFigures[];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  useBenchAddon();
  const figures = await (values.quick ? measureOutsideCycles(2, 50, 1) : measureOutsideCycles(12, 300, 1));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
