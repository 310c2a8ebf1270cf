/**
 * Processor time: measures cost on a machine that does other things as well. All threads of the process count.
 */

/** Milliseconds of processor time that a run takes. */
export function processorMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Of the cheapest of three. */
export const leastProcessorMs = (run: () => void): number => Math.min(processorMs(run), processorMs(run), processorMs(run));
