/**
 * Attachment: how a thread becomes a mutator. Its control block, with the handles after it, is made here, and the address is passed to
 * native code.
 *
 *     control block   state, TLAB, … │ local handles │ handles │ log of the write barrier
 */
import type { Binding, NativeHeap, NativeMutator } from '../binding.ts';
import { argumentRangeError, HeapError, optionsOf } from '../errors.ts';
import { CONTROL_SLOTS, LOG_ENTRIES } from '../binding/layout.ts';

/** Options of a thread that becomes a mutator. */
export interface MutatorOptions {
  /** Handles that may exist at once, 1 to 2^26. Default 65,536; memory is used as they are. */
  handleCapacity?: number;
  /** Local handles of all open scopes, 1 to 2^26. Default 4,096. */
  localCapacity?: number;
}

const DEFAULT_HANDLES = 65_536;
const DEFAULT_LOCALS = 4_096;
const MAX_HANDLES = 2 ** 26;

/** @internal */
export interface Attachment {
  readonly handle: NativeMutator;
  readonly control: Uint32Array;
  readonly localCapacity: number;
  readonly handleCapacity: number;
}

/** @internal Throws what `heap.attachMutator` throws. `nudged` is called in the event loop when the collector waits for this thread. */
export function attachThread(native: Binding, heap: NativeHeap, options: MutatorOptions | undefined, nudged: () => void): Attachment {
  const wanted = optionsOf('options of a mutator', options);
  const handleCapacity = capacity('handleCapacity', wanted.handleCapacity ?? DEFAULT_HANDLES);
  const localCapacity = capacity('localCapacity', wanted.localCapacity ?? DEFAULT_LOCALS);
  const control = new Uint32Array(new SharedArrayBuffer((CONTROL_SLOTS + localCapacity + handleCapacity + LOG_ENTRIES) * 4));
  const handle = native.attachMutator(heap, control, localCapacity, handleCapacity, nudged);
  if (typeof handle === 'string') throw refused(handle);
  return { handle, control, localCapacity, handleCapacity };
}

function capacity(option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > MAX_HANDLES) {
    throw argumentRangeError(option, `an integer from 1 to ${MAX_HANDLES}`, value);
  }
  return value;
}

function refused(code: 'ERR_MUTATOR_ATTACHED' | 'ERR_SIGNAL_BLOCKED' | 'ERR_HEAP_CLOSED'): HeapError {
  const messages = {
    ERR_MUTATOR_ATTACHED: 'this thread is a mutator of the heap already; use that one, or detach it first.',
    ERR_SIGNAL_BLOCKED: 'this thread blocks the signal that delivers its page faults; unblock SIGBUS (SIGSEGV in mode sigsegv).',
    ERR_HEAP_CLOSED: 'the heap is closed.',
  };
  return new HeapError(code, messages[code]);
}
