/**
 * Map places: changes at one place of a map's trie (map-trie.ts) that need more than one compare-and-swap of an entry: another bucket, or a
 * node instead.
 *
 * Both need memory, and allocating is a safepoint. So they find the place again afterwards, and give up if another thread has changed it so
 * that what was allocated no longer fits. Then their callers start over.
 */
import type { Mutator } from '../heap/mutator.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import type { Matches } from './map-conditions.ts';
import { digitOf, type MapPath, type MapTrie } from './map-trie.ts';
import { slotOf } from '../heap/object.ts';

type Weigh = (present: Ref) => number;

/** @internal To be used inside an operation of the mutator, because both changes use temporaries. */
export class MapPlaces {
  readonly #mutator: Mutator;
  readonly #trie: MapTrie;
  readonly #path: MapPath;

  /** `path` is the one that the `find` of each call fills. */
  constructor(mutator: Mutator, trie: MapTrie, path: MapPath) {
    this.#mutator = mutator;
    this.#trie = trie;
    this.#path = path;
  }

  /**
   * Takes the key's entry out of the place, or puts `entry` into it; `weigh` says by how much the map grows when that comes in the place of
   * an entry, or of none. False if another thread came first. A safepoint.
   */
  rebuild(find: () => Ref, entry: ReferenceHandle | undefined, matches: Matches | undefined, weigh: Weigh | undefined): boolean {
    const mutator = this.#mutator;
    const path = this.#path;
    const wasPresent = path.entry !== 0;
    const wanted = this.#others() + (entry === undefined ? 0 : 1);
    const made = wanted > 1 ? mutator.temporary(mutator.allocate(this.#trie.bucket, wanted)) : undefined;
    const present = find();
    // Not only the number of others must be the same, but also whether the key is there: setIfAbsent has decided by that.
    if (this.#others() + (entry === undefined ? 0 : 1) !== wanted || (present !== 0) !== wasPresent) return false;
    // Nor may the value have become another that the operation was not meant for.
    if (matches?.(present) === false) return false;
    const replacement = made === undefined ? this.#onlyOther(present) : this.#fillBucket(mutator.get(made), present, entry);
    const by = entry === undefined ? -1 : present === 0 ? 1 : 0;
    return this.#trie.change(path, replacement, by, weigh?.(present) ?? 0);
  }

  /** Puts a node in the place, and the entries that were there into the node, by the next digits of their hashes. A safepoint. */
  split(find: () => Ref, hashOf: (entry: Ref) => number): void {
    const mutator = this.#mutator;
    const trie = this.#trie;
    const path = this.#path;
    // The load that a checked heap records.
    if (mutator.getReference(path.slot) !== path.found) return;
    const before = mutator.temporary(path.found);
    const level = path.level + 1;
    const groups = new Map<number, number[]>();
    for (let i = 0; i < trie.countOf(path.found); i++) {
      const digit = digitOf(hashOf(trie.entryOf(path.found, i)), level);
      const group = groups.get(digit);
      if (group === undefined) groups.set(digit, [i]);
      else group.push(i);
    }
    const node = mutator.temporary(trie.allocateNode());
    const buckets = [...groups].map(([digit, members]) => ({
      digit,
      members,
      bucket: members.length === 1 ? undefined : mutator.temporary(mutator.allocate(trie.bucket, members.length)),
    }));
    find();
    // A bucket never changes: if it is still there, the counts are still right.
    const { found, slot } = path;
    if (found === 0 || found !== mutator.get(before)) return;
    for (const { digit, members, bucket } of buckets) {
      const at = trie.slotOf(mutator.get(node), level, digit);
      mutator.u32[at] = bucket === undefined ? trie.entryOf(found, members[0]!) : mutator.get(bucket);
      if (bucket === undefined) continue;
      const first = slotOf(mutator.get(bucket), trie.bucket.elementsOffset);
      members.forEach((member, i) => (mutator.u32[first + i] = trie.entryOf(found, member)));
    }
    mutator.compareExchangeReference(slot, found, mutator.get(node));
  }

  /** Entries of other keys at the place. */
  #others(): number {
    return this.#trie.countOf(this.#path.found) - (this.#path.entry === 0 ? 0 : 1);
  }

  /** What replaces a place of two entries, or of one, when the key's entry is removed: the other entry, or 0. */
  #onlyOther(present: Ref): Ref {
    const { found } = this.#path;
    for (let i = 0; i < 2 && this.#trie.countOf(found) === 2; i++) {
      const slot = this.#trie.entrySlotOf(found, i);
      // A checked heap must have recorded the load of each reference that is stored.
      if (this.#mutator.u32[slot] !== present) return this.#mutator.getReference(slot);
    }
    return 0;
  }

  #fillBucket(bucket: Ref, present: Ref, entry: ReferenceHandle | undefined): Ref {
    const mutator = this.#mutator;
    const { found } = this.#path;
    let slot = slotOf(bucket, this.#trie.bucket.elementsOffset);
    for (let i = 0; i < this.#trie.countOf(found); i++) {
      const member = this.#trie.entryOf(found, i);
      if (member !== present) mutator.u32[slot++] = member;
    }
    if (entry !== undefined) mutator.u32[slot] = mutator.get(entry);
    return bucket;
  }
}
