/**
 * Workers: the GC threads of one heap, children of its control thread.
 *
 * They wait for a word, the turn, to change. While it is odd there is a collection, and they lend their threads to native code
 * (worker.ts); nothing is handed over when a job comes up, which would take as long as ten page faults.
 *
 *     turn   0      1            2      3            4   …   END
 *            idle   collection   idle   collection   idle    the thread ends
 *
 * The control thread writes the turn, with a store and a notify; the workers' wait is the partner. A worker that cannot start or that
 * ends is no reason to stop: the control thread does its share. It is replaced when the next collection begins, a few times.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { HeapToken } from '../heap/token.ts';
import { startOwnThread } from './own-thread.ts';

/** Threads that may fail, one after the other, before a heap goes on with those that it has. */
const MOST_FAILURES = 3;
/** A turn that does not come by itself. */
export const END_OF_TURNS = -1;

/** The GC workers of a heap: how many, and their niceness (0 to 19). */
export interface WorkerOptions {
  readonly count: number;
  /** See `workerNiceness` of the heap's options. */
  readonly niceness: number;
}

/** What a worker is given. */
export interface WorkerData {
  readonly token: HeapToken;
  /** Below 63 and different for every worker of a heap. */
  readonly worker: number;
  readonly turn: Int32Array;
}

export class Workers {
  readonly #token: HeapToken;
  readonly #degraded: (message: string) => void;
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  readonly #threads: (Worker | undefined)[];
  #failures = 0;

  /** `degraded` is told when there will be fewer of them than there should be. */
  constructor(token: HeapToken, degraded: (message: string) => void) {
    this.#token = token;
    this.#degraded = degraded;
    this.#threads = new Array<Worker | undefined>(token.workers.count).fill(undefined);
    this.#startMissing();
  }

  /** Sends every worker into native code. They arrive within a fraction of a millisecond, or later. The answer ends their turn. */
  engage(): () => void {
    this.#startMissing();
    this.#begin(this.#turn[0]! + 1);
    return () => this.#begin(this.#turn[0]! + 1);
  }

  /** Resolves when all of them have ended. One that is still loading is waited for: to end it earlier leaves a file open. */
  async close(): Promise<void> {
    this.#failures = MOST_FAILURES;
    this.#begin(END_OF_TURNS);
    const alive = this.#threads.filter((thread) => thread !== undefined);
    await Promise.all(
      alive.map((thread) => {
        thread.ref();
        return once(thread, 'exit');
      }),
    );
  }

  #begin(turn: number): void {
    Atomics.store(this.#turn, 0, turn);
    Atomics.notify(this.#turn, 0);
  }

  #startMissing(): void {
    for (let worker = 0; worker < this.#threads.length && this.#failures < MOST_FAILURES; worker++) {
      if (this.#threads[worker] === undefined) this.#start(worker);
    }
  }

  #start(worker: number): void {
    const data: WorkerData = { token: this.#token, worker, turn: this.#turn };
    try {
      const thread = startOwnThread(new URL('./worker.js', import.meta.url), `faultline-worker-${this.#token.id}-${worker}`, { workerData: data });
      this.#threads[worker] = thread;
      thread.on('error', (error) => this.#failed(error as Error));
      thread.on('exit', () => (this.#threads[worker] = undefined));
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #failed(error: Error): void {
    if (++this.#failures !== MOST_FAILURES) return;
    this.#degraded(
      `GC workers cannot be started (${error.message.split('\n')[0]}), so the collector works with those that it has, or alone; ` +
        'allow the process more threads, or ask for fewer workers (option workers)',
    );
  }
}
