/**
 * Slices: how a JavaScript thread waits in native code. Every wait is cut into slices, and between two of them the thread is in
 * JavaScript, where it can be terminated.
 *
 * V8 checks for a termination request when a function is entered, but not at each turn of an interpreted loop: there only after a number of
 * bytecodes, which at 20 ms per turn takes half a minute. So a slice is a function.
 */

/** How long one native wait lasts before the thread checks whether it is to end. */
export const SLICE_MS = 20;

/** Calls `slice` until it returns true. */
export function untilDone(slice: (sliceMs: number) => boolean): void {
  while (!slice(SLICE_MS));
}
