/**
 * Arrays: growable arrays in the heap, by raw access. Elements never move within an array: growing adds a segment twice as large as
 * the last (after Dechev, Pirkelbauer & Stroustrup, "Lock-free dynamically resizable arrays", OPODIS 2006; theirs are lock-free, these
 * have a lock, for the sake of `pop`).
 *
 *     array   28 references to segments │ lock │ version │ length
 *     segment n   8 · 2^n elements; made when it is first needed, given up when the array is half a segment shorter
 *
 * What changes an array does so with its lock (lock-words.ts), without a safepoint, and takes effect at one store: the moment at which
 * the operation happens, for all threads. A thread that ends in the middle has done all of it or nothing.
 *
 *   operation   takes effect at
 *   push        the store of the length; the element is stored before
 *   pop         the store of the length; the element's place is cleared after
 *   set         the store of the element
 *   get         its load of the element; or, when the index is out of range, of the length
 *   length      its load
 *
 * `get` takes no lock if it need not: `push` and `pop` make the version odd before and even after, and a `get` that sees one even
 * version before and after its load has seen an element between two of them. That needs loads in order, which x64 has.
 */
import { argumentRangeError, HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import { VALUE_KINDS, type ValueKind, expectKind, Place, type RawValue } from './kinds.ts';
import type { LockWords } from './lock-words.ts';

const SEGMENTS = 28;
const FIRST_LENGTH_LOG2 = 3;
/** Elements of the first segment. */
const FIRST_LENGTH = 1 << FIRST_LENGTH_LOG2;
const MAX_LENGTH = FIRST_LENGTH * (2 ** SEGMENTS - 1);
const LOADS_ARE_ORDERED = process.arch === 'x64';

/** What there is for one kind of element. */
interface Layout {
  readonly array: Shape;
  readonly segment: Shape;
  readonly place: Place;
}

export const arrayDefinition = (kind: ValueKind) =>
  ({
    name: `faultline.array.${kind}`,
    fields: { segments: { array: 'ref', length: SEGMENTS }, lock: 'u32', version: 'u32', length: 'u32' },
  }) as const satisfies ShapeDefinition;

/** Operations on growable arrays by raw reference; one for each mutator. */
export class HeapArrays {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  readonly #locks: LockWords;
  /** By the shape id of the array. */
  readonly #layouts: (Layout | undefined)[] = [];
  readonly #lock: number;
  readonly #version: number;
  readonly #length: number;

  /** @internal Use heap.collections.arrays. */
  constructor(mutator: Mutator, shapes: ShapeTable, locks: LockWords) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    this.#locks = locks;
    const { offsets } = shapes.define(arrayDefinition('ref'));
    this.#lock = offsets.lock;
    this.#version = offsets.version;
    this.#length = offsets.length;
  }

  /** A new, empty array. A safepoint; throws what `mutator.allocate` throws. */
  allocate(kind: ValueKind): Ref {
    expectKind(kind, VALUE_KINDS, 'kind of an array');
    return this.#mutator.allocate(this.#layoutOf(this.#shapes.define(arrayDefinition(kind))).array);
  }

  /** The number of elements. Not a safepoint; a load. */
  length(array: Ref): number {
    this.#layoutAt(array);
    return Atomics.load(this.#mutator.u32, array * 2 + this.#length);
  }

  /**
   * The element at `index`. Throws RangeError ERR_OPTION beyond the end. Some 30 ns; a safepoint only if another thread is changing the
   * array's length and does not come to an end with it.
   */
  get(array: Ref, index: number): RawValue {
    const value = this.find(array, index);
    if (value === undefined) throw outOfRange(this.length(array), index);
    return value;
  }

  /** The same, but undefined beyond the end. */
  find(array: Ref, index: number): RawValue | undefined {
    const { u32 } = this.#mutator;
    const { place, segment } = this.#layoutAt(array);
    const versionSlot = array * 2 + this.#version;
    const version = Atomics.load(u32, versionSlot);
    if (LOADS_ARE_ORDERED && (version & 1) === 0) {
      const inRange = typeof index === 'number' && index >>> 0 === index && index < u32[array * 2 + this.#length]!;
      const n = inRange ? segmentOf(index) : 0;
      const at = inRange ? u32[array * 2 + 2 + n]! : 0;
      const value = at === 0 ? undefined : place.load(at, segment.elementsOffset + index - firstIndexOf(n));
      if (Atomics.load(u32, versionSlot) === version) return value;
    }
    return this.#locked(array, 0, place, (at) => this.#load(at, index));
  }

  /** Stores the element at `index`. Throws RangeError ERR_OPTION beyond the end. Some 60 ns. A safepoint if another thread has the lock. */
  set(array: Ref, index: number, value: RawValue): void {
    const { place } = this.#layoutAt(array);
    place.check(value, 'element of the array');
    this.#locked(array, value, place, (at, current) => this.#store(at, index, current));
  }

  /** Appends; the new length. Some 100 ns. A safepoint. Throws what `mutator.allocate` throws, and then nothing was appended. */
  push(array: Ref, value: RawValue): number {
    const { place } = this.#layoutAt(array);
    place.check(value, 'element of the array');
    if (this.#locks.try(array, this.#lock)) {
      let length: number;
      try {
        length = this.#append(array, value);
      } finally {
        this.#locks.release(array, this.#lock);
      }
      if (length !== 0) return length;
    }
    return this.#pushSlowly(array, value, place);
  }

  /** Takes the last element away; undefined when there is none. Some 100 ns. A safepoint if another thread has the lock. */
  pop(array: Ref): RawValue | undefined {
    const { place } = this.#layoutAt(array);
    return this.#locked(array, 0, place, (at) => this.#removeLast(at));
  }

  /** @internal What an array of that shape holds. */
  kindOf(shape: Shape): ValueKind {
    return this.#layoutOf(shape).place.kind;
  }

  // --- With the lock held, without a safepoint ---------------------------------------------------------------------------------

  #load(array: Ref, index: number): RawValue | undefined {
    const { u32 } = this.#mutator;
    const { place, segment } = this.#layoutAt(array);
    if (typeof index !== 'number' || index >>> 0 !== index || index >= u32[array * 2 + this.#length]!) return undefined;
    const n = segmentOf(index);
    return place.load(u32[array * 2 + 2 + n]!, segment.elementsOffset + index - firstIndexOf(n));
  }

  #store(array: Ref, index: number, value: RawValue): void {
    const { u32 } = this.#mutator;
    const { place, segment } = this.#layoutAt(array);
    const length = u32[array * 2 + this.#length]!;
    if (typeof index !== 'number' || index >>> 0 !== index || index >= length) throw outOfRange(length, index);
    const n = segmentOf(index);
    place.store(u32[array * 2 + 2 + n]!, segment.elementsOffset + index - firstIndexOf(n), value);
  }

  /** The new length, or 0 when a segment is needed first. */
  #append(array: Ref, value: RawValue): number {
    const { u32 } = this.#mutator;
    const { place, segment } = this.#layoutAt(array);
    const length = u32[array * 2 + this.#length]!;
    const n = segmentOf(length);
    const at = n < SEGMENTS ? u32[array * 2 + 2 + n]! : 0;
    if (at === 0) return 0;
    this.#beginResizing(array);
    place.store(at, segment.elementsOffset + length - firstIndexOf(n), value);
    Atomics.store(u32, array * 2 + this.#length, length + 1);
    this.#endResizing(array);
    return length + 1;
  }

  #removeLast(array: Ref): RawValue | undefined {
    const { u32 } = this.#mutator;
    const { place, segment } = this.#layoutAt(array);
    const length = u32[array * 2 + this.#length]!;
    if (length === 0) return undefined;
    const n = segmentOf(length - 1);
    const at = u32[array * 2 + 2 + n]!;
    const offset = segment.elementsOffset + length - 1 - firstIndexOf(n);
    const value = place.load(at, offset);
    this.#beginResizing(array);
    Atomics.store(u32, array * 2 + this.#length, length - 1);
    place.clear(at, offset);
    // Not the segment that has just become empty: the next push would need it again.
    if (n + 1 < SEGMENTS && length - 1 < firstIndexOf(n) + (FIRST_LENGTH << n) / 2) this.#mutator.setReference(array * 2 + 2 + n + 1, 0);
    this.#endResizing(array);
    return value;
  }

  // What an owner that is no more has left odd stays odd, and then becomes even.
  #beginResizing(array: Ref): void {
    const { u32 } = this.#mutator;
    const slot = array * 2 + this.#version;
    Atomics.store(u32, slot, u32[slot]! | 1);
  }

  #endResizing(array: Ref): void {
    const { u32 } = this.#mutator;
    const slot = array * 2 + this.#version;
    Atomics.store(u32, slot, u32[slot]! + 1);
  }

  // --- Having the lock -----------------------------------------------------------------------------------------------------------

  /** Runs `body` with the lock, with the array and the value where they are then. */
  #locked<T>(array: Ref, value: RawValue, place: Place, body: (array: Ref, value: RawValue) => T): T {
    const mutator = this.#mutator;
    if (this.#locks.try(array, this.#lock)) {
      try {
        return body(array, value);
      } finally {
        this.#locks.release(array, this.#lock);
      }
    }
    return mutator.scope(() => {
      const held = mutator.local(array);
      const current = holdValue(mutator, place, value);
      return this.#lockedAt(held, (at) => body(at, current()));
    });
  }

  #lockedAt<T>(held: ReferenceHandle, body: (array: Ref) => T): T {
    this.#locks.acquire(held, this.#lock, Infinity);
    const array = this.#mutator.get(held);
    try {
      return body(array);
    } finally {
      this.#locks.release(array, this.#lock);
    }
  }

  #pushSlowly(array: Ref, value: RawValue, place: Place): number {
    const mutator = this.#mutator;
    return mutator.scope(() => {
      const held = mutator.local(array);
      const made = mutator.local(0);
      const current = holdValue(mutator, place, value);
      for (;;) {
        const length = this.#lockedAt(held, (at) => this.#append(at, current()));
        if (length !== 0) return length;
        const at = mutator.get(held);
        const wanted = segmentOf(this.length(at));
        if (wanted >= SEGMENTS) throw argumentRangeError('length of the array', `at most ${MAX_LENGTH}`, MAX_LENGTH + 1);
        mutator.set(made, mutator.allocate(this.#layoutAt(at).segment, FIRST_LENGTH << wanted));
        this.#lockedAt(held, (array) => {
          const slot = array * 2 + 2 + wanted;
          if (mutator.u32[slot] === 0) mutator.setReference(slot, mutator.get(made));
        });
      }
    });
  }

  #layoutAt(array: Ref): Layout {
    this.#mutator.admit(array, 'heap.collections.arrays');
    const id = this.#mutator.u32[array * 2]!;
    return this.#layouts[id] ?? this.#layoutOf(this.#shapes.numbered(id));
  }

  #layoutOf(array: Shape): Layout {
    const known = this.#layouts[array.id];
    if (known !== undefined) return known;
    const kind = VALUE_KINDS.find((kind) => arrayDefinition(kind).name === array.name);
    if (kind === undefined) throw new HeapError('ERR_WRONG_SHAPE', `an array of the heap is needed, not a ${array.name}.`);
    const place = new Place(this.#mutator, kind);
    const segment = this.#shapes.define({ name: `faultline.array-segment.${kind}`, elements: place.stored });
    return (this.#layouts[array.id] = { array, segment, place });
  }
}

/** @internal Holds a value over safepoints, inside a scope. */
export function holdValue(mutator: Mutator, place: Place, value: RawValue): () => RawValue {
  if (!place.isReference) return () => value;
  const handle = mutator.local(value as Ref);
  return () => mutator.get(handle);
}

function outOfRange(length: number, index: number): RangeError {
  const accepted = length === 0 ? 'none (there are no elements)' : `an integer from 0 to ${length - 1}`;
  return argumentRangeError('index of the array', accepted, index);
}

// Shifts: V8 calculates powers as floating point.

/** Which segment an index (up to {@link MAX_LENGTH}) lies in. */
const segmentOf = (index: number): number => 31 - FIRST_LENGTH_LOG2 - Math.clz32(index + FIRST_LENGTH);

/** The first index in segment `n`. */
const firstIndexOf = (n: number): number => (FIRST_LENGTH << n) - FIRST_LENGTH;
