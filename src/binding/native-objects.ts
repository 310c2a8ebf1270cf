/**
 * Native objects as JavaScript holds them: externals that have a meaning only for the addon, in the thread that got them.
 */

export type NativeHeap = { readonly heap: unique symbol };
export type NativeMutator = { readonly mutator: unique symbol };
/** A copy of a heap's graph. */
export type NativeGraph = { readonly graph: unique symbol };
/** A pin of this thread. */
export type NativePin = { readonly pin: unique symbol };
/** A userfaultfd descriptor of this thread. */
export type NativeDescriptor = { readonly descriptor: unique symbol };
/** Memory in the place of a part of a SharedArrayBuffer. */
export type NativeMapping = { readonly mapping: unique symbol };
/** A file, segment or process, which ends when it is no longer reachable. */
export type NativeObject = { readonly object: unique symbol };
