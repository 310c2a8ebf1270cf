/**
 * Clock: the library's own, taken once, when the library is loaded. Programs put clocks of their own in the place of `performance.now`
 * (tests with fake timers), and a wait that asked one of those might never end.
 */
const { timeOrigin } = performance;

/** Milliseconds since the thread began; never goes back. */
export const clockMs: () => number = performance.now.bind(performance);

/** The same since 1970. */
export const nowMs = (): number => timeOrigin + clockMs();

/** What {@link nowMs} gives at the moment that {@link clockMs} counts from. */
export const CLOCK_ORIGIN_MS = timeOrigin;
