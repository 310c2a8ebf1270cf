/**
 * Threads: worker threads that share a test's heap. An error in one of them fails the test.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach } from 'vitest';
import { workerFile } from './children.ts';
import type { HeapToken } from './faultline.ts';

const running = new Set<Worker>();

afterEach(async () => {
  await Promise.all([...running].map((worker) => worker.terminate()));
});

/** Threads that work until they are told to stop, together. */
export class Threads {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #ready: Promise<unknown>[] = [];
  readonly #results: Promise<unknown>[] = [];
  readonly workers: Worker[] = [];

  start(token: HeapToken, task: string, data: Record<string, unknown> = {}): Worker {
    const worker = new Worker(workerFile('mutator-worker'), { workerData: { token, task, stop: this.#stop, data } });
    running.add(worker);
    const ready = withResolvers<void>();
    const result = withResolvers<unknown>();
    worker.on('message', (message: { ready?: true; result?: unknown }) => {
      if (message.ready) ready.resolve();
      else result.resolve(message.result);
    });
    worker.on('error', (error) => {
      ready.reject(error);
      result.reject(error);
    });
    worker.on('exit', (code) => {
      running.delete(worker);
      const error = new Error(`a ${task} thread ended with code ${code} before its work was done`);
      ready.reject(error);
      result.reject(error);
    });
    ready.promise.catch(() => {});
    result.promise.catch(() => {});
    this.#ready.push(ready.promise);
    this.#results.push(result.promise);
    this.workers.push(worker);
    return worker;
  }

  /** All are at work. */
  async ready(): Promise<void> {
    await Promise.all(this.#ready);
  }

  /** Ends all of them; what each has to say. */
  async finish<T>(): Promise<T[]> {
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    const results = await Promise.all(this.#results);
    await Promise.all(this.workers.map((worker) => (running.has(worker) ? once(worker, 'exit') : undefined)));
    return results as T[];
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
