/**
 * Clock: the library's own, taken once, when the library is loaded. Programs may replace `performance.now` (tests with fake timers), and a
 * wait that read such a clock might never end.
 */
const { timeOrigin } = performance;

/** Milliseconds since the thread began; never goes back. */
export const clockMs: () => number = performance.now.bind(performance);

/** The same since 1970. */
export const nowMs = (): number => timeOrigin + clockMs();

/** The value of {@link nowMs} at the moment from which {@link clockMs} counts. */
export const CLOCK_ORIGIN_MS = timeOrigin;

const sharedOriginMs = Number(process.hrtime.bigint()) / 1e6 - clockMs();

/** Milliseconds on the machine's own clock, which all threads share; never goes back. */
export const sharedClockMs = (): number => sharedOriginMs + clockMs();
