/**
 * Map trie: where an entry of a map is. A hash trie in the heap, like the intern table (objects/intern-table.ts), without a lock: each
 * change is one compare-and-swap of one reference, so a thread that ends never leaves a map unusable (after Bagwell, "Ideal hash trees",
 * 2001; and Prokopec et al., "Concurrent tries with efficient non-blocking snapshots", PPoPP 2012, without the snapshots).
 *
 *     map ──▶ table: counts, 32 references, each 0            no entry with these five bits of the hash
 *                                                ──▶ entry    key, value and hash; immutable
 *                                                ──▶ bucket   2 to 4 entries, or more with equal hashes; immutable
 *                                                ──▶ node     32 references again, for the next five bits
 *
 *   change of a reference      by
 *   0 → entry                  set, of a new key
 *   entry → entry              set, of a key that is there
 *   entry, bucket → bucket     set of another key that belongs there; delete of one of several
 *   bucket → entry             delete of one of two
 *   entry, bucket → 0          delete
 *   bucket → node              a thread that finds the bucket full; its entries are in the node
 *
 * Nodes are never removed, except all at once with the table, by `clear`. It takes five entries at a time to make a node, and five entries
 * that agree in so many bits of their hashes are rare unless there are many; so a map whose keys keep changing hardly ever needs more
 * memory than its largest number of entries needed. The two bits of the hash that are left after six levels serve the last level; a bucket
 * there has no limit.
 *
 * Between two safepoints of this thread nothing moves and no memory is reused, so a reference that compares equal cannot refer to another
 * object.
 */
import { InvariantError } from '../errors.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';
import { elementCountOf, shapeIdOf, slotOf } from '../heap/object.ts';

const BITS = 5;
const WIDTH = 1 << BITS;
/** Places that {@link MapTrie.step} visits before it lets its caller come to a safepoint. */
const PLACES_PER_STEP = 1024;

/** @internal The entries of a bucket, unless their hashes are all equal. */
export const BUCKET_ENTRIES = 4;
/** @internal Below this level there are no more bits of a hash. */
export const LAST_LEVEL = 6;

/** Where an iteration is: digits of hashes, so it holds nothing in the heap and stays valid whatever happens to the map. */
export class MapPosition {
  /** @internal Those of the place to visit next, from the table down. */
  readonly digits: number[] = [0];
}

/** @internal The path to a place; valid until the next safepoint. */
export class MapPath {
  table: Ref = 0;
  /** Index into u32. */
  slot = 0;
  level = 0;
  /** What is there: 0, an entry, or a bucket. */
  found: Ref = 0;
  /** The entry of the key, at the place or in its bucket; 0 when there is none. */
  entry: Ref = 0;
}

/** @internal The trie of any map of one mutator. */
export class MapTrie {
  readonly #mutator: Mutator;
  readonly table: Shape;
  readonly node: Shape;
  readonly bucket: Shape;
  readonly #count: number;
  readonly #weight: number;
  readonly #tableSlot: number;

  constructor(mutator: Mutator, shapes: ShapeTable, tableSlot: number) {
    this.#mutator = mutator;
    this.#tableSlot = tableSlot;
    this.table = shapes.define({ name: 'faultline.map-table', fields: { count: 'u32', weight: 'u32' }, elements: 'ref' });
    this.node = shapes.define({ name: 'faultline.map-node', elements: 'ref' });
    this.bucket = shapes.define({ name: 'faultline.map-bucket', elements: 'ref' });
    this.#count = this.table.field('count').offset;
    this.#weight = this.table.field('weight').offset;
    if (this.#weight !== this.#count + 1) throw new InvariantError('a table has its weight behind its count');
  }

  /**
   * The entry of a key with that hash, or 0; fills the path to its place. `isKey` tells whether an entry is the key's. The loads are
   * ordered with the compare-and-swaps that stored the references, so the objects they lead to are complete.
   */
  find(map: Ref, hash: number, path: MapPath, hashOf: (entry: Ref) => number, isKey: (entry: Ref) => boolean): Ref {
    const { u32 } = this.#mutator;
    let node = Atomics.load(u32, slotOf(map, this.#tableSlot));
    path.table = node;
    path.found = path.entry = 0;
    if (node === 0) return 0;
    for (let level = 0; ; level++) {
      const slot = this.slotOf(node, level, digitOf(hash, level));
      const found = Atomics.load(u32, slot);
      if (found !== 0 && shapeIdOf(u32, found) === this.node.id) {
        node = found;
        continue;
      }
      path.slot = slot;
      path.level = level;
      path.found = found;
      for (let i = this.countOf(found) - 1; i >= 0; i--) {
        const entry = this.entryOf(found, i);
        if (hashOf(entry) === hash && isKey(entry)) return (path.entry = entry);
      }
      return 0;
    }
  }

  /** The number of entries of what a place holds: nothing, an entry, or a bucket. */
  countOf(found: Ref): number {
    if (found === 0) return 0;
    return this.#isBucket(found) ? elementCountOf(this.#mutator.u32, found) : 1;
  }

  entryOf(found: Ref, index: number): Ref {
    return this.#isBucket(found) ? this.#mutator.u32[this.entrySlotOf(found, index)]! : found;
  }

  /** Index into u32 of an entry of a bucket. */
  entrySlotOf(bucket: Ref, index: number): number {
    return slotOf(bucket, this.bucket.elementsOffset + index);
  }

  /** A safepoint, as is {@link allocateNode}. */
  allocateTable(): Ref {
    return this.#mutator.allocate(this.table, WIDTH);
  }

  allocateNode(): Ref {
    return this.#mutator.allocate(this.node, WIDTH);
  }

  /** Makes `table` the map's, if it has none or `always`. Not a safepoint. */
  install(map: Ref, table: Ref, always: boolean): void {
    const slot = slotOf(map, this.#tableSlot);
    for (;;) {
      const before = Atomics.load(this.#mutator.u32, slot);
      if (before !== 0 && !always) return;
      if (this.#mutator.compareExchangeReference(slot, before, table)) return;
    }
  }

  size(map: Ref): number {
    return this.#counted(map, this.#count);
  }

  /** The sum of the weights that the changes have had. */
  weight(map: Ref): number {
    return this.#counted(map, this.#weight);
  }

  #counted(map: Ref, at: number): number {
    const { u32 } = this.#mutator;
    const table = Atomics.load(u32, slotOf(map, this.#tableSlot));
    // Negative for a moment if a thread counts down before another counts up.
    return table === 0 ? 0 : Math.max(0, Atomics.load(u32, slotOf(table, at)) | 0);
  }

  /**
   * Changes a place from what the path has found there to `ref`, the table's number of entries by `by`, and its weight by `weight`; returns
   * whether it did.
   */
  change({ table, slot, found }: MapPath, ref: Ref, by: 1 | 0 | -1, weight: number): boolean {
    if (by === 0 && weight === 0) return this.#mutator.compareExchangeReference(slot, found, ref);
    return this.#mutator.exchangeAndCount(slot, found, ref, slotOf(table, this.#count), by, weight);
  }

  /**
   * Up to `most` entries from around the place that the 32 bits of `at` lead to: those from that place on, and where a node has no more,
   * from its place in the node above. Fewer only if the map has no more. Not a safepoint.
   */
  sample(map: Ref, at: number, most: number): Ref[] {
    const { u32 } = this.#mutator;
    const entries: Ref[] = [];
    const nodes: Ref[] = [];
    for (let node = Atomics.load(u32, slotOf(map, this.#tableSlot)); node !== 0; ) {
      nodes.push(node);
      const level = nodes.length - 1;
      const found = Atomics.load(u32, this.slotOf(node, level, digitOf(at, level)));
      node = this.#isNode(found) ? found : 0;
    }
    for (let level = nodes.length - 1; level >= 0; level--) {
      // Above the lowest node, what its place leads to has been looked through.
      const from = level === nodes.length - 1 ? 0 : 1;
      for (let i = from; i < WIDTH && entries.length < most; i++) {
        this.#gather(this.slotOf(nodes[level]!, level, (digitOf(at, level) + i) % WIDTH), level, most, entries);
      }
    }
    return entries;
  }

  /** Adds the entries at a place and in the nodes below it. */
  #gather(slot: number, level: number, most: number, entries: Ref[]): void {
    const found = Atomics.load(this.#mutator.u32, slot);
    if (this.#isNode(found)) {
      for (let i = 0; i < WIDTH && entries.length < most; i++) this.#gather(this.slotOf(found, level + 1, i), level + 1, most, entries);
      return;
    }
    const count = this.countOf(found);
    for (let i = 0; i < count && entries.length < most; i++) {
      // The load that a checked heap records; a place may have changed meanwhile, a bucket does not.
      const entry = this.#mutator.getReference(this.#isBucket(found) ? this.entrySlotOf(found, i) : slot);
      if (this.#isBucket(found) || entry === found) entries.push(entry);
    }
  }

  /**
   * The next entries from the position, which moves on: those of one place, or none if there were none for a while. False at the end. Not a
   * safepoint.
   */
  step(map: Ref, { digits }: MapPosition, entries: Ref[]): boolean {
    const { u32 } = this.#mutator;
    entries.length = 0;
    const table = Atomics.load(u32, slotOf(map, this.#tableSlot));
    for (let places = 0; table !== 0 && digits.length > 0 && places < PLACES_PER_STEP; places++) {
      const last = digits.length - 1;
      if (digits[last]! >= WIDTH) {
        digits.pop();
        if (last > 0) digits[last - 1]!++;
        continue;
      }
      const found = this.#follow(table, digits);
      if (found !== 0 && shapeIdOf(u32, found) === this.node.id) {
        digits.push(0);
        continue;
      }
      for (let i = 0; i < this.countOf(found); i++) entries.push(this.entryOf(found, i));
      digits[digits.length - 1]!++;
      if (entries.length > 0) return true;
    }
    return table !== 0 && digits.length > 0;
  }

  /** What is at the end of the path; shortens the path if a cleared map no longer has it. */
  #follow(table: Ref, digits: number[]): Ref {
    const { u32 } = this.#mutator;
    let node = table;
    for (let level = 0; ; level++) {
      const found = Atomics.load(u32, this.slotOf(node, level, digits[level]!));
      if (level === digits.length - 1) return found;
      if (found === 0 || shapeIdOf(u32, found) !== this.node.id) {
        digits.length = level + 1;
        return 0;
      }
      node = found;
    }
  }

  #isNode(found: Ref): boolean {
    return found !== 0 && shapeIdOf(this.#mutator.u32, found) === this.node.id;
  }

  #isBucket(found: Ref): boolean {
    return shapeIdOf(this.#mutator.u32, found) === this.bucket.id;
  }

  /** Index into u32 of the place in a node, or the table. */
  slotOf(node: Ref, level: number, digit: number): number {
    return slotOf(node, (level === 0 ? this.table : this.node).elementsOffset + digit);
  }
}

/** @internal */
export const digitOf = (hash: number, level: number): number => (hash >>> (level * BITS)) & (WIDTH - 1);
