/**
 * Native objects as JavaScript holds them: externals that have a meaning only for the addon, in the thread that got them.
 */

export type NativeHeap = { readonly heap: unique symbol };
export type NativeMutator = { readonly mutator: unique symbol };
/** A copy of a heap's graph. */
export type NativeGraph = { readonly graph: unique symbol };
/** A pin of this thread. */
export type NativePin = { readonly pin: unique symbol };
