/**
 * Views of locks and conditions.
 */
import { argumentTypeError, HeapError } from '../errors.ts';
import type { Ref } from '../heap/units.ts';
import { OWNER, SLOT } from '../objects/object-view.ts';
import { checkedWait, waitAsync, type WaitOptions } from './async-waits.ts';
import { ContainerView } from './container-view.ts';
import { WAITED } from './lock-words.ts';

/**
 * A lock in the heap. Its owner is a thread's mutator; a mutator that waits for the lock is parked, and its thread blocks. If the owner has
 * ended, the next mutator that wants the lock takes it over and finds it `abandoned`. Releasing a view does not unlock. Made by
 * `heap.createLock`.
 */
export class HeapLock extends ContainerView {
  /**
   * Takes the lock, waiting up to `timeoutMs` (default: for ever; 0: not at all). Returns whether this mutator has it now. A safepoint.
   * Throws ERR_LOCK_OWNED if this mutator has it already.
   */
  lock(timeoutMs = Infinity): boolean {
    return this.operations.locks.lock(this.atSafepoint('lock'), timeoutMs);
  }

  /** Releases the lock, and wakes a thread that waits for it. Throws ERR_LOCK_NOT_OWNED. */
  unlock(): void {
    this.operations.locks.unlock(this.refFor('unlock'));
  }

  /**
   * Runs `body` while holding the lock, and releases the lock whatever `body` throws, even if the stack is full. A safepoint. Throws
   * ERR_LOCK_OWNED, and what `body` throws. Only a time limit (`vm`, `timeout`) leaves the lock held, because it skips every `finally`: the
   * lock is `owned` afterwards, the body half done, and the code that set the limit has to unlock it.
   */
  run<T>(body: () => T): T {
    const { locks } = this.operations;
    const { u32, control, id, word } = locks.means;
    const slot: typeof SLOT = SLOT;
    const waitedBit = WAITED;
    if (this.owned) this.lock(); // Throws.
    let ended = false;
    try {
      this.lock();
      const answer = body();
      ended = true;
      return answer;
    } finally {
      // No JavaScript function is called before the lock is released, not even slotOf: if the body ended because the stack is full, there
      // may be no room for a call.
      const lock = control[this[slot]]!;
      const owned = lock !== 0 && (Atomics.load(u32, lock * 2 + word) & ~waitedBit) === id;
      const waited = owned && (Atomics.exchange(u32, lock * 2 + word, 0) & waitedBit) !== 0;
      if (waited) locks.wake(lock);
      else if (!owned && ended) this.unlock();
    }
  }

  /**
   * {@link lock} for a thread with an event loop, which goes on turning: resolves to whether this mutator got the lock in time. All tasks
   * of a thread have one mutator, so a task waits here while another has the lock, and a lock that one has taken another could release:
   * {@link acquire} and {@link runAsync} prevent that. If the signal aborts, rejects with its reason, without the lock. A safepoint.
   */
  async lockAsync(options: WaitOptions = {}): Promise<boolean> {
    this.atSafepoint('lockAsync');
    const { locks, lot } = this.operations;
    let take = (lock: Ref): boolean => locks.try(lock);
    const taken = await waitAsync(lot, options, {
      attempt: () => (take(this.refFor('lockAsync')) ? { value: true } : undefined),
      announce: () => {
        // Others may still sleep: the one that wakes them is who releases a lock that is marked.
        take = (lock) => locks.attempt(lock);
        return locks.ticket(this.refFor('lockAsync'));
      },
    });
    return taken ?? false;
  }

  /**
   * Takes the lock as {@link lockAsync} does, and resolves to what releases it: `using held = await lock.acquire()`. Rejects with the
   * signal's reason when that aborts; `AbortSignal.timeout(ms)` is one that does. A safepoint.
   */
  async acquire(options: Pick<WaitOptions, 'signal'> = {}): Promise<HeldLock> {
    const { signal } = checkedWait(options);
    const held = new Held(this);
    await this.lockAsync({ signal });
    held.begin();
    return held;
  }

  /**
   * {@link run} for a thread with an event loop: runs `body` while holding the lock, and releases the lock when what it returns has
   * settled. Resolves to that. Rejects like {@link acquire}, and with what `body` throws. A safepoint.
   */
  async runAsync<T>(body: () => Promise<T> | T, options: Pick<WaitOptions, 'signal'> = {}): Promise<T> {
    if (typeof body !== 'function') throw argumentTypeError('body of runAsync', 'a function', body);
    const held = await this.acquire(options);
    try {
      return await body();
    } finally {
      held.release();
    }
  }

  /** Whether this thread's mutator has the lock. */
  get owned(): boolean {
    return this.operations.locks.isOwned(this.refFor('owned'));
  }

  /**
   * Whether the lock was taken over from a mutator that has ended, so that what it protects may be half changed, and
   * {@link declareRepaired} has not been called since.
   */
  get abandoned(): boolean {
    return this.operations.locks.isAbandoned(this.refFor('abandoned'));
  }

  /** Declares that what the lock protects is consistent again. Throws ERR_LOCK_NOT_OWNED. */
  declareRepaired(): void {
    this.operations.locks.declareRepaired(this.refFor('declareRepaired'));
  }
}

/** A lock that a task has, from {@link HeapLock.acquire}. */
export interface HeldLock extends Disposable {
  /** Releases the lock. Releasing twice does nothing. */
  release(): void;
}

class Held implements HeldLock {
  readonly #lock: HeapLock;
  #holds = false;

  constructor(lock: HeapLock) {
    this.#lock = lock;
  }

  begin(): void {
    this.#holds = true;
  }

  release(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#lock.unlock();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Waits for a change that another thread makes with a lock held. Made by `heap.createCondition`. */
export class HeapCondition extends ContainerView {
  /**
   * Releases the lock, waits for {@link notifyAll}, parked, up to `timeoutMs` (default: for ever), and takes the lock again, however long
   * that takes. Returns whether there was a notification; test what you wait for in a loop. A safepoint. Throws ERR_LOCK_NOT_OWNED.
   */
  wait(lock: HeapLock, timeoutMs = Infinity): boolean {
    this.#expectLock(lock);
    const at = this.atSafepoint('wait');
    return this.operations.conditions.wait(at, this[OWNER].refOfView(lock, 'lock'), timeoutMs);
  }

  /**
   * {@link wait} for a thread with an event loop, which goes on turning: resolves to whether there was a notification, with the lock taken
   * again. If the signal aborts, rejects with its reason, with the lock taken again too. A safepoint. Rejects with ERR_LOCK_NOT_OWNED.
   */
  async waitAsync(lock: HeapLock, options: WaitOptions = {}): Promise<boolean> {
    this.#expectLock(lock);
    checkedWait(options);
    const { conditions, lot } = this.operations;
    const sequence = conditions.sequence(this.atSafepoint('waitAsync'));
    lock.unlock();
    try {
      const notified = await waitAsync(lot, options, {
        attempt: () => (conditions.sequence(this.refFor('waitAsync')) === sequence ? undefined : { value: true }),
        announce: () => conditions.announce(this.refFor('waitAsync')),
      });
      return notified ?? false;
    } finally {
      await lock.lockAsync();
    }
  }

  #expectLock(lock: HeapLock): void {
    if (!(lock instanceof HeapLock)) throw argumentTypeError('lock', 'a lock of the heap', lock);
    if (lock[OWNER] !== this[OWNER]) throw new HeapError('ERR_FOREIGN_REFERENCE', 'lock: the lock belongs to another heap or mutator.');
  }

  /** Wakes all waiting threads; they continue one after the other, as they get the lock. The caller should have it. */
  notifyAll(): void {
    this.operations.conditions.notifyAll(this.refFor('notifyAll'));
  }
}
