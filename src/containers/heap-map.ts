/**
 * Views of maps.
 */
import { argumentRangeError, argumentTypeError } from '../errors.ts';
import { OWNER, SHAPE } from '../objects/object-view.ts';
import { KeyedView } from './keyed-view.ts';
import { expectReader, fromJson, jsonEntries, jsonOf, type JsonPieces, piecesOf } from './json-pieces.ts';
import type { ContainerValue, Content, KeyContent, KeyValue, KindOf, RawValue } from './kinds.ts';
import type { RawKey } from './map-keys.ts';
import type { MapPosition } from './map-trie.ts';

/**
 * A hash map that several threads share, without a lock. Keys are strings by their text, numbers by value, or objects by identity.
 * Each operation except `size` takes effect at one moment between call and return. Made by `heap.createMap`; for the thread that has the
 * view. The type has the kinds of keys and values, or the views of what they refer to: `HeapMap<'string', View<typeof Entry>>`.
 */
export class HeapMap<K extends KeyContent = KeyContent, V extends Content = Content> extends KeyedView<K, V> {
  /** The kind of the keys. */
  override get keyKind(): KindOf<K> {
    return this.operations.maps.kindsOf(this[SHAPE]).key as KindOf<K>;
  }

  /** The kind of the values. */
  override get valueKind(): KindOf<V> {
    return this.operations.maps.kindsOf(this[SHAPE]).value as KindOf<V>;
  }

  /** @internal */
  protected override step(position: MapPosition, entries: [number, RawValue][]): boolean {
    return this.operations.maps.step(this.atSafepoint('iteration'), position, entries);
  }

  /**
   * The number of entries: exact while no thread changes the map, otherwise off by the operations under way. Not a safepoint.
   */
  get size(): number {
    return this.operations.maps.size(this.refFor('size'));
  }

  /**
   * The value; undefined when there is no entry. Not a safepoint. Throws TypeError ERR_OPTION for a key of another kind, ERR_NO_IDENTITY
   * for an object whose shape has elements and no `identityHash`.
   */
  get(key: KeyValue<K>): ContainerValue<V> | undefined {
    const value = this.operations.maps.get(this.refFor('get'), this.#keyOf(key));
    return value === undefined ? undefined : (this.loaded(this.valueKind, value) as ContainerValue<V>);
  }

  /** Whether there is an entry. Not a safepoint. Throws like {@link get}. */
  has(key: KeyValue<K>): boolean {
    return this.operations.maps.has(this.refFor('has'), this.#keyOf(key));
  }

  /** Makes or replaces an entry. A safepoint. Throws like {@link get}, and what `mutator.allocate` throws; then nothing has changed. */
  set(key: KeyValue<K>, value: ContainerValue<V>): this {
    this.operations.poll();
    const stored = this.stored(this.valueKind, value, 'value of the map');
    this.operations.maps.set(this.refFor('set'), this.#keyOf(key), stored);
    return this;
  }

  /** Makes an entry if there is none, and returns whether it did. A safepoint. Throws like {@link set}. */
  setIfAbsent(key: KeyValue<K>, value: ContainerValue<V>): boolean {
    this.operations.poll();
    const stored = this.stored(this.valueKind, value, 'value of the map');
    return this.operations.maps.setIfAbsent(this.refFor('setIfAbsent'), this.#keyOf(key), stored);
  }

  /**
   * Makes `value` the value of `key` if that has the value `expected`, and returns whether it had. `undefined` stands for no entry: as
   * `expected`, one is made; as `value`, it is removed. Numbers are compared as the keys of a Map, texts by what they say, objects by
   * identity. A safepoint. Throws like {@link set}.
   */
  compareAndSet(key: KeyValue<K>, expected: ContainerValue<V> | undefined, value: ContainerValue<V> | undefined): boolean {
    this.operations.poll();
    const kind = this.valueKind;
    const stored = value === undefined ? undefined : this.stored(kind, value, 'value of the map');
    // A text is compared as it is. A reference is read after what may be a safepoint.
    const given = kind === 'string' && typeof expected === 'string' ? expected : undefined;
    const wanted = given ?? (expected === undefined ? undefined : this.stored(kind, expected, 'expected value of the map'));
    return this.operations.maps.compareAndSet(this.refFor('compareAndSet'), this.#keyOf(key), wanted, stored);
  }

  /**
   * Makes what `change` returns for the present value the value of `key`, in one moment: if another thread came first, `change` is called
   * again. It gets `undefined` if there is no entry; if it returns that, there is none afterwards. Returns the new value. `change` may do
   * anything, but should not have effects. A safepoint. Throws like {@link set}, and what `change` throws; then nothing has changed.
   */
  update(key: KeyValue<K>, change: (value: ContainerValue<V> | undefined) => ContainerValue<V> | undefined): ContainerValue<V> | undefined {
    if (typeof change !== 'function') throw argumentTypeError('change of a value', 'a function', change);
    for (;;) {
      const before = this.get(key);
      const after = change(before);
      if (this.compareAndSet(key, before, after)) return after;
    }
  }

  /**
   * Adds `by` (default 1) to the value of `key`, which counts as 0 if there is no entry, and returns the sum. For maps of numbers; throws
   * RangeError ERR_OPTION for others, and like {@link set}. A safepoint.
   */
  increment(key: KeyValue<K>, by?: ContainerValue<V>): ContainerValue<V> {
    this.operations.poll();
    const kind = this.valueKind;
    const one = kind === 'i64' || kind === 'u64' ? 1n : 1;
    if (kind === 'ref' || kind === 'string') throw argumentRangeError('values of a map to increment', 'numbers', kind);
    const added = this.stored(kind, by ?? one, 'increment of the map');
    return this.operations.maps.increment(this.refFor('increment'), this.#keyOf(key), added) as ContainerValue<V>;
  }

  /** The value of `key`; if there is no entry, one is made with `value`. A safepoint. Throws like {@link set}. */
  getOrInsert(key: KeyValue<K>, value: ContainerValue<V>): ContainerValue<V> {
    return this.getOrInsertComputed(key, () => value);
  }

  /**
   * The same with a value that is computed only if there is no entry. Several threads may compute it at once: all of them get what the
   * first has put there. A safepoint. Throws like {@link set}, and what `compute` throws.
   */
  getOrInsertComputed(key: KeyValue<K>, compute: (key: KeyValue<K>) => ContainerValue<V>): ContainerValue<V> {
    if (typeof compute !== 'function') throw argumentTypeError('compute of a value', 'a function', compute);
    this.operations.poll();
    for (;;) {
      const present = this.get(key);
      if (present !== undefined) return present;
      const made = compute(key);
      if (this.setIfAbsent(key, made)) return made;
    }
  }

  /** Removes the entry, and returns whether there was one. A safepoint. Throws like {@link get}. */
  delete(key: KeyValue<K>): boolean {
    const at = this.atSafepoint('delete');
    return this.operations.maps.delete(at, this.#keyOf(key));
  }

  /** Removes all entries. A safepoint. Throws what `mutator.allocate` throws. */
  clear(): void {
    this.operations.maps.clear(this.atSafepoint('clear'));
  }

  /**
   * The JSON text of the map, in pieces of some 16 KiB: an object, or pairs if the keys are objects, as `JSON.stringify` has it. With the
   * promises of the iteration. A safepoint at each step.
   */
  *jsonPieces(): Generator<string> {
    if (this.keyKind === 'ref')
      yield* piecesOf(
        this.#texts((key, value) => `[${jsonOf(key)},${jsonOf(value)}]`),
        '[',
        ']',
      );
    else
      yield* piecesOf(
        this.#texts((key, value) => `${jsonOf(String(key))}:${jsonOf(value)}`),
        '{',
        '}',
      );
  }

  *#texts(textOf: (key: KeyValue<K>, value: ContainerValue<V>) => string): Generator<string> {
    for (const [key, value] of this) yield textOf(key, value);
  }

  /**
   * Makes entries of the members of the object that a JSON text says, which may come in pieces, and resolves to how many there were. `read`
   * makes a value of what each is (for references: `(it) => heap.fromObject(shape, it)`); 64-bit integers may be texts of digits. Rejects
   * with RangeError ERR_OPTION if the text says something else or the keys are objects, and with what {@link set} and `read` throw; what
   * came before stays. A safepoint.
   */
  async mergeJSON(pieces: JsonPieces, read?: (value: any, key: KeyValue<K>) => ContainerValue<V>): Promise<number> {
    this.atSafepoint('mergeJSON');
    expectReader(read);
    if (this.keyKind === 'ref') throw argumentRangeError('keys of a map to merge JSON into', 'texts or numbers', 'objects');
    let count = 0;
    for await (const { key: name, value } of jsonEntries(pieces, 'object')) {
      const key = (this.keyKind === 'f64' ? Number(name) : name) as KeyValue<K>;
      const made = (): unknown => (read === undefined ? fromJson(this.valueKind, value) : read(value, key));
      this.operations.scope(() => void this.set(key, made() as ContainerValue<V>));
      count++;
    }
    return count;
  }

  #keyOf(key: KeyValue<K>): RawKey {
    if (this.keyKind !== 'ref') return key as RawKey;
    if (key === null) throw argumentTypeError('key of the map', 'an object', null);
    return this[OWNER].toReference(key, 'key of the map', undefined);
  }
}
