/**
 * Object: where its header and its slots are, as indices into `mutator.u32` (native/heap/object.h is the same in C++). Everything in
 * TypeScript that reads objects word by word does it by these, but for the sources of views (objects/view-source.ts), which are text.
 *
 *     u32 slot   0          1               2 …       2 * fixedWords …
 *                shape id   element count   fields    elements
 *
 * Each is a call, and so a place where a thread can be interrupted: what must not be cut (docs/interruptions.md) has its indices before it
 * begins.
 */
import type { Ref } from './units.ts';

/** The index of an object's u32 slot; 0 is the header's first. */
export function slotOf(ref: Ref, slot: number): number {
  return ref * 2 + slot;
}

/** The number of the object's shape; 0 when the memory is no object yet. */
export function shapeIdOf(u32: Uint32Array, ref: Ref): number {
  return u32[ref * 2]!;
}

/** Of a shape with elements. */
export function elementCountOf(u32: Uint32Array, ref: Ref): number {
  return u32[ref * 2 + 1]!;
}

/** Makes an object of zeroed memory. The count before the shape: 0 is no object yet. */
export function writeHeader(u32: Uint32Array, ref: Ref, shapeId: number, count: number): void {
  u32[ref * 2 + 1] = count;
  u32[ref * 2] = shapeId;
}
