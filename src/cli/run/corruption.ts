/**
 * Corruption: damages one thing in a loaded graph, as a collector with a bug would; for the test that a run notices it.
 */
import type { Heap } from '../../heap/heap.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import { DIRECTORY_ROOT } from './load.ts';
import { DIRECTORY_ELEMENTS_SLOT, IDENTITY_SLOT, INLINE_SLOT, inlineWords } from './object-layout.ts';
import type { Corruption } from './run-options.ts';

export function corrupt(heap: Heap, graph: ObjectGraph, kind: Corruption): void {
  const mutator = heap.attachMutator();
  const { u32 } = mutator;
  const { firstEdge, edgeTarget, selfBytes } = graph;
  const entries = heap.roots.slots[DIRECTORY_ROOT]! * 2 + DIRECTORY_ELEMENTS_SLOT;
  const references = (node: number): number => firstEdge[node + 1]! - firstEdge[node]!;
  const words = (node: number): number => inlineWords(selfBytes[node]!, references(node));
  const firstNode = (fits: (node: number) => boolean): number => {
    for (let node = 0; node < graph.nodeCount; node++) if (fits(node)) return node;
    throw new Error(`the graph has nothing to corrupt by ${kind}`);
  };
  const slotOf = (node: number): number => u32[entries + node]! * 2 + INLINE_SLOT + 2 * words(node);
  if (kind === 'identity') {
    u32[u32[entries + edgeTarget[0]!]! * 2 + IDENTITY_SLOT]! ^= 1;
  } else if (kind === 'payload') {
    const node = firstNode((candidate) => words(candidate) > 0);
    for (let i = 0; i < 2 * words(node); i++) u32[u32[entries + node]! * 2 + INLINE_SLOT + i]! ^= 0x10000;
  } else {
    const node = firstNode((candidate) => references(candidate) > 0 && edgeTarget[firstEdge[candidate]!] !== candidate);
    u32[slotOf(node)] = kind === 'lost' ? 0 : u32[entries + node]!;
  }
  mutator.detach();
}
