/**
 * Views of growable arrays.
 */
import { SHAPE } from '../objects/object-view.ts';
import { expectBody, indexFor, rangeFor } from '../objects/namesakes.ts';
import { INDEXED, noIndexing, UNKNOWN } from '../objects/sealing.ts';
import { ContainerView } from './container-view.ts';
import { expectReader, fromJson, jsonEntries, jsonOf, type JsonPieces, piecesOf } from './json-pieces.ts';
import type { ContainerValue, Content, KindOf, PlainContent } from './kinds.ts';

/**
 * A growable array that several threads share. Each operation takes effect at one moment between call and return; iteration is many
 * operations. Elements are never copied when it grows. Made by `heap.createArray`; like any view, for use on the thread that has it.
 * `HeapArray<'f64'>` has numbers, `HeapArray<View<typeof Node>>` references to nodes.
 */
export class HeapArray<K extends Content = Content> extends ContainerView implements Iterable<ContainerValue<K>> {
  /** The kind of the elements. */
  get kind(): KindOf<K> {
    return this.operations.arrays.kindOf(this[SHAPE]) as KindOf<K>;
  }

  /** The number of elements. Not a safepoint. */
  get length(): number {
    return this.operations.arrays.length(this.refFor('length'));
  }

  /** The element at `index`. A safepoint only if another thread has the array's lock. Throws RangeError ERR_OPTION beyond the end. */
  get(index: number): ContainerValue<K> {
    return this.loaded(this.kind, this.operations.arrays.get(this.refFor('get'), index)) as ContainerValue<K>;
  }

  /**
   * The element at `index`, from the end if that is negative; undefined where there is none. A safepoint only if another thread has the
   * array. From the end it is two operations: the array's length, then the element.
   */
  at(index: number): ContainerValue<K> | undefined {
    const value = this.operations.arrays.find(
      this.refFor('at'),
      indexFor(index, () => this.length),
    );
    return value === undefined ? undefined : (this.loaded(this.kind, value) as ContainerValue<K>);
  }

  /** Stores an element. A safepoint. Throws RangeError ERR_OPTION beyond the end, and for values of another kind TypeError ERR_OPTION. */
  set(index: number, value: ContainerValue<K>): void {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the array');
    this.operations.arrays.set(this.refFor('set'), index, stored);
  }

  /** Appends, and returns the new length. A safepoint. If it throws what {@link set} or `mutator.allocate` throws, nothing was appended. */
  push(value: ContainerValue<K>): number {
    this.operations.poll();
    const stored = this.stored(this.kind, value, 'element of the array');
    return this.operations.arrays.push(this.refFor('push'), stored);
  }

  /** Removes and returns the last element; undefined when there is none. A safepoint. */
  pop(): ContainerValue<K> | undefined {
    const { kind } = this;
    const at = this.atSafepoint('pop');
    if (kind !== 'ref' && kind !== 'string') return this.operations.arrays.pop(at) as ContainerValue<K> | undefined;
    return this.operations.arrays.popRead(at, ...this.reader<ContainerValue<K>>(kind));
  }

  /** From the first index to the current length, each element as it is when its turn comes. A safepoint at each step. */
  *[Symbol.iterator](): Iterator<ContainerValue<K>> {
    for (let i = 0; ; i++) {
      this.operations.poll();
      const value = this.operations.arrays.find(this.refFor('iteration'), i);
      if (value === undefined) return;
      yield this.loaded(this.kind, value) as ContainerValue<K>;
    }
  }

  /** Calls `body` with each element, as the iteration does. A safepoint at each step. */
  forEach(body: (value: ContainerValue<K>, index: number, array: this) => void): void {
    expectBody(body);
    let index = 0;
    for (const value of this) body(value, index++, this);
  }

  /** A copy of the elements from `begin` up to `end`, which count from the end if they are negative. A safepoint. */
  slice(begin = 0, end = Infinity): ContainerValue<K>[] {
    const [from, to] = rangeFor(begin, end, this.length);
    const values: ContainerValue<K>[] = [];
    for (let i = from; i < to; i++) {
      this.operations.poll();
      const value = this.operations.arrays.find(this.refFor('slice'), i);
      if (value === undefined) break;
      values.push(this.loaded(this.kind, value) as ContainerValue<K>);
    }
    return values;
  }

  /** The same, in an array. A safepoint. */
  toArray(): ContainerValue<K>[] {
    return [...this];
  }

  /** A copy as a plain array; of references, what their own `toObject` gives. Not a safepoint. */
  override toObject(): PlainContent<K>[] {
    return super.toObject() as PlainContent<K>[];
  }

  /**
   * The JSON text of the array, in pieces of some 16 KiB: `pipeline(Readable.from(array.jsonPieces()), response)`. With the promises of the
   * iteration: other threads may change the array meanwhile. A safepoint at each step.
   */
  *jsonPieces(): Generator<string> {
    yield* piecesOf(this.#texts(), '[', ']');
  }

  *#texts(): Generator<string> {
    for (const value of this) yield jsonOf(value);
  }

  /**
   * Appends the elements of the array that a JSON text says, which may come in pieces, and resolves to how many there were. `read` makes a
   * value of what each is (for references: `(it) => heap.fromObject(shape, it)`); 64-bit integers may be texts of digits. Rejects with
   * RangeError ERR_OPTION if the text says something else, and with what {@link push} and `read` throw; what came before stays. A
   * safepoint.
   */
  async appendJSON(pieces: JsonPieces, read?: (value: any) => ContainerValue<K>): Promise<number> {
    this.atSafepoint('appendJSON');
    expectReader(read);
    let count = 0;
    for await (const { value } of jsonEntries(pieces, 'array')) {
      this.operations.scope(() => void this.push((read === undefined ? fromJson(this.kind, value) : read(value)) as ContainerValue<K>));
      count++;
    }
    return count;
  }

  /** @internal */
  override [UNKNOWN](name: string): Error {
    return /^\d+$/.test(name) ? this[INDEXED](name) : super[UNKNOWN](name);
  }

  /** @internal */
  override [INDEXED](index: string): Error {
    return noIndexing('array', index);
  }
}
