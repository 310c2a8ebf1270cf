/**
 * Units: the meaning of the numbers in the interface.
 */

/**
 * A raw reference: the index of an object's header, in 8-byte words from the heap base. 0 is null. Valid until the next
 * safepoint of the thread (a poll, an allocation, a return to the event loop, leaving the running state): a collection may
 * move the object then. Keep a {@link ReferenceHandle} to keep an object.
 */
export type Ref = number;

/** A root slot of one mutator. Survives collections; belongs to the thread that made it. */
export type ReferenceHandle = number;
