/**
 * Outside cycles: what the choice of the barrier costs a mutator while nothing is collected. Mutators do the same operations on heaps
 * that differ in the fault mode only, in turns of some milliseconds, in one process; every turn is compared with that of mode `none`,
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

/** What a thread is told. */
export interface ArmsData {
  readonly driver: Driver;
  readonly modes: readonly string[];
  readonly workload: string;
  readonly parameters: Parameters;
  readonly seed: number;
  readonly capacityBytes: number;
}

export type ToArms = { readonly type: 'turn'; readonly arm: number; readonly operations: number } | { readonly type: 'end' };
/** After it has begun, and after every turn. */
export interface FromArms {
  readonly cpuNs: number;
}

const BASE = 'none';
export const CONTROL_ARM = 'none, again';
/** By thread. */
const THREADS: Readonly<Record<Driver, readonly (readonly string[])[]>> = {
  native: [[BASE, 'sigbus', CONTROL_ARM, 'load-barrier']],
  javascript: [[BASE, 'sigbus', CONTROL_ARM], ['load-barrier']],
};

/**
 * Work that comes to a steady state in which nothing is allocated: a cache in which everything is found (references loaded and stored, values
 * read), and PageRank (references loaded). `settle` is how many operations lead there.
 */
const WORK = [
  {
    workload: 'lru',
    given: { keys: 20_000, limitBytes: 64 * 2 ** 20, writePercent: 0, ttlRequests: 1e9 },
    settle: 400_000,
  },
  { workload: 'graph', given: { vertices: 20_000, changesPerOperation: 0, rankEvery: 1 }, settle: 20 },
] as const;

const CAPACITY_BYTES = 128 * 2 ** 20;
const TURN_NS = 5e6;
const WARM_UP_ROUNDS = 8;

interface Arm {
  readonly name: string;
  take(operations: number): Promise<number>;
}

async function startArms(driver: Driver, { workload, given }: (typeof WORK)[number], seed: number) {
  const { parameters } = settingsOf(WORKLOADS.get(workload)!, given);
  const workers: Worker[] = [];
  const arms: Arm[] = [];
  for (const names of THREADS[driver]) {
    const modes = names.map((name) => (name === CONTROL_ARM ? BASE : name));
    const workerData: ArmsData = { driver, modes, workload, parameters, seed, capacityBytes: CAPACITY_BYTES };
    const worker = new Worker(new URL('./outside-cycles-thread.js', import.meta.url), { workerData });
    workers.push(worker);
    await once(worker, 'message');
    for (const [arm, name] of names.entries()) {
      const take = async (operations: number): Promise<number> => {
        worker.postMessage({ type: 'turn', arm, operations } satisfies ToArms);
        return ((await once(worker, 'message')) as [FromArms])[0].cpuNs;
      };
      arms.push({ name, take });
    }
  }
  const end = async (): Promise<void> => {
    for (const worker of workers) {
      worker.postMessage({ type: 'end' } satisfies ToArms);
      await once(worker, 'exit');
    }
  };
  return { arms, end };
}

/** The median over rounds of each arm's CPU time over that of the base. */
async function measureSet(driver: Driver, work: (typeof WORK)[number], seed: number, rounds: number): Promise<Map<string, number>> {
  const { arms, end } = await startArms(driver, work, seed);
  const base = arms.find(({ name }) => name === BASE)!;
  for (const arm of arms) await arm.take(work.settle);
  let operations = 1;
  for (let cpuNs = 0; cpuNs < TURN_NS / 2; operations *= 2) {
    for (const arm of arms) {
      const taken = await arm.take(operations);
      if (arm === base) cpuNs = taken;
    }
  }
  const ratios = new Map<string, number[]>(arms.map(({ name }) => [name, []]));
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    const cpuNs = new Map<string, number>();
    // In an order of its own: who goes before whom changes, and who goes first.
    const turned = arms.map((_, i) => arms[(i + round) % arms.length]!);
    for (const arm of round % 2 === 0 ? turned : turned.toReversed()) cpuNs.set(arm.name, await arm.take(operations));
    if (round < WARM_UP_ROUNDS) continue;
    for (const [name, list] of ratios) list.push(cpuNs.get(name)! / cpuNs.get(BASE)!);
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
      const ratios = [...medians[0]!.keys()].map((name) => [name, medianWithInterval(medians.map((set) => set.get(name)!), random)] as const);
      figures.push({ driver, workload: work.workload, ratios: Object.fromEntries(ratios) });
    }
  }
  return figures;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  useBenchAddon();
  const figures = await (values.quick ? measureOutsideCycles(2, 10, 1) : measureOutsideCycles(12, 40, 1));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
