/**
 * Limits: for each kind of number the smallest and the largest, values whose bytes all differ, and special values.
 */
export const NUMBER_LIMITS = {
  i8: [-128, 127, 0x12],
  u8: [0, 255, 0x12],
  i16: [-32768, 32767, 0x1234],
  u16: [0, 65535, 0x1234],
  i32: [-(2 ** 31), 2 ** 31 - 1, 0x12345678],
  u32: [0, 2 ** 32 - 1, 0x12345678],
  f32: [-Infinity, Math.fround(Math.PI), -0, NaN],
  f64: [Number.MIN_VALUE, Number.MAX_VALUE, NaN, -0],
  i64: [-(2n ** 63n), 2n ** 63n - 1n, 0x123456789abcdef0n],
  u64: [0n, 2n ** 64n - 1n, 0x123456789abcdef0n],
} as const;
