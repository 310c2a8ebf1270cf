/**
 * Control thread: the worker thread that a heap's collector lives on, as it begins. Started by whoever makes the heap, or by a thread
 * that needs a collection and finds that there is no control thread any more (control-start.ts).
 *
 * Whoever started it may be waiting for it without turning its event loop, and so hear nothing of an error here. So an error is also
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
