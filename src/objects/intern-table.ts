/**
 * Intern table: one string object for each text, for all threads of a heap. A hash trie in the heap itself, so that it moves and is kept
 * alive like everything else; without a lock, so that a thread that ends in the middle never leaves it unusable.
 *
 *     root slot ──▶ node: 32 references, each  0              no string with these five bits of the hash
 *                                              ──▶ string     the only one with them
 *                                              ──▶ node       several; the next five bits tell them apart
 *
 * Each change is one compare-and-swap of one reference: 0 to a string, a string to a node that holds it, a string to 0. Nodes are never
 * removed. So an operation takes effect at its compare-and-swap, or at the load that found the string.
 *
 * A reference that compares equal cannot refer to another object: nothing moves and no memory is reused between two safepoints of this
 * thread. Allocations come first; after one, the search starts anew from the root.
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
/** Levels that one 32-bit hash serves; below them another variant of the hash is used, so that any two texts differ at some level. */
const LEVELS_PER_HASH = 6;

/** The place where a text is, or would be. */
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
  /** One for each group of levels. */
  readonly #hashes: KeyedHash[] = [];
  #nodeShape: Shape | undefined;

  constructor(mutator: Mutator, strings: Strings, shapes: ShapeTable, root: Uint32Array, key: HashKey) {
    this.#mutator = mutator;
    this.#strings = strings;
    this.#shapes = shapes;
    this.#root = root;
    this.#key = key;
  }

  /** The string with that text; made if there is none. A safepoint. */
  intern(text: string): Ref {
    const mutator = this.#mutator;
    // A loop that interns only known texts must not hold up a pause.
    mutator.poll();
    const known = this.#find(text);
    if (known?.isText) return known.found;
    // There is no safepoint between the end of the insertion and the caller.
    return mutator.operation(() => this.#insert(text, mutator.temporary(this.#strings.allocate(text)), mutator.temporary(0)));
  }

  /** Removes the text, and returns whether it was there. No safepoint. */
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

  /** Replaces a string of another text by a node that holds only that string. */
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

  /** Searches from the root. No safepoint. Undefined while there is no root. */
  #find(text: string): Place | undefined {
    const { u32 } = this.#mutator;
    const nodeId = this.#shape().id;
    let node = Atomics.load(this.#root, 0);
    if (node === 0) return undefined;
    let hash = 0;
    for (let level = 0; ; level++) {
      if (level % LEVELS_PER_HASH === 0) hash = this.#hashOf(text, level);
      const slot = this.#slot(node, digitOf(hash, level));
      // Acquire: pairs with the compare-and-swap that stored it, so the object it leads to is complete.
      const found = Atomics.load(u32, slot);
      if (found === 0) return { slot, level, found, isText: false };
      if (shapeIdOf(u32, found) !== nodeId) return { slot, level, found, isText: this.#strings.isText(found, text) };
      node = found;
    }
  }

  /** The variant of a text's hash that serves that level. */
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
