/**
 * Clock: the library's own. Taken once, when the library is loaded: programs put clocks of their own in the place of `performance.now` and
 * `Date.now` (tests with fake timers), and a wait that asked one of those might never end.
 */
const { timeOrigin } = performance;

/** Milliseconds since the process began; never goes back. */
export const clockMs: () => number = performance.now.bind(performance);

/** Milliseconds since 1970, for people and files. */
export const timeMs = (): number => timeOrigin + clockMs();
