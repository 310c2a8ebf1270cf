/**
 * Words: the heap as typed arrays. All are on one SharedArrayBuffer, in which the addon has mapped the mutator view; index 0 of each is
 * word 0 of the heap.
 */

/** Node 20 does not make typed arrays with more elements. */
const MAX_ELEMENTS = 2 ** 32;

/** @internal The array of each kind of data. */
export const ARRAY_CLASSES = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;

/** Typed arrays over one heap, all of the same memory. */
export class Words {
  /** The heap as signed bytes; ends where {@link u8} does. */
  readonly i8: Int8Array;
  /** Bytes of the heap; on Node 20 an array of bytes reaches the first 4 GiB only. */
  readonly u8: Uint8Array;
  /** The heap as signed 16-bit numbers; the first 8 GiB on Node 20. */
  readonly i16: Int16Array;
  /** The heap as unsigned 16-bit numbers; the first 8 GiB on Node 20. */
  readonly u16: Uint16Array;
  /** The heap as signed 32-bit numbers. */
  readonly i32: Int32Array;
  /** The heap as u32 slots: headers and references. Reaches all of it. */
  readonly u32: Uint32Array;
  /** The heap as 32-bit floating point. */
  readonly f32: Float32Array;
  /** The heap as 64-bit floating point; a raw reference is the index of an object's header. */
  readonly f64: Float64Array;
  /** The heap as signed 64-bit integers. */
  readonly i64: BigInt64Array;
  /** The heap as unsigned 64-bit integers. */
  readonly u64: BigUint64Array;

  /** @internal */
  constructor(words: Words) {
    ({ i8: this.i8, u8: this.u8, i16: this.i16, u16: this.u16, i32: this.i32 } = words);
    ({ u32: this.u32, f32: this.f32, f64: this.f64, i64: this.i64, u64: this.u64 } = words);
  }
}

/** @internal */
export function makeWords(buffer: SharedArrayBuffer, byteOffset: number, bytes: number): Words {
  const count = (elementBytes: number): number => Math.min(bytes / elementBytes, MAX_ELEMENTS);
  return {
    i8: new Int8Array(buffer, byteOffset, count(1)),
    u8: new Uint8Array(buffer, byteOffset, count(1)),
    i16: new Int16Array(buffer, byteOffset, count(2)),
    u16: new Uint16Array(buffer, byteOffset, count(2)),
    i32: new Int32Array(buffer, byteOffset, count(4)),
    u32: new Uint32Array(buffer, byteOffset, count(4)),
    f32: new Float32Array(buffer, byteOffset, count(4)),
    f64: new Float64Array(buffer, byteOffset, count(8)),
    i64: new BigInt64Array(buffer, byteOffset, count(8)),
    u64: new BigUint64Array(buffer, byteOffset, count(8)),
  };
}
