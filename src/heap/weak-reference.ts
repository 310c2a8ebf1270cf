/**
 * Weak references: objects that refer to others and keep nothing alive. A weak reference is an object with one element of kind `weak`;
 * shapes of your own may have any number of such elements, and fields before them (`mutator.readWeak` reads their slots).
 *
 * It is cleared when marking finds that no strong reference leads to its object: at once, before anything else learns that the object has
 * died, and for good. If a finalizer resurrects the object, the weak reference stays cleared.
 */
import { detached, HeapError } from '../errors.ts';
import type { MutatorSetUp, PartOwner } from './mutator-set-up.ts';
import type { Shape } from './shapes.ts';
import type { Ref } from './units.ts';
import { shapeIdOf, slotOf } from './object.ts';

/** Operations on weak references by raw reference, for one mutator (`mutator.weakReferences`). */
export class WeakReferences {
  readonly #mutator: PartOwner;
  readonly #setUp: MutatorSetUp;
  #shape: Shape | undefined;

  /** @internal Use mutator.weakReferences. */
  constructor(mutator: PartOwner, setUp: MutatorSetUp) {
    this.#mutator = mutator;
    this.#setUp = setUp;
  }

  /** The shape of weak references. */
  get shape(): Shape {
    return (this.#shape ??= this.#setUp.defineShape({ name: 'faultline.weak-reference', elements: 'weak' }));
  }

  /** A new weak reference to the object. A safepoint. Throws like `mutator.allocate`. */
  allocate(ref: Ref): Ref {
    const mutator = this.#mutator;
    mutator.admit(ref, 'weakReferences.allocate');
    return mutator.operation(() => {
      const object = mutator.temporary(ref);
      const reference = mutator.allocate(this.shape, 1);
      mutator.u32[slotOf(reference, this.shape.elementsOffset)] = mutator.get(object);
      return reference;
    });
  }

  /** The object, or 0 when it has died. A few ns; not a safepoint. Throws ERR_WRONG_SHAPE when `reference` is no weak reference. */
  get(reference: Ref): Ref {
    return this.#mutator.readWeak(this.#slotOf(reference, 'weakReferences.get'));
  }

  /** Clears the reference. Throws ERR_WRONG_SHAPE. */
  clear(reference: Ref): void {
    this.#mutator.u32[this.#slotOf(reference, 'weakReferences.clear')] = 0;
  }

  #slotOf(reference: Ref, place: string): number {
    this.#mutator.admit(reference, place);
    const { id, elementsOffset } = this.shape;
    if (shapeIdOf(this.#mutator.u32, reference) !== id) throw notWeakReference(place, this.#mutator.attached);
    return slotOf(reference, elementsOffset);
  }
}

function notWeakReference(place: string, attached: boolean): HeapError {
  return attached ? new HeapError('ERR_WRONG_SHAPE', `${place}: a weak reference is needed.`) : detached(place);
}
