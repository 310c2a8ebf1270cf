/**
 * Calls that pin objects; the mutator is this thread's, and runs.
 */
import type { NativeMutator, NativePin } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

export interface PinCalls {
  /** `byteOffset` from the object's start. */
  pin(
    mutator: NativeMutator,
    object: number,
    byteOffset: number,
    byteLength: number,
  ): { pin: NativePin; buffer: ArrayBuffer; address: bigint } | Refusal | 'ERR_NOT_PINNABLE' | 'ERR_PIN_REFUSED';
  unpin(pin: NativePin): void;
}
