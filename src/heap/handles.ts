/**
 * Handles: a mutator's roots, in its control block, where the collector finds and rewrites them.
 *
 *     control block   … │ local handles (a stack, by scope) │ handles (any order) │
 *
 * A handle is the index of its slot. Freed slots are zeroed and kept in a list on the JavaScript side.
 */
import { HeapError } from '../errors.ts';
import { CONTROL_HANDLES_USED, CONTROL_LOCALS_USED, CONTROL_SLOTS } from './layout.ts';
import type { ReferenceHandle, Ref } from './units.ts';

/** @internal What is let go at the end of the scope it was made in has a method of this name. */
export const END_SCOPE = Symbol('end scope');

/** @internal */
export interface Scoped {
  [END_SCOPE](): void;
}

/** @internal */
export class HandleTable {
  readonly #control: Uint32Array;
  readonly #firstHandle: number;
  #localCapacity: number;
  #handleCapacity: number;
  readonly #free: ReferenceHandle[] = [];
  #used = 0;
  #scopes = 0;
  /** What the open scopes will let go, the innermost last. */
  readonly #scoped: Scoped[] = [];

  constructor(control: Uint32Array, localCapacity: number, handleCapacity: number) {
    this.#control = control;
    this.#firstHandle = CONTROL_SLOTS + localCapacity;
    this.#localCapacity = localCapacity;
    this.#handleCapacity = handleCapacity;
  }

  add(ref: Ref): ReferenceHandle {
    let handle = this.#free.pop();
    if (handle === undefined) {
      if (this.#used >= this.#handleCapacity) throw this.#full('handles', this.#handleCapacity, 'handleCapacity');
      handle = this.#firstHandle + this.#used++;
      this.#control[CONTROL_HANDLES_USED] = this.#used;
    }
    this.#control[handle] = ref;
    return handle;
  }

  release(handle: ReferenceHandle): void {
    this.#control[handle] = 0;
    if (handle >= this.#firstHandle && this.#handleCapacity > 0) this.#free.push(handle);
  }

  /** The mutator is gone: its handles lead nowhere, and there will be no new ones. */
  close(): void {
    this.#control.fill(0, CONTROL_SLOTS, this.#firstHandle + this.#used);
    this.#control[CONTROL_LOCALS_USED] = this.#control[CONTROL_HANDLES_USED] = 0;
    this.#free.length = 0;
    this.#localCapacity = this.#handleCapacity = 0;
  }

  addLocal(ref: Ref): ReferenceHandle {
    const used = this.#control[CONTROL_LOCALS_USED]!;
    if (used >= this.#localCapacity) throw this.#full('local handles', this.#localCapacity, 'localCapacity');
    const handle = CONTROL_SLOTS + used;
    this.#control[handle] = ref;
    this.#control[CONTROL_LOCALS_USED] = used + 1;
    return handle;
  }

  /** Whether it is a local handle of an open scope. */
  isLocal(handle: ReferenceHandle): boolean {
    return Number.isInteger(handle) && handle >= CONTROL_SLOTS && handle < CONTROL_SLOTS + this.#control[CONTROL_LOCALS_USED]!;
  }

  /** Lets go of `it` when the innermost scope ends; false when none is open. */
  adopt(it: Scoped): boolean {
    if (this.#scopes === 0) return false;
    this.#scoped.push(it);
    return true;
  }

  scope<T>(body: () => T): T {
    const used = this.#control[CONTROL_LOCALS_USED]!;
    const adopted = this.#scoped.length;
    this.#scopes++;
    try {
      return body();
    } finally {
      this.#scopes--;
      while (this.#scoped.length > adopted) this.#scoped.pop()![END_SCOPE]();
      this.#control.fill(0, CONTROL_SLOTS + used, CONTROL_SLOTS + this.#control[CONTROL_LOCALS_USED]!);
      this.#control[CONTROL_LOCALS_USED] = used;
    }
  }

  #full(what: string, capacity: number, option: string): HeapError {
    if (capacity === 0) return new HeapError('ERR_MUTATOR_DETACHED', 'the mutator is detached from its heap; attach again.');
    return new HeapError(
      'ERR_HANDLES_EXHAUSTED',
      `all ${capacity} ${what} of this mutator are in use; release some, or attach with a larger ${option}.`,
      { figures: { capacity } },
    );
  }
}
