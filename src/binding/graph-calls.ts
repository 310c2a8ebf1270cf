/**
 * Calls that copy a heap's graph, which is taken in a pause and read afterwards; the control thread only.
 */
import type { NativeGraph, NativeHeap } from './native-objects.ts';
import type { Refusal } from './refusal.ts';

/** What a copy of the graph has. */
export interface GraphCopy {
  graph: NativeGraph;
  objects: number;
  references: number;
  roots: number;
  /** Objects that are strings. */
  texts: number;
  /** The first of as many numbers as there are objects, used nowhere else in the process. */
  firstNumber: number;
  pauseUs: number;
}

export interface GraphCalls {
  /** Null when the world has not stopped yet. The shapes' ids are 0 for none. */
  copyGraphPause(
    heap: NativeHeap,
    oneByteString: number,
    twoByteString: number,
    textUnits: number,
    sliceMs: number,
  ): GraphCopy | Refusal | null;
  /** Bytes of a part (GRAPH in src/gc/heap-graph.ts) that were copied. */
  readGraph(graph: NativeGraph, part: number, byteOffset: number, into: Uint8Array): number;
  dropGraph(graph: NativeGraph): void;
}
