/**
 * Value checks: what a numeric field accepts. A checked heap refuses values that do not fit; others truncate and convert them as typed
 * arrays do, and refuse only what those refuse.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import type { FieldType } from '../heap/definition.ts';

const RANGES: Readonly<Record<string, readonly [least: number | bigint, most: number | bigint]>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32_768, 32_767],
  u16: [0, 65_535],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/** @internal Throws TypeError or RangeError ERR_OPTION, with the place, if such a field cannot hold `value` unchanged. */
export function checkValue(type: FieldType, value: unknown, place: string): void {
  if (type === 'bool') {
    if (typeof value !== 'boolean') throw argumentTypeError(place, 'true or false', value);
    return;
  }
  const range = RANGES[type as string];
  if (range === undefined) {
    if (typeof value !== 'number') throw argumentTypeError(place, 'a number', value);
    return;
  }
  const [least, most] = range;
  const kind = typeof least;
  if (typeof value !== kind) throw argumentTypeError(place, kind === 'bigint' ? 'a BigInt' : 'a number', value);
  const number = value as number | bigint;
  if (number < least || number > most || (kind === 'number' && !Number.isInteger(number))) {
    throw argumentRangeError(place, `an integer from ${least} to ${most}`, value);
  }
}

/** @internal Converts a value that is not a number as a typed array does. Throws TypeError ERR_OPTION if that is not possible. */
export function toNumber(value: unknown, place: string): number {
  if (
    typeof value === 'symbol' ||
    typeof value === 'bigint' ||
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null)
  ) {
    throw argumentTypeError(place, 'a number', value);
  }
  return Number(value);
}

/** @internal The same for 64-bit integers, which accept booleans too. */
export function toBigInt(value: unknown, place: string): bigint {
  if (typeof value === 'boolean') return BigInt(value);
  throw argumentTypeError(place, 'a BigInt', value);
}
