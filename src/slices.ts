/**
 * Slices: how a JavaScript thread waits in native code. Every wait is cut into slices, and between two of them the thread is in
 * JavaScript, where it can be terminated.
 *
 * V8 looks for a termination request when a function is entered, but not at each turn of an interpreted loop: there only after
 * so many bytecodes, which at 20 ms a turn takes half a minute. Hence a slice is a function.
 */

/** How long one native wait lasts before the thread looks whether it is to end. */
export const SLICE_MS = 20;

/** Calls `slice` until it answers true. */
export function untilDone(slice: (sliceMs: number) => boolean): void {
  while (!slice(SLICE_MS));
}
