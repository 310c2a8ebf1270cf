/**
 * Litter: data that soon becomes garbage: most of it at once, some after a while, so that it dies among objects that live on; and one large
 * array at a time, which has regions of its own.
 */
import { LARGE_OBJECT_WORDS, REGION_BYTES, WORD_BYTES } from '../../binding/layout.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { RootRange } from '../../heap/root-range.ts';
import type { Checker } from './checker.ts';
import { payloadAt, PAYLOAD_ELEMENTS_SLOT, type RunShapes } from './object-layout.ts';
import type { Random } from './random.ts';

/** Pieces that are kept for a while; each new one replaces an old one. */
const KEPT_PIECES = 512;
/** The large array's root slot comes after theirs. */
const LARGE = KEPT_PIECES;
const PIECES_AT_ONCE = 16;
const SMALL_ELEMENTS = 64;
const MEDIUM_ELEMENTS = 4096;
const MEDIUM_ODDS = 64;
/** A thread's large array takes at most this share of the heap. */
const LARGE_SHARE = 1 / 64;
const LEAST_LARGE_ELEMENTS = (LARGE_OBJECT_WORDS * WORD_BYTES) / 4;
const LARGEST_ELEMENTS = REGION_BYTES;

export class Litter {
  readonly #mutator: Mutator;
  readonly #shapes: RunShapes;
  readonly #checker: Checker;
  readonly #random: Random;
  readonly #pieces: RootRange;
  readonly #elements = new Uint32Array(KEPT_PIECES + 1);
  readonly #mostLargeElements: number;

  constructor(mutator: Mutator, shapes: RunShapes, checker: Checker, random: Random, capacityBytes: number) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.#checker = checker;
    this.#random = random;
    this.#pieces = mutator.createRootRange(KEPT_PIECES + 1);
    this.#pieces.used = KEPT_PIECES + 1;
    this.#mostLargeElements = Math.min(LARGEST_ELEMENTS, Math.floor((capacityBytes * LARGE_SHARE) / 4));
  }

  /** Makes some pieces, of which the last is kept for a while; returns how many. A safepoint. */
  scatter(): number {
    const random = this.#random;
    for (let piece = 1; piece < PIECES_AT_ONCE; piece++) this.#mutator.allocate(this.#shapes.litter, random.below(SMALL_ELEMENTS));
    const most = random.below(MEDIUM_ODDS) === 0 ? MEDIUM_ELEMENTS : SMALL_ELEMENTS;
    this.#replace(random.below(KEPT_PIECES), 1 + random.below(most));
    return PIECES_AT_ONCE;
  }

  /** Returns 1 if the heap has room for large arrays, otherwise 0. A safepoint. */
  replaceLargeArray(): number {
    const range = this.#mostLargeElements - LEAST_LARGE_ELEMENTS;
    if (range <= 0) return 0;
    this.#replace(LARGE, LEAST_LARGE_ELEMENTS + this.#random.below(range));
    return 1;
  }

  drop(): void {
    this.#pieces.slots.fill(0);
  }

  /** Each piece contains its number in its first and its last element. */
  #replace(piece: number, elements: number): void {
    this.#check(piece);
    this.#pieces.slots[piece] = 0;
    const ref = this.#mutator.allocate(this.#shapes.litter, elements);
    const { u32 } = this.#mutator;
    const first = ref * 2 + PAYLOAD_ELEMENTS_SLOT;
    u32[first] = u32[first + elements - 1] = payloadAt(piece, elements);
    this.#pieces.slots[piece] = ref;
    this.#elements[piece] = elements;
  }

  #check(piece: number): void {
    const ref = this.#pieces.slots[piece]!;
    if (ref === 0) return;
    const { u32 } = this.#mutator;
    const checker = this.#checker;
    const elements = this.#elements[piece]!;
    const expected = payloadAt(piece, elements);
    const first = ref * 2 + PAYLOAD_ELEMENTS_SLOT;
    checker.checks++;
    if (u32[ref * 2] !== this.#shapes.litter.id) checker.report('shape of litter', this.#shapes.litter.id, u32[ref * 2], ref);
    else if (u32[ref * 2 + 1] !== elements) checker.report('count of litter', elements, u32[ref * 2 + 1], ref);
    else if (u32[first] !== expected) checker.report('start of litter', expected, u32[first], ref);
    else if (u32[first + elements - 1] !== expected) checker.report('end of litter', expected, u32[first + elements - 1], ref);
  }
}
