/**
 * A thread of bench/outside-cycles.ts: heaps of several fault modes with the same live data, and a mutator on each, that do so many
 * operations when they are told to. No heap may collect meanwhile.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Heap, type HeapOptions } from 'faultline';
import { benchAddon } from './invocation/native.ts';
import type { ArmMode, ArmsData, FromArms, ToArms } from './outside-cycles.ts';
import { BarrieredMutator, BenchMutator } from './workloads/bench-mutator.ts';
import { WORKLOADS } from './workloads/index.ts';

interface Arm {
  readonly heap: Heap;
  /** Does so many operations; the CPU time of this thread that they took. */
  take(operations: number): number;
  /** How many checks failed. */
  end(): number;
}

const { driver, modes, workload, parameters, seed, capacityBytes } = workerData as ArmsData;
const addon = benchAddon();

async function makeArm({ mode, afterCycle }: ArmMode): Promise<Arm> {
  const heap = Heap.create({ capacityBytes, fault: mode as NonNullable<HeapOptions['fault']>, returnAfterMs: 0 });
  return driver === 'native' ? nativeArm(heap, afterCycle) : javaScriptArm(heap, mode, afterCycle);
}

async function nativeArm(heap: Heap, afterCycle: boolean): Promise<Arm> {
  const turns = addon.beginTurns(heap.token.id, { workload, parameters, tables: {}, seed });
  if (turns === null) throw new Error(`there are no native mutators for ${workload}`);
  if (afterCycle) await heap.collect({ kind: 'full' });
  return { heap, take: (operations) => addon.takeTurn(turns, operations), end: () => addon.endTurns(turns) };
}

function javaScriptArm(heap: Heap, mode: string, afterCycle: boolean): Arm {
  const mutator = heap.attachMutator();
  const memory = new (mode === 'load-barrier' ? BarrieredMutator : BenchMutator)(heap, mutator);
  const work = WORKLOADS.get(workload)!.onHeap(memory, parameters, seed, undefined);
  work.build();
  if (afterCycle) mutator.collect({ kind: 'full' });
  let next = 0;
  const take = (operations: number): number => {
    const begin = addon.threadCpuNs();
    for (const end = next + operations; next < end; next++) {
      work.step(next);
      mutator.poll();
    }
    return addon.threadCpuNs() - begin;
  };
  const end = (): number => {
    mutator.detach();
    return work.mismatches;
  };
  return { heap, take, end };
}

const arms: Arm[] = [];
let isForward = true;
for (const mode of modes) arms.push(await makeArm(mode));
const collections = (): number => arms.reduce((sum, { heap }) => sum + heap.statistics().collections.count, 0);
const before = collections();
const tell = (message: FromArms): void => parentPort!.postMessage(message);

parentPort!.on('message', async (message: ToArms) => {
  if (message.type === 'round') {
    const cpuNs: number[] = [];
    for (let i = 0; i < arms.length; i++) {
      const at = (message.first + (isForward ? i : arms.length - i)) % arms.length;
      cpuNs[at] = arms[at]!.take(message.operations);
    }
    isForward = !isForward;
    tell(cpuNs);
    return;
  }
  if (collections() !== before) throw new Error('a heap has collected: it was to be outside of all cycles');
  const mismatches = arms.reduce((sum, arm) => sum + arm.end(), 0);
  if (mismatches > 0) throw new Error(`${mismatches} checks found something else than was stored`);
  for (const { heap } of arms) await heap.close();
  parentPort!.close();
});
tell([]);
