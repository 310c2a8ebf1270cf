/**
 * Handles: a mutator's roots, in its control block, where the collector finds and rewrites them.
 *
 *     control block   … │ temporaries │ local handles (a stack, by scope) │ handles (any order) │
 *
 * A handle is the index of its slot. Freed slots are zeroed and kept in a list in JavaScript.
 *
 * Local handles are for the program. The library has temporaries, which last for one operation, and operations do not nest: so an operation
 * that is interrupted leaves only its temporaries behind, until the next one begins.
 */
import { HeapError, InvariantError } from '../errors.ts';
import {
  CONTROL_FIRST_TEMPORARY,
  CONTROL_HANDLES_USED,
  CONTROL_LOCALS_USED,
  CONTROL_SCOPED_VIEWS,
  CONTROL_SCOPES,
  CONTROL_SLOTS,
  CONTROL_TEMPORARIES_USED,
} from '../binding/layout.ts';
import type { ReferenceHandle, Ref } from './units.ts';

/** @internal The method of an object that is called to release it at the end of the scope in which it was made. */
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
  /** What the open scopes will release, the innermost last. From CONTROL_SCOPED_VIEWS on: what interrupted scopes have left behind. */
  readonly #scoped: Scoped[] = [];

  constructor(control: Uint32Array, localCapacity: number, handleCapacity: number) {
    this.#control = control;
    this.#firstHandle = CONTROL_SLOTS + localCapacity;
    this.#localCapacity = localCapacity;
    this.#handleCapacity = handleCapacity;
  }

  // add, release and addLocal call nothing between their first change and their last, not even a built-in function, or the getter that an
  // imported name may be in bundled modules: so an interrupted thread has done all of it or nothing.

  add(ref: Ref): ReferenceHandle {
    const usedSlot = CONTROL_HANDLES_USED;
    const control = this.#control;
    let handle = this.#free.pop();
    if (handle === undefined) {
      if (this.#used >= this.#handleCapacity) throw this.#full('handles', this.#handleCapacity, 'handleCapacity');
      handle = this.#firstHandle + this.#used++;
      control[usedSlot] = this.#used;
    }
    control[handle] = ref;
    return handle;
  }

  release(handle: ReferenceHandle): void {
    const free = this.#free;
    this.#control[handle] = 0;
    if (handle >= this.#firstHandle && this.#handleCapacity > 0) free[free.length] = handle;
  }

  /** How many handles there are that were not released. */
  get inUse(): number {
    return this.#used - this.#free.length;
  }

  /** The mutator is detached: its handles lead nowhere, and there will be no new ones. */
  close(): void {
    this.#control.fill(0, CONTROL_SLOTS, this.#firstHandle + this.#used);
    this.#control[CONTROL_LOCALS_USED] = this.#control[CONTROL_HANDLES_USED] = this.#control[CONTROL_TEMPORARIES_USED] = 0;
    this.#free.length = 0;
    this.#localCapacity = this.#handleCapacity = this.#used = 0;
  }

  addLocal(ref: Ref): ReferenceHandle {
    const used = this.#control[CONTROL_LOCALS_USED]!;
    if (used >= this.#localCapacity) throw this.#full('local handles', this.#localCapacity, 'localCapacity');
    const handle = CONTROL_SLOTS + used;
    this.#control[handle] = ref;
    this.#control[CONTROL_LOCALS_USED] = used + 1;
    return handle;
  }

  /** Whether it is a local handle of an open scope, or a temporary. */
  isLocal(handle: ReferenceHandle): boolean {
    const control = this.#control;
    if (!Number.isInteger(handle) || handle < CONTROL_FIRST_TEMPORARY) return false;
    if (handle < CONTROL_SLOTS) return handle < CONTROL_FIRST_TEMPORARY + control[CONTROL_TEMPORARIES_USED]!;
    return handle < CONTROL_SLOTS + control[CONTROL_LOCALS_USED]!;
  }

  /** Releases `it` when the innermost scope ends; false if no scope is open. */
  adopt(it: Scoped): boolean {
    const control = this.#control;
    if (this.#scoped.length > control[CONTROL_SCOPED_VIEWS]!) this.#endScoped();
    if (control[CONTROL_SCOPES] === 0) return false;
    this.#scoped.push(it);
    control[CONTROL_SCOPED_VIEWS] = this.#scoped.length;
    return true;
  }

  /** Calls `run`, which makes sure that CONTROL_LOCALS_USED and the counts of scopes are the same afterwards, however it ends. */
  scope<T>(run: () => T): T {
    this.#endScoped();
    try {
      return run();
    } finally {
      try {
        this.#endScoped();
      } catch {
        // The stack is full. The scope still ends with the result of its body; the next scope releases its views.
      }
    }
  }

  /** Begins an operation of the library, and ends it. Its temporaries do not last into the next. */
  operation<T>(body: () => T): T {
    this.#control[CONTROL_TEMPORARIES_USED] = 0;
    try {
      return body();
    } finally {
      this.#control[CONTROL_TEMPORARIES_USED] = 0;
    }
  }

  /** The number of temporaries that the operation has, for {@link keepTemporaries}. */
  get temporaries(): number {
    return this.#control[CONTROL_TEMPORARIES_USED]!;
  }

  /** Releases the temporaries that the operation has taken since it had `count`. */
  keepTemporaries(count: number): void {
    this.#control[CONTROL_TEMPORARIES_USED] = count;
  }

  addTemporary(ref: Ref): ReferenceHandle {
    const control = this.#control;
    if (this.#handleCapacity === 0) throw this.#full('handles', 0, 'handleCapacity');
    const handle = CONTROL_FIRST_TEMPORARY + control[CONTROL_TEMPORARIES_USED]!;
    if (handle >= CONTROL_SLOTS) throw new InvariantError('an operation has no more temporaries than there are slots for');
    control[handle] = ref;
    control[CONTROL_TEMPORARIES_USED]!++;
    return handle;
  }

  /** One by one, so that a thread that is interrupted here leaves the rest for the next time. */
  #endScoped(): void {
    while (this.#scoped.length > this.#control[CONTROL_SCOPED_VIEWS]!) {
      this.#scoped[this.#scoped.length - 1]![END_SCOPE]();
      this.#scoped.length--;
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
