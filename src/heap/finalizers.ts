/**
 * Finalizers: tell a program which of its objects have died. `mutator.finalizeLater` registers an object with a held value; when a
 * collection has found the object dead, `heap.finalizable()` delivers both. No code of the program runs inside the collector.
 *
 * The table and the queue are in native/heap/finalizers.h; here mutators register objects, and threads listen.
 */
import { clearInterval, setInterval } from 'node:timers';
import type { MutatorSetUp, PartOwner } from './mutator-set-up.ts';
import { FINALIZER_ENTRIES } from '../binding/layout.ts';
import type { ReferenceHandle, Ref } from './units.ts';
import { notAnObject } from './weak-map.ts';

/** An object that has died, kept for its finalizer. */
export interface Finalizable {
  /** The number with which the object was registered. */
  readonly heldValue: number;
  /** A handle of this thread's mutator to the object; release it. Undefined in a thread without a mutator. */
  readonly handle: ReferenceHandle | undefined;
}

/** Objects as they die; see `heap.finalizable()`. */
export type Finalizables = AsyncIterableIterator<Finalizable>;

/** How often a listener that keeps its thread alive checks by itself. */
const LOOK_MS = 1000;

/** @internal The heap's finalizers for one mutator. */
export class FinalizerTable {
  readonly #mutator: PartOwner;
  readonly #setUp: MutatorSetUp;

  constructor(mutator: PartOwner, setUp: MutatorSetUp) {
    this.#mutator = mutator;
    this.#setUp = setUp;
  }

  add(ref: Ref, heldValue: number): void {
    const { handle, host } = this.#setUp;
    const added = host.native.addFinalizer(handle, ref, heldValue);
    if (added === null) throw notAnObject('mutator.finalizeLater', ref);
    if (added) return;
    const mutator = this.#mutator;
    mutator.operation(() => {
      const object = mutator.temporary(ref);
      const waiting = mutator.temporary(0);
      do this.#addEntries(waiting);
      while (!host.native.addFinalizer(handle, mutator.get(object), heldValue));
    });
  }

  take(handle: ReferenceHandle): Finalizable | null {
    const heldValue = this.#setUp.host.native.takeFinalizable(this.#setUp.handle, handle);
    return heldValue === null ? null : { heldValue, handle };
  }

  #addEntries(waiting: ReferenceHandle): void {
    const mutator = this.#mutator;
    const { defineShape, handle, host } = this.#setUp;
    const shape = defineShape({ name: 'faultline.finalizers-waiting', elements: 'finalizable' });
    mutator.set(waiting, mutator.allocate(shape, FINALIZER_ENTRIES));
    const kept = mutator.allocate(defineShape({ name: 'faultline.finalizers-kept', elements: 'ref' }), FINALIZER_ENTRIES);
    host.native.addFinalizers(handle, mutator.get(waiting), kept);
  }
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Finalizable>) => void;
  readonly reject: (error: unknown) => void;
}

/** @internal One thread's listeners. */
export class FinalizableQueue {
  readonly #take: () => Finalizable | null;
  readonly #listeners = new Set<Listener>();
  #closed = false;

  constructor(take: () => Finalizable | null) {
    this.#take = take;
  }

  listen(keepAlive: boolean): Finalizables {
    const listener = new Listener(this.#take, keepAlive, () => this.#listeners.delete(listener));
    if (this.#closed) listener.end();
    else this.#listeners.add(listener);
    return listener;
  }

  /** There may be something to take. */
  wake(): void {
    for (const listener of this.#listeners) listener.look();
  }

  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) listener.end();
  }
}

class Listener implements Finalizables {
  readonly #take: () => Finalizable | null;
  readonly #keepAlive: boolean;
  readonly #onEnd: () => void;
  readonly #waiters: Waiter[] = [];
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(take: () => Finalizable | null, keepAlive: boolean, onEnd: () => void) {
    this.#take = take;
    this.#keepAlive = keepAlive;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Finalizable>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.look();
      if (this.#keepAlive && this.#waiters.length > 0) this.#timer ??= setInterval(() => this.look(), LOOK_MS);
    });
  }

  async return(): Promise<IteratorResult<Finalizable>> {
    this.end();
    return { done: true, value: undefined };
  }

  look(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      try {
        const value = this.#ended ? null : this.#take();
        if (value === null && !this.#ended) return;
        this.#waiters.shift();
        waiter.resolve(value === null ? { done: true, value: undefined } : { done: false, value });
      } catch (error) {
        this.#waiters.shift();
        waiter.reject(error);
      }
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  end(): void {
    this.#ended = true;
    this.look();
    this.#onEnd();
  }
}
