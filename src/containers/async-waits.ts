/**
 * Waiting in an event loop, which goes on turning: for an element or room in a queue, for a lock, for a notification. Nothing is asked
 * again and again; whoever brings about what is waited for wakes those that have announced that they wait (parking-lot.ts).
 */
import { clockMs } from '../clock.ts';
import { argumentTypeError, optionsOf } from '../errors.ts';
import { checkTimeout, deadlineOf, type ParkingLot, type Ticket } from './parking-lot.ts';

/** How long to wait, without blocking the thread. */
export interface WaitOptions {
  /** Up to how many milliseconds; default: for ever. */
  readonly timeoutMs?: number;
  /** Ends the wait when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

interface AsyncWait<T> {
  /** Tries once; undefined if it is not there yet. */
  readonly attempt: () => { readonly value: T } | undefined;
  /** Leaves a mark in the object that causes a wake-up when it changes; called before the thread tries once more. */
  readonly announce: () => Ticket;
}

/**
 * @internal Resolves to what `attempt` has found; to undefined if nothing came in time. Rejects with the signal's reason when that aborts,
 * with TypeError or RangeError ERR_OPTION, and with what the two functions throw. The first attempt is made before this returns.
 */
export async function waitAsync<T>(lot: ParkingLot, options: WaitOptions, { attempt, announce }: AsyncWait<T>): Promise<T | undefined> {
  const { timeoutMs, signal } = checkedWait(options);
  const first = attempt();
  if (first !== undefined || timeoutMs === 0) return first?.value;
  for (const deadline = deadlineOf(timeoutMs); ; ) {
    const ticket = announce();
    const found = attempt();
    if (found !== undefined) return found.value;
    const leftMs = deadline - clockMs();
    if (leftMs <= 0) return undefined;
    await lot.sleep(ticket, leftMs, signal);
  }
}

/** @internal Throws TypeError or RangeError ERR_OPTION, and the reason of a signal that has aborted. */
export function checkedWait(options: WaitOptions): { readonly timeoutMs: number; readonly signal: AbortSignal | undefined } {
  const { timeoutMs = Infinity, signal } = optionsOf('options', options);
  checkTimeout(timeoutMs);
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') throw argumentTypeError('signal', 'an AbortSignal', signal);
  signal?.throwIfAborted();
  return { timeoutMs, signal };
}
