/**
 * Allocation: the slow path. The fast path is `Mutator.allocate`.
 *
 *     buffer full ──▶ native refill ──▶ new buffer, or memory for this one object
 *                        │ no region may be taken
 *                        ▼
 *            ask for a collection, wait parked, try again
 *            ask for a full one,   wait parked, try again
 *            ERR_HEAP_EXHAUSTED (at once where nothing is ever collected)
 *
 * Waiting is one native call, in which the whole thread is parked, so that it holds up no collection of any heap; and which the end of the
 * thread or of the script cuts short, with the mutator running again.
 */
import { ALLOCATION, type Binding, isRefusal, MEMORY, type MutatorHandle, type Refusal } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { errorName } from '../gc/refusal-reasons.ts';
import { clockMs } from '../clock.ts';
import type { CollectionKind, CollectionReason } from '../gc/requests.ts';
import { LARGE_OBJECT_WORDS, REGION_WORDS, WORD_BYTES } from './layout.ts';
import type { Shape } from './shapes.ts';
import type { Ref } from './units.ts';

/**
 * Full collections that may free enough for the request and yet leave it without, because other threads took the memory,
 * before this thread gives up.
 */
const FULL_COLLECTIONS = 3;

/** @internal What a mutator needs of its heap. */
export interface CollectionHost {
  readonly native: Binding;
  /** Asks for a collection; the answer is its number. */
  request(kind: CollectionKind, reason: CollectionReason): number;
  hasEnded(ticket: number): boolean;
  /** Called now and then by a waiting thread: starts a control thread if there is none any more. */
  keepControl(): void;
  /** Whether anything is ever collected. */
  readonly collects: boolean;
  figures(): { liveBytes: number; freeBytes: number; capacityBytes: number };
}

/** @internal An object to be. */
export interface AllocationRequest {
  readonly shape: Shape;
  readonly count: number;
  readonly words: number;
  readonly pinnable: boolean;
}

/** @internal The waiting half of one mutator. */
export class SlowAllocation {
  readonly #host: CollectionHost;
  readonly #native: Binding;
  readonly #mutator: MutatorHandle;

  constructor(host: CollectionHost, mutator: MutatorHandle) {
    this.#host = host;
    this.#native = host.native;
    this.#mutator = mutator;
  }

  /**
   * 0 when the buffer was refilled, else a new object. A pinnable object is given regions of its own, like a large one.
   */
  take(request: AllocationRequest): Ref | 0 {
    const { words } = request;
    let fullCollections = 0;
    let collections = 0;
    for (;;) {
      const answer = this.#attempt(request);
      if (typeof answer === 'number' && answer >= 0) return answer;
      if (!this.#host.collects || fullCollections === FULL_COLLECTIONS || (fullCollections > 0 && !this.#couldFit(words))) {
        throw isRefusal(answer) ? noMemory(words, answer) : this.#exhausted(words);
      }
      const kind: CollectionKind = collections === 0 ? 'compact' : 'full';
      if (kind === 'full') fullCollections++;
      collections++;
      this.#stall(this.#host.request(kind, 'exhausted'), words);
    }
  }

  /** Each wait for memory is one stall, whatever comes of it. */
  #stall(ticket: number, words: number): void {
    const begin = clockMs();
    this.awaitCollection(ticket, words);
    this.#native.recordStall(this.#mutator, (clockMs() - begin) * 1000);
  }

  /**
   * Waits for the end of a collection, parked. With `words`, an attempt is made whenever memory may have become free, and the
   * wait ends early if a region can be had.
   */
  awaitCollection(ticket: number, words?: number): void {
    const regions = words === undefined ? 0 : Math.max(1, Math.ceil(words / REGION_WORDS));
    while (this.#native.awaitMemory(this.#mutator, ticket, regions) === MEMORY.noControl) this.#host.keepControl();
  }

  park(): void {
    this.#native.park(this.#mutator);
  }

  unpark(): void {
    this.#native.unpark(this.#mutator);
  }

  /** One native call for an object of its own: who is interrupted has taken nothing, or an object. */
  #attempt({ shape, count, words, pinnable }: AllocationRequest): number | Refusal {
    this.#native.safepoint(this.#mutator);
    const taken = pinnable ? Math.max(words, LARGE_OBJECT_WORDS + 1) : words;
    const answer = this.#native.allocateSlow(this.#mutator, taken, shape.id, count);
    return answer === ALLOCATION.large ? this.#native.allocateLarge(this.#mutator, words, shape.id, count) : answer;
  }

  /** Whether the object would fit if all that is free were in one piece. */
  #couldFit(words: number): boolean {
    return this.#host.figures().freeBytes >= words * WORD_BYTES;
  }

  #exhausted(words: number): HeapError {
    const { liveBytes, freeBytes, capacityBytes } = this.#host.figures();
    const requestedBytes = words * WORD_BYTES;
    const large = words > LARGE_OBJECT_WORDS;
    return new HeapError(
      'ERR_HEAP_EXHAUSTED',
      `the heap is full: ${mib(requestedBytes)} requested, ${mib(liveBytes)} live and ${mib(freeBytes)} free of ` +
        `${mib(capacityBytes)} ${this.#host.collects ? 'after a full collection' : "where nothing is ever collected (fault: 'none')"}${
          large && freeBytes >= requestedBytes ? '; an object this large needs its memory in one piece' : ''
        }. Make the heap larger (capacityBytes, at most 16 GiB)${
          this.#host.collects ? ', or release handles so that less stays alive' : ", or let it collect (fault: 'auto')"
        }.`,
      { figures: { liveBytes, freeBytes, requestedBytes, capacityBytes } },
    );
  }
}

function noMemory(words: number, refusal: Refusal): HeapError {
  return new HeapError(
    'ERR_NO_MEMORY',
    `the system has no memory for ${mib(words * WORD_BYTES)} more of the heap file (${refusal.syscall}: ` +
      `${errorName(refusal.errno)}). Give the process more memory (a container's limit counts the heap file), or make ` +
      'the heap smaller than what is there.',
    { errno: refusal.errno, syscall: refusal.syscall, figures: { requestedBytes: words * WORD_BYTES } },
  );
}

function mib(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
