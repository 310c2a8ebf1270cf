/**
 * Heap events: what a heap emits, by the names to listen to.
 */
import type { CollectionSummary, HeapEvent, MemoryReturned, Triggered } from '../gc/events.ts';

/** The events of a heap and their one argument; all are told in the event loop of the thread that listens. */
export interface HeapEvents {
  /** Every one of the others too. */
  event: [HeapEvent];
  /** A cycle is over. */
  cycle: [Extract<HeapEvent, { type: 'cycle' }>];
  /** A collection is over: one cycle, or several. */
  collection: [CollectionSummary];
  /** The heap starts a collection by itself. */
  trigger: [Triggered];
  /** Unused pages went back to the system. */
  'memory-returned': [MemoryReturned];
  /** The collector goes on in a way its user should know about. */
  degraded: [Extract<HeapEvent, { type: 'degraded' }>];
}
