/**
 * Worker entry: what piscina loads in the thread of a GC worker. It is CommonJS because piscina finds that by `require`; to an ES module it
 * gets by generating code, which a program may forbid (`--disallow-code-generation-from-strings`).
 */
import type { WorkerTask } from './worker.ts';

module.exports = async (task: WorkerTask): Promise<void> => (await import('./worker.ts')).serve(task);
