/**
 * Workers: the GC threads of one heap, a piscina pool in its control thread.
 *
 * Each has one task, which lasts as long as the heap: it waits for a word, the turn, to change. While the turn is odd there is a
 * collection, and the workers run native code (worker.ts). Passing a task for each collection would take as long as ten page faults.
 *
 *     turn   0      1            2      3            4   …   -1
 *            idle   collection   idle   collection   idle    the task ends
 *
 * The control thread writes the turn, with a store and a notify; the workers' wait is the partner. If a worker cannot start, or ends, the
 * heap goes on: the control thread does its share of the work. The worker is replaced when the next collection begins, a few times.
 */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { HeapToken } from '../heap/token.ts';
import { ownThreadOptions } from './own-thread.ts';
import type { WorkerTask } from './worker.ts';

const ENTRY = fileURLToPath(new URL('./worker-entry.cjs', import.meta.url));

const END_OF_TURNS = -1;

/** How many threads may fail in a row before a heap goes on with those that it has. */
const MOST_FAILURES = 3;

export class Workers {
  readonly #token: HeapToken;
  readonly #degraded: (message: string) => void;
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  readonly #pool: Piscina | undefined;
  readonly #tasks: (Promise<void> | undefined)[];
  #failures = 0;

  /** `degraded` is called if there will be fewer of them than there should be. */
  constructor(token: HeapToken, degraded: (message: string) => void) {
    const { count } = token.workers;
    this.#token = token;
    this.#degraded = degraded;
    this.#tasks = new Array<Promise<void> | undefined>(count).fill(undefined);
    if (count === 0) return;
    this.#pool = new Piscina({
      ...ownThreadOptions(),
      filename: ENTRY,
      // Threads are started for tasks only, so that each failure is the failure of a task.
      minThreads: 0,
      maxThreads: count,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerHistogram: false,
      recordTiming: false,
    });
    // A thread's failure rejects its task.
    this.#pool.on('error', () => {});
    this.#startMissing();
  }

  /** Sends every worker into native code, where it arrives within a fraction of a millisecond, or later. Returns what ends the turn. */
  engage(): () => void {
    this.#startMissing();
    this.#begin(this.#turn[0]! + 1);
    return () => this.#begin(this.#turn[0]! + 1);
  }

  /** Resolves when all of them have ended. Waits for one that is still loading: ending it earlier would leave a file open. */
  async close(): Promise<void> {
    this.#failures = MOST_FAILURES;
    this.#begin(END_OF_TURNS);
    await Promise.all(this.#tasks);
    await this.#pool?.destroy();
  }

  #begin(turn: number): void {
    Atomics.store(this.#turn, 0, turn);
    Atomics.notify(this.#turn, 0);
  }

  #startMissing(): void {
    for (let worker = 0; worker < this.#tasks.length && this.#failures < MOST_FAILURES; worker++) {
      this.#tasks[worker] ??= this.#run({ token: this.#token, worker, turn: this.#turn });
    }
  }

  async #run(task: WorkerTask): Promise<void> {
    try {
      await this.#pool!.run(task);
    } catch (error) {
      this.#failed(error as Error);
    }
    this.#tasks[task.worker] = undefined;
  }

  #failed(error: Error): void {
    if (++this.#failures !== MOST_FAILURES) return;
    this.#degraded(
      `GC workers cannot be started (${error.message.split('\n')[0]}), so the collector works with those that it has, or alone; ` +
        'allow the process more threads, or ask for fewer workers (option workers)',
    );
  }
}
