/**
 * Load: turns a graph into objects of the heap.
 *
 * Collections may run at any time meanwhile, and move objects that are loaded already. So the map from nodes to objects is itself an
 * object: the directory, a large array of references, one per node, to which a root slot leads. First every node's object is made and
 * entered, then every reference is read from the directory and stored.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HeapError } from '../../errors.ts';
import type { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import {
  DIRECTORY_ELEMENTS_SLOT,
  type GraphSize,
  IDENTITY_SLOT,
  INLINE_SLOT,
  inlineWords,
  PAYLOAD_ELEMENTS_SLOT,
  PAYLOAD_SLOT,
  payloadAt,
  payloadElements,
  type RunShapes,
  WIDTHS,
} from './object-layout.ts';
import { mib } from '../sizes.ts';

/** The shared root slot that leads to the directory. */
export const DIRECTORY_ROOT = 0;

/** Nodes between two turns of the event loop. */
const NODES_A_TURN = 8192;
/** References stored between two polls. */
const REFERENCES_A_POLL = 256;

export interface LoadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}

/** Fills the heap. Throws ERR_SNAPSHOT_DOES_NOT_FIT. */
export async function load(heap: Heap, graph: ObjectGraph, size: GraphSize, shapes: RunShapes, options: LoadOptions): Promise<void> {
  const { capacityBytes } = heap.statistics();
  if (size.bytes > capacityBytes) throw doesNotFit(graph, size, capacityBytes);
  const mutator = heap.attachMutator();
  try {
    const loader = new Loader(heap, mutator, graph, shapes);
    loader.makeDirectory();
    for (const step of [loader.makeNode, loader.storeReferences]) {
      for (let node = 0; node < graph.nodeCount; node++) {
        step.call(loader, node);
        if (node % NODES_A_TURN !== NODES_A_TURN - 1) continue;
        options.onProgress((node / graph.nodeCount + (step === loader.makeNode ? 0 : 1)) / 2);
        await nextTurn();
        options.signal.throwIfAborted();
      }
    }
  } catch (error) {
    if (error instanceof HeapError && error.code === 'ERR_HEAP_EXHAUSTED') throw doesNotFit(graph, size, capacityBytes, error);
    throw error;
  } finally {
    mutator.detach();
  }
}

class Loader {
  readonly #mutator: Mutator;
  readonly #graph: ObjectGraph;
  readonly #shapes: RunShapes;
  readonly #roots: Uint32Array;

  constructor(heap: Heap, mutator: Mutator, graph: ObjectGraph, shapes: RunShapes) {
    this.#mutator = mutator;
    this.#graph = graph;
    this.#shapes = shapes;
    this.#roots = heap.roots.slots;
  }

  makeDirectory(): void {
    this.#roots[DIRECTORY_ROOT] = this.#mutator.allocate(this.#shapes.directory, this.#graph.nodeCount);
  }

  makeNode(node: number): void {
    const { firstEdge, nodeType, selfBytes } = this.#graph;
    const references = firstEdge[node + 1]! - firstEdge[node]!;
    const words = inlineWords(selfBytes[node]!, references);
    const ref = this.#mutator.allocate(this.#shapes.nodes[nodeType[node]! * WIDTHS + words]!, references);
    const { u32 } = this.#mutator;
    u32[ref * 2 + IDENTITY_SLOT] = node;
    for (let index = 0; index < words * 2; index++) u32[ref * 2 + INLINE_SLOT + index] = payloadAt(node, index);
    u32[this.#entry(node)] = ref;
    const elements = payloadElements(selfBytes[node]!, references);
    if (elements > 0) this.#makePayload(node, elements);
  }

  /** Reads the node's object again from the directory: it may have moved when its payload was allocated. */
  #makePayload(node: number, elements: number): void {
    const payload = this.#mutator.allocate(this.#shapes.payload, elements);
    const { u32 } = this.#mutator;
    const first = payload * 2 + PAYLOAD_ELEMENTS_SLOT;
    for (let index = 0; index < elements; index++) u32[first + index] = payloadAt(node, index);
    u32[u32[this.#entry(node)]! * 2 + PAYLOAD_SLOT] = payload;
  }

  storeReferences(node: number): void {
    const { u32 } = this.#mutator;
    const { firstEdge, edgeTarget, selfBytes } = this.#graph;
    const first = firstEdge[node]!;
    const count = firstEdge[node + 1]! - first;
    const slot = INLINE_SLOT + 2 * inlineWords(selfBytes[node]!, count);
    for (let done = 0; done < count; done += REFERENCES_A_POLL) {
      this.#mutator.poll();
      const entries = this.#entry(0);
      const at = u32[entries + node]! * 2 + slot;
      const end = Math.min(count, done + REFERENCES_A_POLL);
      for (let i = done; i < end; i++) u32[at + i] = u32[entries + edgeTarget[first + i]!]!;
    }
  }

  /** u32 slot of a node's entry in the directory. */
  #entry(node: number): number {
    const directory: Ref = this.#roots[DIRECTORY_ROOT]!;
    return directory * 2 + DIRECTORY_ELEMENTS_SLOT + node;
  }
}

function doesNotFit(graph: ObjectGraph, size: GraphSize, availableBytes: number, cause?: HeapError): HeapError {
  const fits =
    cause === undefined
      ? ''
      : ' (objects do not cross the borders of 1 MiB regions, and large ones have regions of their own, so it takes some more)';
  return new HeapError(
    'ERR_SNAPSHOT_DOES_NOT_FIT',
    `${graph.source.path} does not fit the heap: its ${graph.nodeCount} objects need ${mib(size.bytes)}${fits}, and ` +
      `${mib(availableBytes)} are available. Give a larger --heap (at most 16G), or none, or the snapshot of a smaller program.`,
    { figures: { neededBytes: size.bytes, availableBytes }, cause },
  );
}
