/**
 * Token: what a thread needs to attach to a heap. A plain object that goes through workerData or a message; the two buffers in
 * it are shared, not copied.
 */
import { types } from 'node:util';
import { binding, type HeapDescription } from '../binding.ts';
import { HeapError } from '../errors.ts';
import type { PolicyOptions, WorkerOptions } from '../gc/policy/policy-options.ts';

/** What a thread needs to attach to a heap. Valid only in this process, while the heap is open. */
export interface HeapToken {
  /** The heap's number in this process. */
  readonly id: number;
  /** The buffer that contains the mutator view. */
  readonly view: SharedArrayBuffer;
  /** The root slots that all threads share. */
  readonly roots: SharedArrayBuffer;
  /** The option of that name. */
  readonly stressEvery: number;
  /** The option of that name. */
  readonly checked: boolean;
  /** So that collections follow the same policy, whichever thread has to start a control thread. */
  readonly policy: PolicyOptions;
  /** The number of GC workers, and their niceness. */
  readonly workers: WorkerOptions;
}

/** A few bytes are enough for the addon to find the buffer's address. */
export const ADDRESS_BYTES = 16;

/** @internal The heap of a token; undefined if this process has no such open heap. */
export function attachedTo(token: HeapToken): HeapDescription | undefined {
  const malformed =
    typeof token !== 'object' ||
    token === null ||
    // Not instanceof: a message that was received in another vm context contains buffers of that context.
    !types.isSharedArrayBuffer(token.view) ||
    !types.isSharedArrayBuffer(token.roots);
  if (malformed) return undefined;
  return binding().attach(token.id, new Uint8Array(token.view, 0, ADDRESS_BYTES), new Uint32Array(token.roots)) ?? undefined;
}

/** @internal The same; throws ERR_HEAP_UNKNOWN if there is none. */
export function attachNative(token: HeapToken): { description: HeapDescription } {
  const description = attachedTo(token);
  if (description === undefined) {
    throw new HeapError(
      'ERR_HEAP_UNKNOWN',
      'the token belongs to no open heap of this process; pass heap.token of an open heap in workerData or a message.',
    );
  }
  return { description };
}
