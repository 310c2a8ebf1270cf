/**
 * Views of locks and conditions.
 */
import { argumentTypeError, HeapError } from '../errors.ts';
import { OWNER, SLOT } from '../objects/object-view.ts';
import { ContainerView } from './container-view.ts';
import { WAITED } from './lock-words.ts';

/**
 * A lock in the heap. Its owner is a thread's mutator; who waits is parked, and blocks its thread. A lock whose owner has ended goes to
 * the next who wants it, and is `abandoned` then. Releasing a view does not unlock. Made by `heap.createLock`.
 */
export class HeapLock extends ContainerView {
  /**
   * Takes the lock, waiting up to `timeoutMs` (default: for ever; 0: not at all); whether this mutator has it now. A safepoint. Throws
   * ERR_LOCK_OWNED when it has it already.
   */
  lock(timeoutMs = Infinity): boolean {
    return this.operations.locks.lock(this.atSafepoint('lock'), timeoutMs);
  }

  /** Gives the lock back, and wakes who waits for it. Throws ERR_LOCK_NOT_OWNED. */
  unlock(): void {
    this.operations.locks.unlock(this.at('unlock'));
  }

  /**
   * Runs `body` with the lock, and gives it back whatever it throws, also where the stack is full. A safepoint. Throws ERR_LOCK_OWNED, and
   * what `body` throws. Only a time limit (`vm`, `timeout`) skips the giving back, as it skips every `finally`: the lock is `owned`
   * afterwards, with whatever the body had done by then, and is to be unlocked by who set the limit.
   */
  run<T>(body: () => T): T {
    const { locks } = this.operations;
    const { u32, control, id, word } = locks.means;
    const slot: typeof SLOT = SLOT;
    const waitedBit = WAITED;
    if (this.owned) this.lock(); // Which says so.
    let ended = false;
    try {
      this.lock();
      const answer = body();
      ended = true;
      return answer;
    } finally {
      // Nothing of JavaScript's is called before it is given back: where the body ended because the stack is full, there may be no room.
      const lock = control[this[slot]]!;
      const owned = lock !== 0 && (Atomics.load(u32, lock * 2 + word) & ~waitedBit) === id;
      const waited = owned && (Atomics.exchange(u32, lock * 2 + word, 0) & waitedBit) !== 0;
      if (waited) locks.wake(lock);
      else if (!owned && ended) this.unlock();
    }
  }

  /** Whether this thread's mutator has the lock. */
  get owned(): boolean {
    return this.operations.locks.isOwned(this.at('owned'));
  }

  /**
   * Whether the lock was taken over from a mutator that is no more, so that what it protects may be half changed, and nobody has called
   * {@link declareRepaired} since.
   */
  get abandoned(): boolean {
    return this.operations.locks.isAbandoned(this.at('abandoned'));
  }

  /** What the lock protects is as it should be again. Throws ERR_LOCK_NOT_OWNED. */
  declareRepaired(): void {
    this.operations.locks.declareRepaired(this.at('declareRepaired'));
  }
}

/** Waiting for something that another thread does with a lock held. Made by `heap.createCondition`. */
export class HeapCondition extends ContainerView {
  /**
   * Gives the lock back, waits for {@link notifyAll}, parked, up to `timeoutMs` (default: for ever), and takes the lock again, however
   * long that takes. Whether there was a notification; look in a loop at what is waited for. A safepoint. Throws ERR_LOCK_NOT_OWNED.
   */
  wait(lock: HeapLock, timeoutMs = Infinity): boolean {
    if (!(lock instanceof HeapLock)) throw argumentTypeError('lock', 'a lock of the heap', lock);
    if (lock[OWNER] !== this[OWNER]) throw new HeapError('ERR_FOREIGN_REFERENCE', 'lock: the lock belongs to another heap or mutator.');
    const at = this.atSafepoint('wait');
    return this.operations.conditions.wait(at, this[OWNER].refOfView(lock, 'lock'), timeoutMs);
  }

  /** Wakes all who wait; they go on one after the other, as they get the lock. The caller should have it. */
  notifyAll(): void {
    this.operations.conditions.notifyAll(this.at('notifyAll'));
  }
}
