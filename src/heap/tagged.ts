/**
 * Tagged slots: fields and elements of kind `tagged` hold a reference or a small integer. The top bit of the u32 tells which: references
 * count words and stay below 2^31, so a slot that is negative as an i32 is an integer, in the other 31 bits.
 *
 * All functions take the value of a slot of the `u32` view; `i32[slot] < 0` means the same as {@link isSmallInteger}.
 */
import { argumentRangeError } from '../errors.ts';

/** The smallest integer that a tagged slot holds: -2^30. */
export const MIN_SMALL_INTEGER = -(2 ** 30);
/** The largest integer that a tagged slot holds: 2^30 - 1. */
export const MAX_SMALL_INTEGER = 2 ** 30 - 1;
const TAG = 0x8000_0000;

/** Whether the slot's value is a small integer; otherwise it is a reference, or null. */
export function isSmallInteger(slotValue: number): boolean {
  return slotValue >= TAG;
}

/** What to store in a tagged slot for `value`. Throws RangeError ERR_OPTION if it does not fit. */
export function tagSmallInteger(value: number): number {
  if (!Number.isInteger(value) || value < MIN_SMALL_INTEGER || value > MAX_SMALL_INTEGER) {
    throw argumentRangeError('a small integer', `an integer from -2^30 to 2^30 - 1`, value);
  }
  return (value | TAG) >>> 0;
}

/** The integer in a slot for which {@link isSmallInteger} is true. */
export function smallInteger(slotValue: number): number {
  return (slotValue << 1) >> 1;
}
