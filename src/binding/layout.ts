/**
 * Layout: the constants that TypeScript shares with native/heap/layout.h, which gives the reason for each. They are asserted equal when the
 * first heap is used.
 */
import { binding } from '../binding.ts';
import { InvariantError } from '../errors.ts';

export const WORD_BYTES = 8;
export const PAGE_BYTES = 4096;
export const REGION_BYTES = 1 << 20;
/** 16 GiB: all that one Uint32Array can span on Node 20 (2^32 elements). */
export const MAX_REGIONS = 16384;
export const REGION_WORDS = REGION_BYTES / WORD_BYTES;
export const REGION_PAGES = REGION_BYTES / PAGE_BYTES;
export const PAGE_WORDS = PAGE_BYTES / WORD_BYTES;
export const LARGE_OBJECT_WORDS = REGION_WORDS / 2;
/** From this capacity on, objects without references have regions of their own. */
export const LEAST_SEPARATED_REGIONS = 8;
export const VIEW_ALIGNMENT_BYTES = 2 ** 30;
export const SHARED_ROOT_SLOTS = 2048;
/** This many come first and are the program's (`heap.roots`); the others are the library's (objects/shared-slots.ts). */
export const PROGRAM_ROOT_SLOTS = 1024;

/** The per-mutator control block, in u32 words. */
export const CONTROL_STATE = 0;
export const CONTROL_TLAB_TOP = 1;
export const CONTROL_TLAB_LIMIT = 2;
export const CONTROL_LOCALS_USED = 3;
export const CONTROL_HANDLES_USED = 4;
export const CONTROL_TLAB_START = 5;
export const CONTROL_LOGGING = 6;
export const CONTROL_LOG_USED = 7;
export const CONTROL_WEAK_ACCESS = 8;
export const CONTROL_LOAD_BARRIER = 9;
export const CONTROL_TEMPORARIES_USED = 10;
export const CONTROL_SCOPES = 11;
export const CONTROL_VALUE = 12;
export const CONTROL_SCOPED_VIEWS = 14;
/** Always zero: handles that lead nowhere point here. */
export const CONTROL_NULL_SLOT = 15;
/** Not 0: the mutator is known to its heap object. */
export const CONTROL_ADOPTED = 16;
export const CONTROL_LEAF_TLAB_TOP = 17;
const CONTROL_LEAF_TLAB_LIMIT = 18;
export const CONTROL_LEAF_TLAB_START = 19;
export const CONTROL_FIRST_TEMPORARY = 20;
export const CONTROL_SLOTS = 64;

/** The log of references that a mutator has overwritten, after the handle slots. */
export const LOG_ENTRIES = 1024;

/** Entries of one chunk of the finalizers' table. */
export const FINALIZER_ENTRIES = 1022;

/** The weak map object, in u32 slots. */
const WEAK_MAP_TABLE_SLOT = 2;
const WEAK_MAP_LOCK_SLOT = 3;
const WEAK_MAP_USED_SLOT = 4;

/** The array object, in u32 slots. */
export const ARRAY_SEGMENTS = 28;
const ARRAY_LOCK_SLOT = 30;
export const ARRAY_VERSION_SLOT = 31;
export const ARRAY_LENGTH_SLOT = 32;

export const MUTATOR_RUNNING = 1;
export const MUTATOR_STOP_REQUESTED = 2;
/** A stop was requested of another mutator of the same thread. */
export const MUTATOR_STOP_ELSEWHERE = 8;

const MIRRORED: Readonly<Record<string, number>> = {
  WORD_BYTES,
  PAGE_BYTES,
  REGION_BYTES,
  MAX_REGIONS,
  LARGE_OBJECT_WORDS,
  LEAST_SEPARATED_REGIONS,
  VIEW_ALIGNMENT_BYTES,
  SHARED_ROOT_SLOTS,
  CONTROL_STATE,
  CONTROL_TLAB_TOP,
  CONTROL_TLAB_LIMIT,
  CONTROL_LOCALS_USED,
  CONTROL_HANDLES_USED,
  CONTROL_TLAB_START,
  CONTROL_LOGGING,
  CONTROL_LOG_USED,
  CONTROL_WEAK_ACCESS,
  CONTROL_LOAD_BARRIER,
  FINALIZER_ENTRIES,
  WEAK_MAP_TABLE_SLOT,
  WEAK_MAP_LOCK_SLOT,
  WEAK_MAP_USED_SLOT,
  LOG_ENTRIES,
  CONTROL_TEMPORARIES_USED,
  CONTROL_SCOPES,
  CONTROL_VALUE,
  CONTROL_SCOPED_VIEWS,
  CONTROL_NULL_SLOT,
  CONTROL_ADOPTED,
  CONTROL_LEAF_TLAB_TOP,
  CONTROL_LEAF_TLAB_LIMIT,
  CONTROL_LEAF_TLAB_START,
  CONTROL_FIRST_TEMPORARY,
  CONTROL_SLOTS,
  ARRAY_SEGMENTS,
  ARRAY_LOCK_SLOT,
  ARRAY_VERSION_SLOT,
  ARRAY_LENGTH_SLOT,
  MUTATOR_RUNNING,
  MUTATOR_STOP_REQUESTED,
  MUTATOR_STOP_ELSEWHERE,
};

let asserted = false;

/** Throws InvariantError if the addon was built from another layout. */
export function assertLayout(): void {
  if (asserted) return;
  const native = binding().layout();
  for (const name of new Set([...Object.keys(MIRRORED), ...Object.keys(native)])) {
    if (native[name] !== MIRRORED[name]) {
      throw new InvariantError(`layout: ${name} is ${MIRRORED[name]} in TypeScript and ${native[name]} in the addon`);
    }
  }
  asserted = true;
}
