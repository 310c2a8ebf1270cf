/**
 * Own threads: how this library starts threads of its own (the control thread, the GC workers). They are not the program's, but Node would
 * give them the program's preloads (`--import`, `--require`, the same in NODE_OPTIONS), other options, environment and standard output. A
 * preload that makes a heap would run in that heap's control thread and make another heap, without end; profilers and coverage tools would
 * write a file for each. So they get none of that: no options, and of the environment only what this library reads itself.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Environment variables with this prefix are ours. */
const OWN_PREFIX = 'FAULTLINE_';

/** @internal Options that keep the program's settings from a thread. */
export function ownThreadOptions() {
  return {
    execArgv: [] as string[],
    argv: [] as string[],
    env: Object.fromEntries(Object.entries(process.env).filter(([variable]) => variable.startsWith(OWN_PREFIX))),
    trackUnmanagedFds: false,
  } satisfies WorkerOptions;
}

/** @internal What the parent of an own thread is told, when its event loop turns. */
export interface OwnThreadListener {
  /** The error that ends it. */
  failed(error: Error): void;
  ended(): void;
}

/**
 * @internal Throws what Node throws if it does not start the thread at all.
 *
 * A `vm` time limit may cut this between any two steps, and then the thread is running or not. If it is, it must keep no event loop alive
 * and its errors must be heard like those of any other thread, so neither may depend on the end of Worker's constructor. That constructor
 * calls `on` of the new object before it starts the thread; that is where we get hold of the object.
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
  // Runs even if this function is cut short.
  setImmediate(release);
  try {
    made = new OwnThread(entry, {
      ...ownThreadOptions(),
      ...data,
      name,
      // Kept apart from the program's standard output: nothing is written to it, and nothing should appear there.
      stdout: true,
    });
  } finally {
    release();
  }
}
