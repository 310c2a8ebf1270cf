/**
 * Mutator set-up: what a heap passes to a new mutator, and the mutator as its parts see it: weak maps, weak references, finalizers.
 */
import type { NativeMutator } from '../binding.ts';
import type { CollectionHost } from './safepoint.ts';
import type { Shape, ShapeDefinition } from './shapes.ts';
import type { ReferenceHandle, Ref } from './units.ts';
import type { Words } from './words.ts';

/** @internal */
export interface MutatorSetUp {
  readonly host: CollectionHost;
  readonly words: Words;
  readonly handle: NativeMutator;
  readonly control: Uint32Array;
  readonly localCapacity: number;
  readonly handleCapacity: number;
  readonly stressEvery: number;
  readonly stressFaults: boolean;
  readonly checked: boolean;
  readonly defineShape: (definition: ShapeDefinition) => Shape;
  /** Whether the shape is one of this heap. */
  readonly isOwn: (shape: Shape) => boolean;
  /** Where objects of leaf shapes are allocated, as {@link Shape.tlabTop} says it. */
  readonly leafTlabTop: number;
  readonly onDetach: () => void;
}

/** @internal What the parts of a mutator need: its methods of the same names. */
export interface PartOwner {
  readonly u32: Uint32Array;
  readonly attached: boolean;
  allocate(shape: Shape, count?: number): Ref;
  readWeak(slot: number): Ref;
  admit(ref: Ref, place: string): void;
  admitValue(value: number, place: string): void;
  get(handle: ReferenceHandle): Ref;
  set(handle: ReferenceHandle, ref: Ref): void;
  operation<T>(body: () => T): T;
  temporary(ref: Ref): ReferenceHandle;
  rest(): void;
  passed(): void;
  passedWith<T extends number | bigint | undefined>(answer: T, isReference: boolean): T;
}
