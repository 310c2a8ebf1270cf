/**
 * Time to safepoint: from the collector's request to stop until the last JavaScript mutator has stopped. The mutators read and write
 * fields and poll every few dozen accesses.
 *
 * The floor, in the same run: as many threads that poll a flag without any heap, and a thread that raises it, sleeps, and is woken by the
 * last of them. With more threads than CPUs the scheduler decides both: a thread that is not running cannot see a flag.
 */
import { Worker } from 'node:worker_threads';
import { Heap } from 'faultline';
import { TURN, type PollerData, STOP } from './poller.ts';

export interface SafepointFigures {
  readonly threads: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly floorP50Us: number;
  readonly floorP99Us: number;
}

export async function measureSafepoint(threads: number, stops: number): Promise<SafepointFigures> {
  const heap = Heap.create({ capacityBytes: '8M', fault: 'stw', workers: 0 });
  const onHeap = await startPollers(threads, heap);
  while (heap.statistics().pauses.timeToSafepoint.count < stops) await heap.collect({ kind: 'mark' });
  const { p50Us, p99Us } = heap.statistics().pauses.timeToSafepoint;
  await onHeap.end();
  await heap.close();

  const without = await startPollers(threads, undefined);
  const waits: number[] = [];
  for (let turn = 1; turn <= stops; turn++) waits.push(without.raise(turn));
  await without.end();
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))]!;
  return { threads, p50Us, p99Us, floorP50Us: at(0.5), floorP99Us: at(0.99) };
}

async function startPollers(threads: number, heap: Heap | undefined) {
  const shared = new SharedArrayBuffer(16);
  const flag = new Int32Array(shared);
  const workers = Array.from({ length: threads }, () => {
    const data: PollerData = { shared, token: heap?.token };
    return new Worker(new URL('./poller.js', import.meta.url), { workerData: data });
  });
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  return {
    /** In microseconds. */
    raise(turn: number): number {
      const begin = performance.now();
      Atomics.store(flag, 1, threads);
      Atomics.store(flag, TURN, turn);
      for (let left = threads; left > 0; left = Atomics.load(flag, 1)) Atomics.wait(flag, 1, left, 50);
      return (performance.now() - begin) * 1000;
    },
    async end(): Promise<void> {
      Atomics.store(flag, STOP, 1);
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
    },
  };
}
