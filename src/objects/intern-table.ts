/**
 * Intern table: one string object for each text, for all threads of a heap. A hash trie in the heap itself, so that it moves and is
 * kept alive like everything else, without a lock, so that no thread that ends in the middle leaves it unusable.
 *
 *     root slot ──▶ node: 32 references, each  0              nothing with these five bits of the hash
 *                                              ──▶ string     the only one with them
 *                                              ──▶ node       several; the next five bits tell them apart
 *
 * Each change is one compare-and-swap of one reference: 0 to a string, a string to a node that holds it, a string to 0. Nodes are
 * never taken out. Hence an operation takes effect at its compare-and-swap, or at the load that found the string.
 *
 * What is compared and swapped cannot be something else with the same number: nothing moves and no memory is reused between two
 * safepoints of this thread. Allocations come first, and where they happen the way down starts anew.
 */
import { type HashKey, KeyedHash } from '../heap/keyed-hash.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { Strings } from './strings.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';

const INTERN_NODE = { name: 'faultline.intern-node', elements: 'ref' } as const satisfies ShapeDefinition;

const BITS = 5;
const WIDTH = 1 << BITS;
/** Levels that one 32-bit hash serves; below them comes another variant of it, so that two texts part somewhere. */
const LEVELS_PER_HASH = 6;

/** Where a text is, or would be. */
interface Place {
  /** Index into u32. */
  readonly slot: number;
  readonly level: number;
  /** The string there, or 0. */
  readonly found: Ref;
  readonly isText: boolean;
}

/** @internal */
export class InternTable {
  readonly #mutator: Mutator;
  readonly #strings: Strings;
  readonly #shapes: ShapeTable;
  readonly #root: Uint32Array;
  readonly #key: HashKey;
  /** By group of levels. */
  readonly #hashes: KeyedHash[] = [];
  #nodeShape: Shape | undefined;

  constructor(mutator: Mutator, strings: Strings, shapes: ShapeTable, root: Uint32Array, key: HashKey) {
    this.#mutator = mutator;
    this.#strings = strings;
    this.#shapes = shapes;
    this.#root = root;
    this.#key = key;
  }

  /** The string of that text; made if there is none. A safepoint. */
  intern(text: string): Ref {
    const mutator = this.#mutator;
    // A loop that only meets known texts must not hold up a pause.
    mutator.poll();
    const known = this.#find(text);
    if (known?.isText) return known.found;
    // There is no safepoint between the end of the insertion and the caller.
    return mutator.operation(() => this.#insert(text, mutator.temporary(this.#strings.allocate(text)), mutator.temporary(0)));
  }

  /** Takes the text out; whether it was there. No safepoint. */
  drop(text: string): boolean {
    for (;;) {
      const place = this.#find(text);
      if (place === undefined || !place.isText) return false;
      if (this.#mutator.compareExchangeReference(place.slot, place.found, 0)) return true;
    }
  }

  #insert(text: string, made: ReferenceHandle, node: ReferenceHandle): Ref {
    const mutator = this.#mutator;
    for (;;) {
      const place = this.#find(text);
      if (place === undefined) {
        this.#plantRoot();
      } else if (place.isText) {
        return place.found;
      } else if (place.found === 0) {
        const ref = mutator.get(made);
        if (mutator.compareExchangeReference(place.slot, 0, ref)) return ref;
      } else {
        this.#deepen(text, node);
      }
    }
  }

  /** Puts a node with nothing but the string there in the place of a string of another text. */
  #deepen(text: string, node: ReferenceHandle): void {
    const mutator = this.#mutator;
    mutator.set(node, mutator.allocate(this.#shape(), WIDTH));
    const place = this.#find(text);
    if (place === undefined || place.found === 0 || place.isText) return;
    const level = place.level + 1;
    const digit = digitOf(this.#hashOf(this.#strings.load(place.found), level), level);
    const at = mutator.get(node);
    mutator.u32[this.#slot(at, digit)] = place.found;
    mutator.compareExchangeReference(place.slot, place.found, at);
  }

  #plantRoot(): void {
    const node = this.#mutator.allocate(this.#shape(), WIDTH);
    Atomics.compareExchange(this.#root, 0, 0, node);
  }

  /** The way down. No safepoint. Undefined while there is no root. */
  #find(text: string): Place | undefined {
    const { u32 } = this.#mutator;
    const nodeId = this.#shape().id;
    let node = Atomics.load(this.#root, 0);
    if (node === 0) return undefined;
    let hash = 0;
    for (let level = 0; ; level++) {
      if (level % LEVELS_PER_HASH === 0) hash = this.#hashOf(text, level);
      const slot = this.#slot(node, digitOf(hash, level));
      // Acquire: pairs with the compare-and-swap that put it there, so what it leads to is complete.
      const found = Atomics.load(u32, slot);
      if (found === 0) return { slot, level, found, isText: false };
      if (shapeIdOf(u32, found) !== nodeId) return { slot, level, found, isText: this.#strings.isText(found, text) };
      node = found;
    }
  }

  /** The hash of a text that serves that level. */
  #hashOf(text: string, level: number): number {
    const group = Math.floor(level / LEVELS_PER_HASH);
    return (this.#hashes[group] ??= new KeyedHash(this.#key, group)).ofText(text);
  }

  #slot(node: Ref, digit: number): number {
    return slotOf(node, this.#shape().elementsOffset + digit);
  }

  #shape(): Shape {
    return (this.#nodeShape ??= this.#shapes.define(INTERN_NODE));
  }
}

function digitOf(hash: number, level: number): number {
  return (hash >>> ((level % LEVELS_PER_HASH) * BITS)) & (WIDTH - 1);
}
