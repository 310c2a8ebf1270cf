/**
 * Calls that pin objects; the mutator is this thread's, and runs.
 */
import type { MutatorHandle, PinHandle } from './handles.ts';
import type { Refusal } from './refusal.ts';

export interface PinCalls {
  /** `byteOffset` from the object's start. */
  pin(
    mutator: MutatorHandle,
    object: number,
    byteOffset: number,
    byteLength: number,
  ): { pin: PinHandle; buffer: ArrayBuffer; address: bigint } | Refusal | 'ERR_NOT_PINNABLE' | 'ERR_PIN_REFUSED';
  unpin(pin: PinHandle): void;
}
