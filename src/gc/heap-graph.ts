/**
 * Heap graph: what was alive at one moment. The control thread reads it from a native copy (native/gc/checking/graph_copy.h) piece by
 * piece; only one piece at a time is in the JavaScript heap.
 */
import { type Binding, type GraphCopy, isRefusal, type NativeGraph, type NativeHeap } from '../binding.ts';
import { HeapError } from '../errors.ts';
import { errorName } from './refusal-reasons.ts';

/** The parts of a copy, and how many u32 an entry has (of texts: bytes); the structures of native/gc/checking/graph_copy.h. */
export const GRAPH = {
  nodes: { part: 0, width: 4, shape: 0, elements: 1, edges: 2, identity: 3 },
  edges: { part: 1, width: 2, slot: 0, target: 1 },
  roots: { part: 2, width: 5, group: 0, mutator: 1, range: 2, index: 3, target: 4 },
  texts: { part: 3 },
} as const;

/** Where a root lies, in the order of native/gc/checking/graph_copy.h. */
export const ROOT_GROUPS = ['shared', 'locals', 'handles', 'range', 'finalizers', 'pins'] as const;
export type RootGroup = (typeof ROOT_GROUPS)[number];

/** Entries read at once. */
const PIECE_ENTRIES = 16_384;

/** @internal */
export class HeapGraph {
  readonly counts: Omit<GraphCopy, 'graph'>;
  readonly #native: Binding;
  readonly #graph: NativeGraph;

  constructor(native: Binding, { graph, ...counts }: GraphCopy) {
    this.#native = native;
    this.#graph = graph;
    this.counts = counts;
  }

  /** Entry by entry: the array, which is reused, and where the entry begins in it. */
  *entries(name: 'nodes' | 'edges' | 'roots'): Generator<[entries: Uint32Array, at: number]> {
    const { part, width } = GRAPH[name];
    const entries = new Uint32Array(PIECE_ENTRIES * width);
    const bytes = new Uint8Array(entries.buffer);
    for (let offset = 0; ; offset += bytes.length) {
      const read = this.#native.readGraph(this.#graph, part, offset, bytes) / 4;
      for (let at = 0; at < read; at += width) yield [entries, at];
      if (read < entries.length) return;
    }
  }

  /** `byteLength` bytes of the strings' texts, from `byteOffset` on. */
  text(byteOffset: number, byteLength: number): Buffer {
    const bytes = Buffer.allocUnsafe(byteLength);
    this.#native.readGraph(this.#graph, GRAPH.texts.part, byteOffset, bytes);
    return bytes;
  }

  /** Frees the memory. */
  drop(): void {
    this.#native.dropGraph(this.#graph);
  }
}

/** @internal How much of strings is copied, and which shapes are strings (0 if there are none). */
export interface TextOptions {
  readonly oneByteString: number;
  readonly twoByteString: number;
  readonly textUnits: number;
}

/** @internal One attempt to stop the world and copy the graph; undefined when it has not stopped yet. Throws ERR_NO_MEMORY. */
export function copyGraph(native: Binding, heap: NativeHeap, texts: TextOptions, sliceMs: number): HeapGraph | undefined {
  const answer = native.copyGraphPause(heap, texts.oneByteString, texts.twoByteString, texts.textUnits, sliceMs);
  if (answer === null) return undefined;
  if (!isRefusal(answer)) return new HeapGraph(native, answer);
  throw new HeapError(
    'ERR_NO_MEMORY',
    `the system has no memory for a copy of the graph (${answer.syscall}: ${errorName(answer.errno)}); a snapshot needs 16 bytes an ` +
      'object and 8 a reference.',
    { errno: answer.errno, syscall: answer.syscall },
  );
}
