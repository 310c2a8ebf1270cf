/**
 * Clock: every relation of one clock to another, in one place. All times of an invocation are ns of CLOCK_MONOTONIC as plain numbers, the
 * same in every thread and in native code; a reading takes about 40 ns.
 *
 * `performance.now()` is that clock too, counted from the begin of the thread. How far apart their zeros are is read off by readings of
 * the one between two of the other: the truth lies between the two, so the narrowest pair is the most exact one, however often the thread
 * loses its CPU meanwhile.
 */

const READINGS = 64;

const monotonicNs = (): number => Number(process.hrtime.bigint());

const threadOriginNs = ((): number => {
  // Loaded at its first use, which takes milliseconds.
  performance.now();
  let least = Number.POSITIVE_INFINITY;
  let originNs = 0;
  for (let i = 0; i < READINGS; i++) {
    const before = monotonicNs();
    const sinceOriginMs = performance.now();
    const after = monotonicNs();
    if (after - before >= least) continue;
    least = after - before;
    originNs = (before + after) / 2 - sinceOriginMs * 1e6;
  }
  return originNs;
})();

export function nowNs(): number {
  return threadOriginNs + performance.now() * 1e6;
}

/** The same clock for a time in milliseconds since this thread began (`performance.now()`, performance entries). */
export function fromThreadMs(ms: number): number {
  return threadOriginNs + ms * 1e6;
}

/** The same clock for a time in milliseconds since the epoch (events of a heap). */
export function fromEpochMs(ms: number): number {
  return fromThreadMs(ms - performance.timeOrigin);
}
