/**
 * Mutator threads, seen from the main thread: starts them, watches them, stops them, and collects their reports.
 */
import { Worker } from 'node:worker_threads';
import { HeapError } from '../../errors.ts';
import type { Heap } from '../../heap/heap.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import {
  CONTROL_PRESSURE,
  CONTROL_STOP,
  CONTROLS,
  COUNTERS,
  type FromMutatorThread,
  type MutatorThreadData,
  type ThreadReport,
} from './messages.ts';

/** How long a thread may take to stop before it counts as stuck; that includes the collections of a full heap. */
const STOP_LIMIT_MS = 60_000;

export class MutatorThreads {
  readonly count: number;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROLS * 4));
  readonly #counters: Float64Array<SharedArrayBuffer>;
  readonly #workers: Worker[] = [];
  readonly #ready: Promise<void>[] = [];
  readonly #reports: Promise<ThreadReport>[] = [];
  #failure: unknown;
  #onFailure: () => void = () => {};

  constructor(heap: Heap, graph: ObjectGraph, count: number, seed: number) {
    this.count = count;
    this.#counters = new Float64Array(new SharedArrayBuffer(count * COUNTERS * 8));
    const shared = { token: heap.token, graph, seed, control: this.#control.buffer, counters: this.#counters.buffer };
    for (let thread = 0; thread < count; thread++) this.#start({ ...shared, thread });
  }

  /** Resolves when all threads are at work, or one has failed. */
  async ready(): Promise<void> {
    await Promise.allSettled(this.#ready);
  }

  /** Called when a thread has failed; `stop` is rejected with the reason then. */
  set onFailure(listener: () => void) {
    this.#onFailure = listener;
    if (this.#failure !== undefined) listener();
  }

  /** Whether threads are to make fewer copies instead of more. */
  set pressure(on: boolean) {
    Atomics.store(this.#control, CONTROL_PRESSURE, on ? 1 : 0);
  }

  /** The sum over all threads, a moment ago. */
  total(counter: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.count; thread++) sum += this.#counters[thread * COUNTERS + counter]!;
    return sum;
  }

  /** Lets all threads finish what they are doing, and detach. */
  async stop(): Promise<ThreadReport[]> {
    Atomics.store(this.#control, CONTROL_STOP, 1);
    const limit = setTimeout(() => {
      this.#fail(new Error(`a mutator thread did not stop within ${STOP_LIMIT_MS / 1000} s`));
      for (const worker of this.#workers) void worker.terminate();
    }, STOP_LIMIT_MS);
    try {
      return await Promise.all(this.#reports);
    } finally {
      clearTimeout(limit);
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
  }

  #start(data: MutatorThreadData): void {
    const worker = new Worker(new URL('./mutator-thread.js', import.meta.url), {
      name: `faultline-mutator-${data.thread}`,
      workerData: data,
      execArgv: [],
    });
    this.#workers.push(worker);
    const ready = new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromMutatorThread) => message.type === 'ready' && resolve());
      worker.on('error', reject);
      worker.on('exit', reject);
    });
    const report = new Promise<ThreadReport>((resolve, reject) => {
      worker.on('message', (message: FromMutatorThread) => {
        if (message.type === 'done') resolve(message.report);
        if (message.type === 'failed') reject(errorOf(message));
      });
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error(`mutator thread ${data.thread} ended without a report`)));
    });
    // A waiting caller gets the error; but there may be none yet.
    report.catch((error: unknown) => this.#fail(error));
    this.#ready.push(ready);
    this.#reports.push(report);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFailure();
  }
}

function errorOf(failed: Extract<FromMutatorThread, { type: 'failed' }>): HeapError {
  const { code, message, errno, syscall, figures } = failed;
  return new HeapError(code, message, {
    figures,
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
  });
}
