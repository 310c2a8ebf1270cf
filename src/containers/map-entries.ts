/**
 * Map entries: what an operation on a map makes before other threads see it, and the keys that it holds meanwhile.
 */
import type { Mutator } from '../heap/mutator.ts';
import { slotOf } from '../heap/object.ts';
import type { Ref } from '../heap/units.ts';
import type { Strings } from '../objects/strings.ts';
import { holdValue } from './arrays.ts';
import type { RawValue } from './kinds.ts';
import { type RawKey, storedNumber } from './map-keys.ts';
import type { MapLayout } from './map-layouts.ts';

/** @internal A key held across safepoints. */
export interface HeldKey {
  readonly hash: number;
  /** The key as it is now. */
  readonly current: () => RawKey;
}

/** @internal To be used inside an operation of the mutator. */
export class MapEntries {
  readonly #mutator: Mutator;
  readonly #strings: Strings;

  constructor(mutator: Mutator, strings: Strings) {
    this.#mutator = mutator;
    this.#strings = strings;
  }

  hold(layout: MapLayout, key: RawKey, hash: number): HeldKey {
    if (layout.key.kind !== 'ref') return { hash, current: () => key };
    const handle = this.#mutator.temporary(key as Ref);
    return { hash, current: () => this.#mutator.get(handle) };
  }

  /** What an entry holds as its key: for a text, the string of the entry that is there, or a new string. A safepoint. */
  storedKey({ key: place, keyAt }: MapLayout, key: HeldKey, find: () => Ref): () => number {
    if (place.kind === 'ref') return () => key.current() as number;
    if (place.kind === 'f64') {
      const number = storedNumber(key.current() as number);
      return () => number;
    }
    const present = find();
    const string = present === 0 ? this.#strings.allocate(key.current() as string) : (place.load(present, keyAt) as Ref);
    return holdValue(this.#mutator, place, string) as () => number;
  }

  /** Fills an entry that no other thread sees yet. */
  fill({ key, keyAt, value, valueAt, hashAt }: MapLayout, entry: Ref, keyValue: number, content: RawValue, hash: number): void {
    key.store(entry, keyAt, keyValue);
    value.store(entry, valueAt, content);
    this.#mutator.u32[slotOf(entry, hashAt)] = hash;
  }
}
