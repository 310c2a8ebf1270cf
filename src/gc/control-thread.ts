/**
 * Control thread: the entry of the worker thread on which a heap's collector runs. It is started by the thread that makes the heap, or by a
 * thread that needs a collection and finds no control thread (control-start.ts).
 *
 * The starter may be waiting for it without turning its event loop, and would not see an error event. So an error is also
 * posted to a port that can be read at any time; nothing but Node's own modules is loaded before that is set up.
 */
import { workerData } from 'node:worker_threads';
import type { ThreadError } from './control-failure.ts';
import type { ControlData } from './control-start.ts';

process.on('uncaughtExceptionMonitor', (error: ThreadError) => {
  const { code, message, permission, stack } = error;
  (workerData as ControlData).failures?.postMessage({ code, message, permission, stack } satisfies ThreadError);
});

await import('./control.js');
