/**
 * Object: where its header and its slots are, as indices into `mutator.u32` (native/heap/object.h is the same in C++). All TypeScript code
 * that reads objects word by word uses these functions, except the sources of views (objects/view-source.ts), which are text.
 *
 *     u32 slot   0          1               2 …       2 * fixedWords …
 *                shape id   element count   fields    elements
 *
 * Each is a call, and so a place where a thread can be interrupted: a sequence that must not be cut (docs/interruptions.md) computes its
 * indices before it begins.
 */
import type { Ref } from './units.ts';

/** The index of an object's u32 slot; slot 0 is the first of the header. */
export function slotOf(ref: Ref, slot: number): number {
  return ref * 2 + slot;
}

/** The number of the object's shape; 0 if the memory is not an object yet. */
export function shapeIdOf(u32: Uint32Array, ref: Ref): number {
  return u32[ref * 2]!;
}

/** The element count of an object whose shape has elements. */
export function elementCountOf(u32: Uint32Array, ref: Ref): number {
  return u32[ref * 2 + 1]!;
}

/** Makes zeroed memory an object. The count comes before the shape, because memory with shape 0 is not an object yet. */
export function writeHeader(u32: Uint32Array, ref: Ref, shapeId: number, count: number): void {
  u32[ref * 2 + 1] = count;
  u32[ref * 2] = shapeId;
}
