/**
 * Allocation: the slow path. The fast path is `Mutator.allocate`.
 *
 *     buffer full ──▶ native refill ──▶ new buffer, or memory for this one object
 *                        │ no region may be taken
 *                        ▼
 *            wait parked, in the queue for memory, for a collection
 *            the same for a full one
 *            ERR_HEAP_EXHAUSTED (at once if nothing is ever collected)
 */
import { type Binding, isRefusal, type NativeMutator, type Refusal } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { errorName } from '../gc/refusal-reasons.ts';
import { clockMs } from '../clock.ts';
import type { CollectionKind } from '../gc/requests.ts';
import { LARGE_OBJECT_WORDS, REGION_WORDS, WORD_BYTES } from '../binding/layout.ts';
import type { CollectionHost, Safepoint } from './safepoint.ts';
import type { Shape } from './shapes.ts';
import type { Ref } from './units.ts';

/**
 * How many full collections, each begun when this thread was first in the queue, may fail to give memory although little enough is alive:
 * because objects died only while they marked, or because a large object finds no contiguous regions.
 */
const FULL_COLLECTIONS = 3;

/** @internal An object to be allocated. */
export interface AllocationRequest {
  readonly shape: Shape;
  readonly count: number;
  readonly words: number;
  readonly pinnable: boolean;
}

/** @internal The slow path of one mutator. */
export class SlowAllocation {
  readonly #host: CollectionHost;
  readonly #native: Binding;
  readonly #mutator: NativeMutator;
  readonly #safepoint: Safepoint;

  constructor(host: CollectionHost, mutator: NativeMutator, safepoint: Safepoint) {
    this.#host = host;
    this.#native = host.native;
    this.#mutator = mutator;
    this.#safepoint = safepoint;
  }

  /**
   * Returns 0 if the buffer was refilled, otherwise a new object. A pinnable object never moves, as a large one.
   */
  take(request: AllocationRequest): Ref | 0 {
    const { words } = request;
    let answer = this.#attempt(request);
    for (let collections = 0; ; collections++) {
      if (typeof answer === 'number' && answer >= 0) return answer;
      // Cut short: the script does not run any more.
      if (answer === undefined) return 0;
      const hopeless = collections > FULL_COLLECTIONS || (collections > 1 && !isRefusal(answer) && !this.#couldFit(words));
      if (!this.#host.collects || hopeless) throw isRefusal(answer) ? noMemory(words, answer) : this.#exhausted(words);
      answer = this.#stall(collections === 0 ? 'compact' : 'full', request, collections > 0);
    }
  }

  /** Each wait for memory is one stall, whatever its result. */
  #stall(kind: CollectionKind, request: AllocationRequest, again: boolean): number | Refusal | undefined {
    const begin = clockMs();
    try {
      const { words, shape, count } = request;
      return this.#safepoint.awaitMemory(kind, 'exhausted', { words, shape: shape.id, count, stays: staysInPlace(request), again });
    } finally {
      this.#native.recordStall(this.#mutator, (clockMs() - begin) * 1000);
    }
  }

  /** One native call for an object of its own: a thread that is interrupted has taken nothing, or a whole object. */
  #attempt(request: AllocationRequest): number | Refusal | undefined {
    const { shape, count, words } = request;
    this.#safepoint.stop();
    return staysInPlace(request)
      ? this.#native.allocateInPlace(this.#mutator, words, shape.id, count)
      : this.#native.allocateSlow(this.#mutator, words, shape.id, count);
  }

  /** Whether the live data leave room for the object, with a region to spare for what is taken meanwhile. */
  #couldFit(words: number): boolean {
    const { liveBytes, capacityBytes } = this.#host.figures();
    return liveBytes + (words + REGION_WORDS) * WORD_BYTES <= capacityBytes;
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

/** Whether the object never moves. */
function staysInPlace({ words, pinnable }: AllocationRequest): boolean {
  return pinnable || words > LARGE_OBJECT_WORDS;
}

function noMemory(words: number, refusal: Refusal): HeapError {
  return new HeapError(
    'ERR_NO_MEMORY',
    `the system has no memory for ${mib(words * WORD_BYTES)} more of the heap file (${refusal.syscall}: ` +
      `${errorName(refusal.errno)}). Give the process more memory (a container's limit counts the heap file), or make ` +
      'the heap smaller.',
    { errno: refusal.errno, syscall: refusal.syscall, figures: { requestedBytes: words * WORD_BYTES } },
  );
}

function mib(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
