/**
 * Own threads: how this library starts threads of its own (the control thread, the GC workers). They are not the program's: Node would
 * hand them its preloads (`--import`, `--require`, the same in NODE_OPTIONS), its other options, its environment and its standard output.
 * A preload that makes a heap would run in that heap's control thread and make another one, without end; profilers and coverage would
 * write a file for each. So they get none of it: no options, and of the environment only what this library reads itself.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Environment variables with this prefix are ours. */
const OWN_PREFIX = 'FAULTLINE_';

/** @internal What keeps a thread from being the program's. */
export function ownThreadOptions() {
  return {
    execArgv: [] as string[],
    argv: [] as string[],
    env: Object.fromEntries(Object.entries(process.env).filter(([variable]) => variable.startsWith(OWN_PREFIX))),
    trackUnmanagedFds: false,
  } satisfies WorkerOptions;
}

/** @internal Throws what Node throws when it does not start the thread at all. */
export function startOwnThread(entry: URL, name: string, data: Pick<WorkerOptions, 'workerData' | 'transferList'>): Worker {
  const worker = new Worker(entry, {
    ...ownThreadOptions(),
    ...data,
    name,
    // Kept from the program's: nothing is written to it, and nobody would expect it there.
    stdout: true,
  });
  worker.unref();
  return worker;
}
