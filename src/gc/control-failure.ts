/**
 * Control failure: why a heap's control thread cannot start, or does not last, as one sentence with a remedy. A pure function of the error
 * and of the runtime, so that tests can pass others.
 */
import { HeapError } from '../errors.ts';

/** @internal What is known about an error that ended the thread, or kept it from starting. */
export interface ThreadError {
  readonly code?: string | undefined;
  readonly message: string;
  /** The permission of Node's permission model that is missing. */
  readonly permission?: string | undefined;
  readonly stack?: string | undefined;
}

/** @internal */
export interface ControlFailure {
  /** What is wrong and what to do about it, as text to follow a colon. */
  readonly reason: string;
  /** Another try would fail too. */
  readonly final: boolean;
}

const UNKNOWN = 'it ended before it could say why; look at the limits of the process (ulimit -v, -u, -n, --max-old-space-size)';

const FILES =
  'the collector loads files of this package, which a bundler leaves out: keep faultline outside of the bundle (external), so that it is ' +
  'loaded from node_modules';

/** @internal */
export function controlFailure(
  error: ThreadError,
  runtime: Readonly<Record<string, string | undefined>> = process.versions,
): ControlFailure {
  const [text = ''] = error.message.split('\n');
  const other = runtime['deno'] !== undefined ? 'Deno' : runtime['bun'] !== undefined ? 'Bun' : undefined;
  if (other !== undefined)
    return { final: true, reason: `this is ${other} (${text}); Faultline's threads need Node, so run the program with Node` };
  switch (error.code) {
    case 'ERR_ACCESS_DENIED':
      return error.permission === 'FileSystemRead'
        ? {
            final: true,
            reason: "Node's permission model does not let it read its files; add --allow-fs-read for the folder of this package",
          }
        : { final: true, reason: "Node's permission model forbids worker threads; start Node with --allow-worker" };
    case 'ERR_DLOPEN_DISABLED':
      return { final: true, reason: "Node's permission model forbids native addons in it; start Node with --allow-addons" };
    case 'MODULE_NOT_FOUND':
      return { final: true, reason: `${/'(.+)'/.exec(text)?.[1] ?? text} is missing; ${FILES}` };
    case 'ERR_MODULE_NOT_FOUND':
      return { final: true, reason: `${text}; ${FILES}` };
    case 'ERR_WORKER_INIT_FAILED':
      return {
        final: false,
        reason: `the system gives the process no more threads or descriptors (${text}); raise ulimit -u and -n, or the container's pids limit`,
      };
    case 'ERR_WORKER_OUT_OF_MEMORY':
      return { final: false, reason: 'V8 had too little memory for it; raise --max-old-space-size, which holds for every thread' };
    default:
      return { final: false, reason: `it ended with an error (${text})` };
  }
}

/** @internal `reason`: that of the last failure. */
export function noCollector(reason: string): HeapError {
  return new HeapError('ERR_COLLECTOR_MISSING', `the heap has no collector, because its thread cannot be started: ${reason || UNKNOWN}.`);
}
