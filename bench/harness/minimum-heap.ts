/**
 * Minimum heap: the smallest heap in which a workload runs to completion, by bisection. Every heap size of a sweep is a multiple of it,
 * so that curves of different workloads compare.
 *
 *     double, from 4 MiB, until it completes    →    halve the range until its ends are 64 KiB or 2 % apart
 *
 * Near the minimum a size completes at times and at times not. So it must complete `confirmations` times in a row to count.
 */

export interface BisectionOptions {
  /** How often a size must complete to count. */
  readonly confirmations: number;
  /** Where doubling ends. */
  readonly limitBytes: number;
  /** 0.02 unless told: the range is narrow enough. */
  readonly tolerance?: number;
}

const FIRST_BYTES = 4 * 2 ** 20;
/** No size is told more exactly; what a heap rounds its size to is taken up by ballast (bench/invocation/ballast.ts). */
const GRAIN_BYTES = 64 * 2 ** 10;

/** What a search found; `bytes` is undefined if not even `limitBytes` is enough. */
export interface MinimumHeap {
  readonly bytes: number | undefined;
  /** How many invocations it took. */
  readonly invocations: number;
}

/** `completes` runs the workload once in a heap of that many bytes; a multiple of {@link GRAIN_BYTES}. */
export async function findMinimumHeap(
  completes: (heapBytes: number) => Promise<boolean>,
  { confirmations, limitBytes, tolerance = 0.02 }: BisectionOptions,
): Promise<MinimumHeap> {
  let invocations = 0;
  const enough = async (heapBytes: number): Promise<boolean> => {
    for (let i = 0; i < confirmations; i++) {
      invocations++;
      if (!(await completes(heapBytes))) return false;
    }
    return true;
  };
  let low = 0;
  let high = Math.min(FIRST_BYTES, limitBytes);
  while (!(await enough(high))) {
    if (high >= limitBytes) return { bytes: undefined, invocations };
    low = high;
    high = Math.min(2 * high, limitBytes);
  }
  while (high - low > Math.max(GRAIN_BYTES, tolerance * high)) {
    const middle = Math.round((low + high) / 2 / GRAIN_BYTES) * GRAIN_BYTES;
    if (middle <= low || middle >= high) break;
    if (await enough(middle)) high = middle;
    else low = middle;
  }
  return { bytes: high, invocations };
}
