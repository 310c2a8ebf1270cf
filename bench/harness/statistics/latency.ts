/**
 * Latency of requests, in three ways, as DaCapo Chopin tells it:
 *
 *     simple             end − start, as measured
 *     metered, 100 ms    as if requests had come evenly within 100 ms around each, so that requests queued behind a pause wait too
 *     metered, full      as if they had come evenly over the whole run
 *
 * A closed loop issues no request while one is held up, and so hides a pause from all requests but one: metering puts back those
 * that would have come. In an open loop `start` is the moment the schedule says, whether or not the system was ready then, and
 * simple latency is already free of coordinated omission.
 */

/** Ascending by start. */
export interface Requests {
  readonly startsNs: Float64Array;
  readonly endsNs: Float64Array;
}

export const METERED_WINDOW_NS = 100e6;

export function simpleLatencies({ startsNs, endsNs }: Requests): Float64Array {
  return startsNs.map((start, i) => endsNs[i]! - start);
}

/**
 * Each request starts at the earlier of its own start and the smoothed one: where it would stand if the requests from half a window before
 * it to the first that begins half a window after it, or later, were evenly spaced. `windowNs` may be `Infinity`. Cost: linear.
 */
export function meteredLatencies({ startsNs, endsNs }: Requests, windowNs: number): Float64Array {
  let first = 0;
  let last = 0;
  return startsNs.map((start, i) => {
    while (startsNs[first]! < start - windowNs / 2) first++;
    while (last < startsNs.length - 1 && startsNs[last]! < start + windowNs / 2) last++;
    const intervalNs = last === first ? 0 : (startsNs[last]! - startsNs[first]!) / (last - first);
    const smoothed = startsNs[first]! + (i - first) * intervalNs;
    return endsNs[i]! - Math.min(start, smoothed);
  });
}
