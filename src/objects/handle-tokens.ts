/**
 * Handle tokens: roots that pass references from one thread to another. A token is a plain object for `postMessage`; the root is in a slot
 * that all threads share, so it outlives the thread that offered it. A token is redeemed once, by the thread that comes first.
 *
 * One stamp per slot: the state in its lowest two bits, above them how often the slot was used:
 *
 *     free ──offer: CAS──▶ filling ──store──▶ offered ──redeem, withdraw: CAS──▶ emptying ──store──▶ free, next use
 *
 * The compare-and-swap is acquire and release for the slot: the thread that has moved the stamp to filling or emptying owns the slot, and
 * no other thread touches it. After that come only plain stores, where those are seen in order (x64), so that no thread can be interrupted
 * or terminated half way. Elsewhere such an interruption costs one of a thousand slots.
 */
import { argumentTypeError, HeapError } from '../errors.ts';
import type { ObjectView } from './object-view.ts';
import type { SharedSlots } from './shared-slots.ts';
import type { ViewOwner } from './view-owner.ts';

declare const offered: unique symbol;

/** A root that passes a reference to another thread, to what a view of type `V` leads to; a plain object for `postMessage`. */
export interface HandleToken<V = any> {
  /** Only for the compiler. */
  readonly [offered]?: V;
  /** The heap's number in this process. */
  readonly heap: number;
  /** Which of the shared slots. */
  readonly slot: number;
  /** Which use of the slot. */
  readonly stamp: number;
}

const FREE = 0;
const FILLING = 1;
const OFFERED = 2;
const EMPTYING = 3;
const STATE_BITS = 3;

const STORES_ARE_ORDERED = process.arch === 'x64';

const isU32 = (value: unknown): boolean => typeof value === 'number' && value >>> 0 === value;

/** @internal */
export class HandleTokens {
  readonly #objects: ViewOwner;
  readonly #roots: Uint32Array;
  readonly #stamps: Uint32Array;
  readonly #heap: number;
  /** Where the last free slot was found. */
  #next = 0;

  constructor(objects: ViewOwner, { offered, stamps }: SharedSlots, heap: number) {
    this.#objects = objects;
    this.#roots = offered;
    this.#stamps = stamps;
    this.#heap = heap;
  }

  offer(view: ObjectView): HandleToken {
    const ref = this.#objects.toReference(view, 'heap.offer', undefined);
    if (ref === 0) throw argumentTypeError('offer', 'a view that leads to an object', view === null ? null : 'a cursor that leads nowhere');
    const slot = this.#claim();
    this.#roots[slot] = ref;
    const stamp = (this.#stamps[slot]! & ~STATE_BITS) | OFFERED;
    if (STORES_ARE_ORDERED) this.#stamps[slot] = stamp;
    else Atomics.store(this.#stamps, slot, stamp);
    return { heap: this.#heap, slot, stamp: stamp >>> 0 };
  }

  redeem(token: HandleToken): ObjectView {
    this.#objects.expectRunning('heap.redeem');
    this.#check(token);
    // The view is made before the slot is taken, so that a thread that has no handle left, or is interrupted, leaves the offer as it is.
    const ref = this.#isOffered(token) ? this.#roots[token.slot]! : 0;
    const view = ref === 0 ? undefined : this.#objects.viewOf(ref);
    if (view !== undefined && this.#take(token)) return view;
    view?.release();
    throw new HeapError('ERR_TOKEN_SPENT', 'the handle token was redeemed or withdrawn before; a token can be used once.');
  }

  withdraw(token: HandleToken): boolean {
    // If the mutator were parked, a pause might be rewriting the slot that is cleared here.
    this.#objects.expectRunning('heap.withdraw');
    this.#check(token);
    return this.#isOffered(token) && this.#take(token);
  }

  #claim(): number {
    const count = this.#stamps.length;
    for (let i = 0; i < count; i++) {
      const slot = (this.#next + i) % count;
      const stamp = Atomics.load(this.#stamps, slot);
      if ((stamp & STATE_BITS) !== FREE || Atomics.compareExchange(this.#stamps, slot, stamp, stamp | FILLING) !== stamp) continue;
      this.#next = (slot + 1) % count;
      return slot;
    }
    throw new HeapError('ERR_TOKENS_EXHAUSTED', `${count} handle tokens are under way; redeem or withdraw some.`, { figures: { count } });
  }

  #check(token: HandleToken): void {
    if (typeof token !== 'object' || token === null || !Number.isInteger(token.slot) || !isU32(token.stamp)) {
      throw argumentTypeError('token', 'a handle token of heap.offer', token);
    }
    if (token.heap !== this.#heap) {
      throw new HeapError('ERR_FOREIGN_REFERENCE', 'the handle token was made in another heap.');
    }
  }

  #isOffered({ slot, stamp }: HandleToken): boolean {
    return (stamp & STATE_BITS) === OFFERED && slot >= 0 && slot < this.#stamps.length && Atomics.load(this.#stamps, slot) >>> 0 === stamp;
  }

  /** Empties the slot, unless another thread does. */
  #take({ slot, stamp }: HandleToken): boolean {
    const base = stamp & ~STATE_BITS;
    if (Atomics.compareExchange(this.#stamps, slot, stamp, base | EMPTYING) >>> 0 !== stamp) return false;
    this.#roots[slot] = 0;
    if (STORES_ARE_ORDERED) this.#stamps[slot] = base + STATE_BITS + 1;
    else Atomics.store(this.#stamps, slot, base + STATE_BITS + 1);
    return true;
  }
}
