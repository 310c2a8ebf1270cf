/**
 * Heap events: what a heap emits, by the names to listen to.
 */
import type { CollectionSummary, HeapEvent, MemoryReturned, Triggered } from '../gc/events.ts';

/** The events of a heap and their one argument; all are told in the event loop of the thread that listens. */
export interface HeapEvents {
  /** Every one of the others too. */
  event: [HeapEvent];
  cycle: [Extract<HeapEvent, { type: 'cycle' }>];
  collection: [CollectionSummary];
  trigger: [Triggered];
  'memory-returned': [MemoryReturned];
  degraded: [Extract<HeapEvent, { type: 'degraded' }>];
}
