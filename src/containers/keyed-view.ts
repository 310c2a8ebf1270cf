/**
 * Keyed views: what views of maps and of caches have in common, which is how they are gone through.
 */
import { expectBody } from '../objects/namesakes.ts';
import { ContainerView } from './container-view.ts';
import type { ContainerValue, Content, KeyContent, KeyValue, KindOf, PlainContent, RawValue } from './kinds.ts';
import { MapPosition } from './map-trie.ts';

export abstract class KeyedView<K extends KeyContent, V extends Content>
  extends ContainerView
  implements Iterable<[KeyValue<K>, ContainerValue<V>]>
{
  /** The kind of the keys. */
  abstract get keyKind(): KindOf<K>;

  /** The kind of the values. */
  abstract get valueKind(): KindOf<V>;

  /** @internal Adds the entries of the next step, which is a safepoint; false after the last one. */
  protected abstract step(position: MapPosition, entries: [number, RawValue][]): boolean;

  /**
   * In no particular order. An entry that is in the map from beginning to end is visited exactly once; one that is made or removed
   * meanwhile, or that a cache drops, may or may not be visited. Each entry visited was there when it was read, and none counts as used.
   * A safepoint at each step.
   */
  *[Symbol.iterator](): Iterator<[KeyValue<K>, ContainerValue<V>]> {
    const position = new MapPosition();
    const found: [number, RawValue][] = [];
    const [keyKind, valueKind] = [this.keyKind, this.valueKind];
    for (let more = true; more; ) {
      more = this.step(position, found);
      const entries = found.map(([key, value]) => [this.loaded(keyKind, key), this.loaded(valueKind, value)]);
      yield* entries as [KeyValue<K>, ContainerValue<V>][];
    }
  }

  /** The same as the iteration of the view itself. A safepoint at each step. */
  entries(): Iterator<[KeyValue<K>, ContainerValue<V>]> {
    return this[Symbol.iterator]();
  }

  /** Calls `body` with each value and key, with the promises of the iteration. A safepoint at each step. */
  forEach(body: (value: ContainerValue<V>, key: KeyValue<K>, container: this) => void): void {
    expectBody(body);
    for (const [key, value] of this) body(value, key, this);
  }

  /** The keys, with the promises of the iteration. A safepoint at each step. */
  *keys(): Generator<KeyValue<K>> {
    for (const [key] of this) yield key;
  }

  /** The values, with the promises of the iteration. A safepoint at each step. */
  *values(): Generator<ContainerValue<V>> {
    for (const [, value] of this) yield value;
  }

  /** A copy as a Map; of references, what their own `toObject` gives. With the promises of the iteration. Not a safepoint. */
  override toObject(): Map<PlainContent<K>, PlainContent<V>> {
    return super.toObject() as Map<PlainContent<K>, PlainContent<V>>;
  }
}
