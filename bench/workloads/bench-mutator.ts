/**
 * BenchMutator: a mutator in JavaScript as a language runtime would use it. Objects are bumped from the allocation buffer inline,
 * references that must survive a safepoint lie in a root range, fields are accessed as elements of `u32` and `f64`.
 *
 * How references are loaded and stored depends on the heap: plainly where the marker and the barrier need nothing
 * ({@link BenchMutator}), through the mutator's own functions where they do ({@link BarrieredMutator}). One process uses one of the
 * two, so the compiler sees one kind and inlines it.
 */
import type { Heap, Mutator, Ref, Shape } from 'faultline';

/** Root slots; all of them are visited in every pause. */
export const ROOTS = 1024;

/** A shape, and what an allocation has to know of it. */
export interface BenchShape {
  readonly shape: Shape;
  readonly fixedWords: number;
  readonly references: number;
  /** Its elements are references, else doubles. */
  readonly ofReferences: boolean;
  /** Of the first element, in words from the object's start (doubles), or in u32 slots (references). */
  readonly elements: number;
  /** The control block's words for the buffer that its objects are taken from. */
  readonly top: number;
  readonly limit: number;
}

export class BenchMutator {
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  /** Root slots by number. */
  readonly roots: Uint32Array;
  readonly #heap: Heap;
  readonly #mutator: Mutator;
  readonly #control: Uint32Array;

  constructor(heap: Heap, mutator: Mutator) {
    this.#heap = heap;
    this.#mutator = mutator;
    ({ u32: this.u32, f64: this.f64 } = mutator);
    const range = mutator.createRootRange(ROOTS);
    range.used = ROOTS;
    this.roots = range.slots;
    this.#control = mutator.allocationBuffer.control;
  }

  /** Reference fields, then u32 fields, then elements: references, doubles, or none. */
  defineShape(name: string, references: number, dataSlots: number, elements: 'none' | 'references' | 'doubles' = 'none'): BenchShape {
    const fields = (prefix: string, count: number, kind: 'ref' | 'u32'): [string, 'ref' | 'u32'][] =>
      Array.from({ length: count }, (_, i) => [`${prefix}${i}`, kind]);
    const shape = this.#heap.defineShape({
      name,
      fields: Object.fromEntries([...fields('r', references, 'ref'), ...fields('d', dataSlots, 'u32')]),
      ...(elements === 'none' ? {} : { elements: elements === 'references' ? ('ref' as const) : ('f64' as const) }),
    }) as Shape;
    const { top, limit, leafTop, leafLimit } = this.#mutator.allocationBuffer;
    return {
      shape,
      fixedWords: shape.fixedWords,
      references,
      ofReferences: elements === 'references',
      elements: shape.elementsOffset,
      ...(shape.isLeaf ? { top: leafTop, limit: leafLimit } : { top, limit }),
    };
  }

  /** Reference fields, then elements: references, or doubles. */
  defineArray(name: string, references: number, ofReferences: boolean): BenchShape {
    return this.defineShape(name, references, 0, ofReferences ? 'references' : 'doubles');
  }

  /** A zeroed object with its header. A safepoint. Throws what {@link Mutator.allocate} throws. */
  allocate(shape: BenchShape, count = 0): Ref {
    const words = shape.fixedWords + (shape.ofReferences ? (count + 1) >>> 1 : count);
    const control = this.#control;
    const ref = control[shape.top]!;
    if (ref + words > control[shape.limit]!) return this.#mutator.allocate(shape.shape, count);
    this.u32[ref * 2 + 1] = count; // before the shape: a shape of 0 says that this is not an object yet
    this.u32[ref * 2] = shape.shape.id;
    control[shape.top] = ref + words;
    return ref;
  }

  /** The reference in a slot of an object. */
  load(slot: number): Ref {
    return this.u32[slot]!;
  }

  /** Stores into a slot of an object that is in use; the first stores into a new one need nothing but `u32[slot] = ref`. */
  store(slot: number, ref: Ref): void {
    this.u32[slot] = ref;
  }

  /** How many elements an object has. */
  count(ref: Ref): number {
    return this.u32[ref * 2 + 1]!;
  }

  /** A safepoint. */
  poll(): void {
    this.#mutator.poll();
  }
}

/** For the marker `satb`, and for a heap whose references are read through a barrier. */
export class BarrieredMutator extends BenchMutator {
  readonly #through: Mutator;

  constructor(heap: Heap, mutator: Mutator) {
    super(heap, mutator);
    this.#through = mutator;
  }

  override load(slot: number): Ref {
    return this.#through.getReference(slot);
  }

  override store(slot: number, ref: Ref): void {
    this.#through.setReference(slot, ref);
  }
}
