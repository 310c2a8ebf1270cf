/**
 * Events: what a userfaultfd tells a program.
 *
 * While an event that is no page fault waits to be taken, every fill answers EAGAIN: it may say that a page has another content now. Such
 * events come before faults that the kernel noticed earlier.
 */
import type { FaultCause } from './messages.ts';
import type { Registration } from './registration.ts';

/** A thread waits for a page. It may come twice for one page: another thread waits too, or a signal has interrupted the first. */
export interface PageFault {
  readonly kind: 'page-fault';
  /** The range of the page, with the calls that answer. */
  readonly registration: Registration;
  /** The first byte of the page, from the start of the mapping. */
  readonly offset: number;
  /** What was touched: the page, or with `exact-address` the very byte. */
  readonly address: bigint;
  readonly access: 'read' | 'write';
  /** Why it waits. Whether a page is `missing` or `minor` is the kernel's view: who fills files must keep his own account. */
  readonly cause: FaultCause;
  /** As the kernel gave them. */
  readonly flags: bigint;
  /** The thread, as its own PID namespace numbers it. */
  readonly thread: number;
}

/** A thread waits for a page outside of every range that is known here, of a range that was moved for example. */
export interface StrayFault {
  readonly kind: 'stray-fault';
  readonly address: bigint;
  readonly access: 'read' | 'write';
  readonly cause: FaultCause;
  readonly flags: bigint;
  readonly thread: number;
}

/** A range was moved (`event-remap`): its registration has moved with it. */
export interface RemapEvent {
  readonly kind: 'remap';
  readonly from: bigint;
  readonly to: bigint;
  readonly bytes: number;
}

/** Pages are being dropped (`event-remove`): they are missing from then on. */
export interface RemoveEvent {
  readonly kind: 'remove';
  readonly start: bigint;
  readonly end: bigint;
}

/** A range is being unmapped (`event-unmap`). */
export interface UnmapEvent {
  readonly kind: 'unmap';
  readonly start: bigint;
  readonly end: bigint;
}

/** A message of a later kernel. */
export interface UnknownEvent {
  readonly kind: 'unknown';
  /** Its number. */
  readonly event: number;
  /** All four words of it. */
  readonly words: readonly bigint[];
}
