/**
 * Ballast: a heap of any size, although the library's are whole regions: what a configuration has less than those is filled with data that
 * lives as long as the heap. So sizes that are multiples of a minimum heap are what they are said to be.
 */
import type { Heap, Mutator, Shape } from 'faultline';

/** Of each object: small enough that it fits between others. */
const PIECE_BYTES = 8192;
const HEADER_BYTES = 8;

export class Ballast {
  /** How much of the heap it takes. */
  readonly bytes: number;
  readonly #mutator: Mutator | undefined;

  /** Fills the heap until `heapBytes` are left, to the piece. The calling thread stays a mutator, parked, until {@link drop}. */
  constructor(heap: Heap, heapBytes: number) {
    const pieces = Math.floor((heap.statistics().capacityBytes - heapBytes) / PIECE_BYTES);
    this.bytes = pieces * PIECE_BYTES;
    if (pieces === 0) return;
    const piece = heap.defineShape({ name: 'bench.ballast', elements: 'f64' }) as Shape;
    this.#mutator = heap.attachMutator();
    const range = this.#mutator.createRootRange(pieces);
    range.used = pieces;
    for (let i = 0; i < pieces; i++) range.slots[i] = this.#mutator.allocate(piece, (PIECE_BYTES - HEADER_BYTES) / 8);
    this.#mutator.park();
  }

  drop(): void {
    this.#mutator?.detach();
  }
}
