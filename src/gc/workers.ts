/**
 * Workers: the GC threads of one heap, a piscina pool in the control thread.
 *
 * A task of this pool lasts a whole collection: handing a task over takes as long as ten page faults. While it lasts the
 * thread serves native jobs; the pool only decides that there are threads and how many.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { HeapToken } from '../heap/token.ts';
import type { WorkerTask } from './worker.ts';

/** How long threads that were just started may take to load before they are terminated all the same. */
const LOADING_PATIENCE_MS = 5_000;

/** The GC workers of a heap: how many, and their niceness (0 to 19). */
export interface WorkerOptions {
  readonly count: number;
  /** See `workerNiceness` of the heap's options. */
  readonly niceness: number;
}

export class Workers {
  readonly #pool: Piscina | undefined;
  #loaded: Promise<unknown> = Promise.resolve();
  readonly #count: number;
  readonly #token: HeapToken;
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));

  constructor(token: HeapToken) {
    this.#token = token;
    const { count } = token.workers;
    this.#count = count;
    if (count === 0) return;
    this.#pool = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: count,
      maxThreads: count,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // The pool tries require() before import(). A worker that is terminated while Node 20 loads an ES module by require() takes
      // the process down (a fatal error in IsGraphAsync); without that feature the pool goes on to import().
      execArgv: ['--no-experimental-require-module'],
    });
    this.#loaded = Promise.all(this.#pool.threads.map(hasLoaded));
  }

  /**
   * Sends every worker into native code. They arrive within a fraction of a millisecond, or later; nothing waits for them,
   * the control thread does what they do not. The answer ends their turn.
   */
  async engage(): Promise<() => void> {
    const generation = Atomics.add(this.#turn, 0, 1) + 1;
    const tasks: Promise<unknown>[] = [];
    for (let worker = 0; worker < this.#count; worker++) {
      const task: WorkerTask = { token: this.#token, worker, turn: this.#turn, generation };
      tasks.push(this.#pool!.run(task));
    }
    // A worker that cannot serve is no reason to stop: the control thread does its share. The pool replaces it.
    for (const task of tasks) task.catch(() => {});
    return () => void Atomics.add(this.#turn, 0, 1);
  }

  async close(): Promise<void> {
    Atomics.add(this.#turn, 0, 1);
    // A thread that is terminated while Node reads its modules leaves a file open, for as long as the process lives.
    const patience = new AbortController();
    const { signal } = patience;
    await Promise.race([this.#loaded, wait(LOADING_PATIENCE_MS, undefined, { signal }).catch(() => {})]);
    patience.abort();
    await this.#pool?.destroy();
  }
}

/** The pool's threads say a word when they have loaded their task. */
function hasLoaded(thread: Worker): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['message', 'error', 'exit']) thread.once(event, () => resolve());
  });
}
