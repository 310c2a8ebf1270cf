/**
 * Calls that copy a heap's graph in a pause and read the copy afterwards; the control thread only.
 */
import type { NativeGraph, NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** What a copy of the graph contains. */
export interface GraphCopy {
  graph: NativeGraph;
  objects: number;
  references: number;
  roots: number;
  /** Objects that are strings. */
  texts: number;
  /** The first of a range of numbers, one per object, that are used nowhere else in the process. */
  firstNumber: number;
  pauseUs: number;
}

export interface GraphCalls {
  /** Null if the world has not stopped yet. A shape's id is 0 if there is none. */
  copyGraphPause(
    heap: NativeHeap,
    oneByteString: number,
    twoByteString: number,
    textUnits: number,
    sliceMs: number,
  ): GraphCopy | Refusal | null;
  /** Copies bytes of a part (GRAPH in src/gc/heap-graph.ts); returns their number. */
  readGraph(graph: NativeGraph, part: number, byteOffset: number, into: Uint8Array): number;
  dropGraph(graph: NativeGraph): void;
}
