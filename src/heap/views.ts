/**
 * Views: typed arrays over the heap. All lie on one SharedArrayBuffer whose inside the addon has replaced by the mutator view;
 * index 0 of each is word 0 of the heap.
 */

/** Node 20 makes no view of more elements. */
const MAX_ELEMENTS_PER_VIEW = 2 ** 32;

export interface Views {
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

/** @internal */
export function makeViews(buffer: SharedArrayBuffer, byteOffset: number, bytes: number): Views {
  const count = (elementBytes: number): number => Math.min(bytes / elementBytes, MAX_ELEMENTS_PER_VIEW);
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
