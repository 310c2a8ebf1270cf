/**
 * Shared slots: the library's own data for all threads of a heap, after the root slots of the program and in the same buffer. They are
 * outside the moving heap, so that Atomics work; the collector rewrites the root slots in its pauses.
 *
 *     index 0 … 1023   the program's root slots (heap.roots)
 *           1024       root of the intern table
 *           1025 …     roots of the objects of handle tokens
 *           2048 …     no roots: one stamp for each of these
 *           3071 …     no roots: words on which threads sleep (containers/parking-lot.ts)
 */
import { PROGRAM_ROOT_SLOTS, SHARED_ROOT_SLOTS } from '../binding/layout.ts';

const FIRST_TOKEN = PROGRAM_ROOT_SLOTS + 1;
/** Handle tokens that may be outstanding at once. */
const TOKEN_SLOTS = SHARED_ROOT_SLOTS - FIRST_TOKEN;

/** Words to sleep on; a power of two. */
const PARKING_WORDS = 256;
const FIRST_PARKING_WORD = SHARED_ROOT_SLOTS + TOKEN_SLOTS;

/** @internal */
export const SHARED_BYTES = (FIRST_PARKING_WORD + PARKING_WORDS) * 4;

/** @internal */
export class SharedSlots {
  /** One slot. */
  readonly internTable: Uint32Array;
  readonly offered: Uint32Array;
  readonly stamps: Uint32Array;
  readonly parkingWords: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.internTable = new Uint32Array(buffer, PROGRAM_ROOT_SLOTS * 4, 1);
    this.offered = new Uint32Array(buffer, FIRST_TOKEN * 4, TOKEN_SLOTS);
    this.stamps = new Uint32Array(buffer, SHARED_ROOT_SLOTS * 4, TOKEN_SLOTS);
    this.parkingWords = new Int32Array(buffer, FIRST_PARKING_WORD * 4, PARKING_WORDS);
  }
}
