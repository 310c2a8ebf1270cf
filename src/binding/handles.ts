/**
 * Handles of native objects; valid in the thread that got them.
 */

export type HeapHandle = { readonly heap: unique symbol };
export type MutatorHandle = { readonly mutator: unique symbol };
/** A copy of a heap's graph. */
export type GraphHandle = { readonly graph: unique symbol };
/** A pin of this thread. */
export type PinHandle = { readonly pin: unique symbol };
