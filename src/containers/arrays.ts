/**
 * Arrays: growable arrays in the heap, by raw access. Elements never move within an array: growing adds a segment twice as large as
 * the last (after Dechev, Pirkelbauer & Stroustrup, "Lock-free dynamically resizable arrays", OPODIS 2006; theirs are lock-free, these
 * have a lock, for the sake of `pop`).
 *
 *     array   28 references to segments │ lock │ version │ length
 *     segment n   8 · 2^n elements; made when it is first needed, given up when the array is half a segment shorter
 *
 * Each change of an array is one native call that takes its lock, without a safepoint (native/heap/shared_array.h): no thread can end, wait
 * or be interrupted in the middle. Each operation takes effect at one store, for all threads:
 *
 *   operation   takes effect at
 *   push        the store of the length; the element is stored before
 *   pop         the store of the length; the element's slot is cleared after
 *   set         the store of the element
 *   get         its load of the element; or, when the index is out of range, of the length
 *   length      its load
 *
 * `get` usually needs no lock: `push` and `pop` make the version odd before they change anything and even afterwards, so a `get` that sees
 * the same even version before and after its load has read between two changes. That needs loads in order, which x64 has.
 */
import { ARRAY, type Binding, type NativeMutator } from '../binding.ts';
import { argumentRangeError, HeapError } from '../errors.ts';
import type { ShapeDefinition } from '../heap/definition.ts';
import { ARRAY_LENGTH_SLOT, ARRAY_SEGMENTS, ARRAY_VERSION_SLOT } from '../binding/layout.ts';
import type { Mutator } from '../heap/mutator.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { ReferenceHandle, Ref } from '../heap/units.ts';
import { VALUE_KINDS, type ValueKind, expectKind, Place, type RawValue } from './kinds.ts';
import { shapeIdOf, slotOf } from '../heap/object.ts';

const FIRST_LENGTH_LOG2 = 3;
/** Elements of the first segment. */
const FIRST_LENGTH = 1 << FIRST_LENGTH_LOG2;
const MAX_LENGTH = FIRST_LENGTH * (2 ** ARRAY_SEGMENTS - 1);
const LOADS_ARE_ORDERED = process.arch === 'x64';

/** What the operations need for one kind of element. */
interface Layout {
  readonly array: Shape;
  readonly segment: Shape;
  readonly place: Place;
}

const arrayDefinition = (kind: ValueKind) =>
  ({
    name: `faultline.array.${kind}`,
    fields: { segments: { array: 'ref', length: ARRAY_SEGMENTS }, lock: 'u32', version: 'u32', length: 'u32' },
  }) as const satisfies ShapeDefinition;

/** Operations on growable arrays by raw reference; one for each mutator. */
export class HeapArrays {
  readonly #mutator: Mutator;
  readonly #shapes: ShapeTable;
  readonly #native: Binding;
  readonly #handle: NativeMutator;
  /** By the shape id of the array. */
  readonly #layouts: (Layout | undefined)[] = [];
  /** By kind, so that making an array lays out nothing. */
  readonly #made = new Map<ValueKind, Layout>();
  /** The length of the array when an index was found out of range. Reading it later may be too late: the array moves at a safepoint. */
  #lengthSeen = 0;

  /** @internal Use heap.containers.arrays. */
  constructor(mutator: Mutator, shapes: ShapeTable) {
    this.#mutator = mutator;
    this.#shapes = shapes;
    ({ calls: this.#native, handle: this.#handle } = mutator.native);
  }

  /** A new, empty array. A safepoint; throws what `mutator.allocate` throws. */
  allocate(kind: ValueKind): Ref {
    expectKind(kind, VALUE_KINDS, 'kind of an array');
    let layout = this.#made.get(kind);
    if (layout === undefined) this.#made.set(kind, (layout = this.#layoutOf(this.#shapes.define(arrayDefinition(kind)))));
    return this.#mutator.allocate(layout.array);
  }

  /** The number of elements. Not a safepoint; a load. */
  length(array: Ref): number {
    this.#layoutAt(array);
    return Atomics.load(this.#mutator.u32, slotOf(array, ARRAY_LENGTH_SLOT));
  }

  /**
   * The element at `index`. Throws RangeError ERR_OPTION beyond the end. Some 30 ns. A safepoint only if another thread that is changing
   * the array's length does not finish in time.
   */
  get(array: Ref, index: number): RawValue {
    const layout = this.#layoutAt(array);
    const value = this.#find(array, index, layout);
    if (value === undefined) throw outOfRange(this.#lengthSeen, index);
    return this.#mutator.passedWith(value, layout.place.isReference);
  }

  /** The same, but undefined beyond the end. A safepoint, as {@link get} is. */
  find(array: Ref, index: number): RawValue | undefined {
    const layout = this.#layoutAt(array);
    return this.#mutator.passedWith(this.#find(array, index, layout), layout.place.isReference);
  }

  /** @internal What is at an index now, without a safepoint; null or zero where another thread has just taken the element away. */
  peek(array: Ref, index: number): RawValue | undefined {
    const { place, segment } = this.#layoutAt(array);
    const n = segmentOf(index);
    const at = this.#mutator.getReference(slotOf(array, 2 + n));
    return at === 0 ? undefined : place.load(at, segment.elementsOffset + index - firstIndexOf(n));
  }

  /** May be a safepoint, at its end. */
  #find(array: Ref, index: number, { place, segment }: Layout): RawValue | undefined {
    const { u32 } = this.#mutator;
    const versionSlot = slotOf(array, ARRAY_VERSION_SLOT);
    const version = Atomics.load(u32, versionSlot);
    if (LOADS_ARE_ORDERED && (version & 1) === 0) {
      const length = u32[slotOf(array, ARRAY_LENGTH_SLOT)]!;
      const inRange = isIndex(index) && index < length;
      const n = inRange ? segmentOf(index) : 0;
      const at = inRange ? u32[slotOf(array, 2 + n)]! : 0;
      const value = at === 0 ? undefined : place.load(at, segment.elementsOffset + index - firstIndexOf(n));
      if (Atomics.load(u32, versionSlot) === version) {
        if (!inRange) this.#lengthSeen = length;
        return value;
      }
    }
    return this.#findLocked(array, index, place);
  }

  /** A function of its own, because capturing `index` would allocate a context at each call of the one above. */
  #findLocked(array: Ref, index: number, place: Place): RawValue | undefined {
    const answerAt = (at: Ref): number => (isIndex(index) ? this.#native.getFromArray(this.#handle, at, index) : ARRAY.outOfRange);
    const get = (at: Ref): number => this.#noteLength(at, answerAt(at));
    return this.#again(get(array), array, 0, place, get) === ARRAY.done ? place.taken() : undefined;
  }

  /** Returns the answer; if that is out of range, reads the array's length while `array` is still valid. */
  #noteLength(array: Ref, answer: number): number {
    if (answer === ARRAY.outOfRange) this.#lengthSeen = this.length(array);
    return answer;
  }

  /** Stores the element at `index`. Throws RangeError ERR_OPTION beyond the end. Some 60 ns. A safepoint if another thread has the lock. */
  set(array: Ref, index: number, value: RawValue): void {
    const { place } = this.#layoutAt(array);
    place.check(value, 'element of the array');
    if (!isIndex(index)) throw outOfRange(this.length(array), index);
    place.pass(value);
    let answer = this.#noteLength(array, this.#native.setInArray(this.#handle, array, index));
    if (answer === ARRAY.contended) answer = this.#setAgain(array, index, value, place);
    if (answer !== ARRAY.done) throw outOfRange(this.#lengthSeen, index);
    this.#mutator.passed();
  }

  #setAgain(array: Ref, index: number, value: RawValue, place: Place): number {
    const set = (at: Ref): number => this.#noteLength(at, this.#native.setInArray(this.#handle, at, index));
    return this.#again(ARRAY.contended, array, value, place, set);
  }

  /** Appends, and returns the new length. Some 80 ns. A safepoint. If it throws what `mutator.allocate` throws, nothing was appended. */
  push(array: Ref, value: RawValue): number {
    const length = this.#push(array, value);
    this.#mutator.passed();
    return length;
  }

  #push(array: Ref, value: RawValue): number {
    const { place } = this.#layoutAt(array);
    place.check(value, 'element of the array');
    place.pass(value);
    const length = this.#native.pushToArray(this.#handle, array);
    return length > 0 ? length : this.#pushSlowly(array, value, place);
  }

  /** Removes and returns the last element; undefined when there is none. Some 80 ns. A safepoint if another thread has the lock. */
  pop(array: Ref): RawValue | undefined {
    const { place } = this.#layoutAt(array);
    // The safepoint comes first: a thread that is interrupted there has taken nothing.
    const here = this.#mutator.passedWith(array, true);
    let answer = this.#native.popFromArray(this.#handle, here, 0);
    if (answer === ARRAY.contended) answer = this.#again(answer, here, 0, place, (at) => this.#native.popFromArray(this.#handle, at, 0));
    // No call from here on: a thread that is interrupted in one would lose the element.
    return answer === ARRAY.done ? place.passed[0] : undefined;
  }

  /** @internal The same for references, which `read` converts first: if it throws, nothing has been taken. `read` is no safepoint. */
  popRead<T>(array: Ref, read: (value: RawValue) => T, undo: (made: T) => void): T | undefined {
    const { place } = this.#layoutAt(array);
    const mutator = this.#mutator;
    return mutator.operation(() => {
      const held = mutator.temporary(array);
      for (;;) {
        const at = mutator.get(held);
        const length = this.length(at);
        if (length === 0) return undefined;
        let answer = this.#native.getFromArray(this.#handle, at, length - 1);
        if (answer === ARRAY.done) {
          const value = place.taken();
          const made = read(value);
          place.pass(value);
          answer = this.#native.popFromArray(this.#handle, at, length);
          if (answer === ARRAY.done) return made;
          undo(made);
        }
        if (answer === ARRAY.contended) mutator.rest();
      }
    });
  }

  /** @internal The kind of the elements of an array of that shape. */
  kindOf(shape: Shape): ValueKind {
    return this.#layoutOf(shape).place.kind;
  }

  /** While the answer is that another thread has the lock, calls again, with the array and the value passed where they are then. */
  #again(answer: number, array: Ref, value: RawValue, place: Place, call: (array: Ref) => number): number {
    if (answer !== ARRAY.contended) return answer;
    const mutator = this.#mutator;
    return mutator.operation(() => {
      const held = mutator.temporary(array);
      return this.#untilFree(held, holdValue(mutator, place, value), place, call);
    });
  }

  #untilFree(held: ReferenceHandle, current: () => RawValue, place: Place, call: (array: Ref) => number): number {
    for (;;) {
      place.pass(current());
      const answer = call(this.#mutator.get(held));
      if (answer !== ARRAY.contended) return answer;
      this.#mutator.rest();
    }
  }

  #pushSlowly(array: Ref, value: RawValue, place: Place): number {
    const mutator = this.#mutator;
    const push = (at: Ref): number => this.#native.pushToArray(this.#handle, at);
    return mutator.operation(() => {
      const held = mutator.temporary(array);
      const made = mutator.temporary(0);
      const current = holdValue(mutator, place, value);
      for (;;) {
        const answer = this.#untilFree(held, current, place, push);
        if (answer > 0) return answer;
        const at = mutator.get(held);
        const wanted = segmentOf(this.length(at));
        if (wanted >= ARRAY_SEGMENTS) throw argumentRangeError('length of the array', `at most ${MAX_LENGTH}`, MAX_LENGTH + 1);
        mutator.set(made, mutator.allocate(this.#layoutAt(at).segment, FIRST_LENGTH << wanted));
        this.#untilFree(held, current, place, (to) => this.#native.installSegment(this.#handle, to, wanted, mutator.get(made)));
      }
    });
  }

  #layoutAt(array: Ref): Layout {
    this.#mutator.admit(array, 'heap.containers.arrays');
    const id = shapeIdOf(this.#mutator.u32, array);
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

/** @internal Holds a value across safepoints, for the rest of the operation. */
export function holdValue(mutator: Mutator, place: Place, value: RawValue): () => RawValue {
  if (!place.isReference) return () => value;
  const handle = mutator.temporary(value as Ref);
  return () => mutator.get(handle);
}

const isIndex = (index: number): boolean => typeof index === 'number' && index >>> 0 === index;

function outOfRange(length: number, index: number): RangeError {
  const accepted = length === 0 ? 'none (there are no elements)' : `an integer from 0 to ${length - 1}`;
  return argumentRangeError('index of the array', accepted, index);
}

// Shifts, because V8 computes powers in floating point.

/** The segment that an index (up to {@link MAX_LENGTH}) lies in. */
const segmentOf = (index: number): number => 31 - FIRST_LENGTH_LOG2 - Math.clz32(index + FIRST_LENGTH);

/** The first index in segment `n`. */
const firstIndexOf = (n: number): number => (FIRST_LENGTH << n) - FIRST_LENGTH;
