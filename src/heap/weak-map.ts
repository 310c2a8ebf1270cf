/**
 * Weak maps: hash tables in the heap, from objects to references. An entry is an ephemeron: it keeps its value alive as long as both its
 * key and the map are alive, and never keeps its key alive; a value may lead to its own key. Keys are compared by identity.
 *
 * Threads share a map like any object. Each operation takes effect at one moment between call and return (native/heap/weak_map.h); a thread
 * that finds the map in use by another one parks and waits for a moment.
 *
 * An entry is gone as soon as marking finds its key dead, even if a finalizer resurrects the key.
 */
import { WEAK_MAP, type Binding, type NativeMutator } from '../binding.ts';
import { argumentTypeError, detached, HeapError } from '../errors.ts';
import type { MutatorSetUp, PartOwner } from './mutator-set-up.ts';
import type { Shape } from './shapes.ts';
import type { ReferenceHandle, Ref } from './units.ts';
import { shapeIdOf } from './object.ts';

/** Operations on weak maps by raw reference, for one mutator (`mutator.weakMaps`). */
export class WeakMaps {
  readonly #mutator: PartOwner;
  readonly #native: Binding;
  readonly #handle: NativeMutator;
  readonly #setUp: MutatorSetUp;
  #map: Shape | undefined;
  #table: Shape | undefined;

  /** @internal Use mutator.weakMaps. */
  constructor(mutator: PartOwner, setUp: MutatorSetUp) {
    this.#mutator = mutator;
    this.#setUp = setUp;
    this.#native = setUp.host.native;
    this.#handle = setUp.handle;
  }

  /** The shape of weak maps. */
  get shape(): Shape {
    return (this.#map ??= this.#setUp.defineShape({
      name: 'faultline.weak-map',
      fields: { table: 'ref', lock: 'u32', used: 'u32' },
    }));
  }

  /** A new, empty map. A safepoint. Throws like `mutator.allocate`. */
  allocate(): Ref {
    return this.#mutator.allocate(this.shape);
  }

  /**
   * The value, or 0 when there is no entry. About 100 ns. A safepoint. Throws ERR_WRONG_SHAPE when `map` is no weak map, ERR_NO_IDENTITY as
   * {@link set} does, TypeError ERR_OPTION for the key 0.
   */
  get(map: Ref, key: Ref): Ref {
    return this.#mutator.passedWith(Math.max(0, this.#search(map, key)), true);
  }

  /** Whether there is an entry; its value may be 0. A safepoint. Throws like {@link get}. */
  has(map: Ref, key: Ref): boolean {
    const found = this.#search(map, key) !== WEAK_MAP.absent;
    this.#mutator.passed();
    return found;
  }

  /**
   * Makes or changes the entry of `key`. `value` is a reference, 0, or a tagged small integer. A safepoint: the table may have to grow,
   * and throws like `mutator.allocate` then. Throws ERR_NO_IDENTITY when the key's shape has elements and was defined without
   * `identityHash`.
   */
  set(map: Ref, key: Ref, value: Ref): void {
    this.#expect(map, key, 'weakMaps.set');
    this.#mutator.admitValue(value, 'weakMaps.set');
    if (typeof value !== 'number') throw argumentTypeError('value of the weak map', 'a reference or a small integer', value);
    const first = this.#checked(this.#native.setInWeakMap(this.#handle, map, key, value), [map, key, value]);
    if (first !== WEAK_MAP.done) this.#setSlowly(first, map, key, value);
    this.#mutator.passed();
  }

  /** Removes the entry, and returns whether there was one. A safepoint. Throws ERR_NO_IDENTITY, see {@link set}. */
  delete(map: Ref, key: Ref): boolean {
    this.#expect(map, key, 'weakMaps.delete');
    const answer = this.#untilFree([map, key], ([m, k]) => this.#native.deleteFromWeakMap(this.#handle, m!, k!));
    this.#mutator.passed();
    return answer === WEAK_MAP.done;
  }

  #search(map: Ref, key: Ref): number {
    this.#expect(map, key, 'weakMaps.get');
    return this.#untilFree([map, key], ([m, k]) => this.#native.getFromWeakMap(this.#handle, m!, k!));
  }

  #expect(map: Ref, key: Ref, place: string): void {
    const mutator = this.#mutator;
    mutator.admit(map, place);
    mutator.admit(key, place);
    if (shapeIdOf(mutator.u32, map) !== this.shape.id) {
      throw mutator.attached ? new HeapError('ERR_WRONG_SHAPE', `${place}: a weak map of the heap is needed.`) : detached(place);
    }
    if (key === 0) throw argumentTypeError('key of the weak map', 'an object', null);
  }

  #setSlowly(answer: number, map: Ref, key: Ref, value: Ref): void {
    const mutator = this.#mutator;
    mutator.operation(() => {
      const isReference = value < 2 ** 31;
      const [m, k, v] = [mutator.temporary(map), mutator.temporary(key), mutator.temporary(isReference ? value : 0)];
      const t = mutator.temporary(0);
      for (;;) {
        if (answer > 0) this.#install(answer, m, t);
        else mutator.rest();
        const current = isReference ? mutator.get(v) : value;
        const refs = [mutator.get(m), mutator.get(k), current] as const;
        answer = this.#checked(this.#native.setInWeakMap(this.#handle, ...refs), refs);
        if (answer === WEAK_MAP.done) return;
      }
    });
  }

  /** Installs a larger table, or one without dead entries. */
  #install(pairs: number, map: ReferenceHandle, table: ReferenceHandle): void {
    const mutator = this.#mutator;
    this.#table ??= this.#setUp.defineShape({ name: 'faultline.weak-table', elements: 'ephemeron' });
    mutator.set(table, mutator.allocate(this.#table, pairs));
    while (this.#native.installWeakTable(this.#handle, mutator.get(map), mutator.get(table)) === WEAK_MAP.contended) mutator.rest();
  }

  /** Calls again, with the objects where they are then, while another thread uses the map. */
  #untilFree(refs: readonly Ref[], call: (refs: readonly Ref[]) => number): number {
    const mutator = this.#mutator;
    const first = this.#checked(call(refs), refs);
    if (first !== WEAK_MAP.contended) return first;
    return mutator.operation(() => {
      const handles = refs.map((ref) => mutator.temporary(ref));
      for (;;) {
        mutator.rest();
        const current = handles.map((handle) => mutator.get(handle));
        const answer = this.#checked(call(current), current);
        if (answer !== WEAK_MAP.contended) return answer;
      }
    });
  }

  #checked(answer: number, [, ...objects]: readonly Ref[]): number {
    if (answer === WEAK_MAP.noIdentity) throw noIdentity();
    if (answer === WEAK_MAP.notAnObject) throw notAnObject('key or value of the weak map', objects.join(' or '));
    return answer;
  }
}

/** @internal The error for a reference at which there is no object. */
export function notAnObject(place: string, ref: Ref | string): HeapError {
  return new HeapError('ERR_WRONG_SHAPE', `${place}: no object lies at ${ref}; only references that the heap has given out can be used.`);
}

/** @internal */
export function noIdentity(): HeapError {
  return new HeapError(
    'ERR_NO_IDENTITY',
    'an object of a shape with elements has no identity hash; define the shape with identityHash: true.',
  );
}
