/**
 * Heap events: the events that a heap emits, by name.
 */
import type { CollectionSummary, HeapEvent, MemoryReturned, Triggered } from '../gc/events.ts';

/** The events of a heap and their argument; all are emitted in the event loop of the thread that listens. */
export interface HeapEvents {
  /** Any of the others too. */
  event: [HeapEvent];
  /** A cycle is over. */
  cycle: [Extract<HeapEvent, { type: 'cycle' }>];
  /** A collection is over. */
  collection: [CollectionSummary];
  /** The heap starts a collection on its own. */
  trigger: [Triggered];
  /** Unused pages went back to the system. */
  'memory-returned': [MemoryReturned];
  /** The collector continues in a way that its user should know about. */
  degraded: [Extract<HeapEvent, { type: 'degraded' }>];
}
