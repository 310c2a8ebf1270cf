/**
 * What the tests of the objects level share: a shape with every kind of field, and each kind's limits.
 */
import { expect } from 'vitest';
import { array, definition, ref } from '../support/faultline.ts';
import { NUMBER_LIMITS } from '../support/limits.ts';

export const LEAF = definition({ name: 'leaf', fields: { number: 'u32' } });

export const EVERYTHING = definition({
  name: 'everything',
  fields: {
    i8: 'i8',
    u8: 'u8',
    i16: 'i16',
    u16: 'u16',
    i32: 'i32',
    u32: 'u32',
    f32: 'f32',
    f64: 'f64',
    i64: 'i64',
    u64: 'u64',
    bool: 'bool',
    any: 'ref',
    leaf: ref(LEAF),
    self: 'self',
    text: 'string',
    numbers: array('i16', 5),
    flags: array('bool', 3),
    leaves: array(ref(LEAF), 2),
    large: array('u64', 2),
  },
});

/** Values of every kind but strings and references. */
export const LIMITS = { ...NUMBER_LIMITS, bool: [true, false] } as const;

export type LimitedKind = keyof typeof LIMITS;
export const LIMITED_KINDS = Object.keys(LIMITS) as LimitedKind[];

/** One value beyond each end, and one of the wrong type. */
export const BEYOND: Readonly<Partial<Record<LimitedKind, readonly unknown[]>>> = {
  i8: [-129, 128, 0.5, '1', NaN],
  u8: [-1, 256, 1.5, 1n],
  i16: [-32769, 32768],
  u16: [-1, 65536],
  i32: [-(2 ** 31) - 1, 2 ** 31],
  u32: [-1, 2 ** 32],
  f32: ['1', 1n, undefined],
  f64: [null, true],
  i64: [-(2n ** 63n) - 1n, 2n ** 63n, 1],
  u64: [-1n, 2n ** 64n, 1],
  bool: [0, 1, 'true'],
};

export const code = (expected: string): unknown => expect.objectContaining({ code: expected });
