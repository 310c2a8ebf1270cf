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

/** @internal What its parent hears of an own thread, when its event loop turns. */
export interface OwnThreadListener {
  /** The error that ends it. */
  failed(error: Error): void;
  ended(): void;
}

/**
 * @internal Throws what Node throws when it does not start the thread at all.
 *
 * A `vm` time limit may cut this between any two steps, and the thread is then running or not. If it is, it keeps no event loop alive and
 * its errors are heard like those of any other: so nothing of that waits for the end of Worker's constructor. Node's calls `on` of the
 * new object before it starts the thread; that is where we get hold of it.
 */
export function startOwnThread(
  entry: URL,
  name: string,
  data: Pick<WorkerOptions, 'workerData' | 'transferList'>,
  listener: OwnThreadListener,
): void {
  let made: Worker | undefined;
  class OwnThread extends Worker {
    override on(event: string | symbol, heard: Parameters<Worker['on']>[1]): this {
      made = this;
      return super.on(event, heard);
    }

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'error') listener.failed(args[0] as Error);
      if (event === 'exit') listener.ended();
      return event === 'error' || super.emit(event, ...args);
    }
  }
  const release = (): void => made?.unref();
  // Runs also when we are cut.
  setImmediate(release);
  try {
    made = new OwnThread(entry, {
      ...ownThreadOptions(),
      ...data,
      name,
      // Kept from the program's: nothing is written to it, and nobody would expect it there.
      stdout: true,
    });
  } finally {
    release();
  }
}
