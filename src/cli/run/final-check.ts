/**
 * Final check: compares the whole graph with the model, from the roots, when no mutator thread is left.
 *
 * Every entry of the directory must lead to an object for its node; and everything reachable from there, including copies that only old
 * slots lead to, is checked once: its shape, its count, its identity, all of its payload, and for every slot that it leads to an object for
 * the node that the graph says. There is no safepoint inside, so references stay valid.
 */
import type { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import { Checker, type Mismatch } from './checker.ts';
import { DIRECTORY_ROOT } from './load.ts';
import { COUNT_SLOT, DIRECTORY_ELEMENTS_SLOT, type RunShapes } from './object-layout.ts';
import { Random } from './random.ts';

export interface FinalCheck {
  /** Objects found for nodes; at least one for each node. */
  readonly objects: number;
  readonly references: number;
  readonly mismatches: number;
  readonly described: readonly Mismatch[];
}

const MAIN_THREAD = -1;

export function checkEverything(heap: Heap, graph: ObjectGraph, shapes: RunShapes): FinalCheck {
  const mutator = heap.attachMutator();
  try {
    const traversal = new Traversal(mutator, graph, shapes);
    traversal.visitDirectory(heap.roots.slots[DIRECTORY_ROOT]!);
    return traversal.result();
  } finally {
    mutator.detach();
  }
}

class Traversal {
  readonly #u32: Uint32Array;
  readonly #graph: ObjectGraph;
  readonly #checker: Checker;
  readonly #directoryShape: number;
  /** One bit per word of the heap. */
  readonly #seen: Uint32Array;
  readonly #refs: Ref[] = [];
  readonly #nodes: number[] = [];
  #objects = 0;
  #references = 0;

  constructor(mutator: Mutator, graph: ObjectGraph, shapes: RunShapes) {
    this.#u32 = mutator.u32;
    this.#graph = graph;
    this.#directoryShape = shapes.directory.id;
    this.#checker = new Checker(MAIN_THREAD, mutator, graph, shapes, new Random(1));
    this.#checker.doing = 'check at the end';
    this.#seen = new Uint32Array(Math.ceil(mutator.u32.length / 64));
  }

  visitDirectory(directory: Ref): void {
    const { nodeCount } = this.#graph;
    const u32 = this.#u32;
    const checker = this.#checker;
    if (directory === 0 || u32[directory * 2] !== this.#directoryShape || u32[directory * 2 + COUNT_SLOT] !== nodeCount) {
      checker.report('directory', this.#directoryShape, u32[directory * 2], directory);
      return;
    }
    for (let node = 0; node < nodeCount; node++) {
      checker.fromNode = checker.fromSlot = -1;
      this.#found(u32[directory * 2 + DIRECTORY_ELEMENTS_SLOT + node]!, node);
      while (this.#refs.length > 0) this.#visit(this.#refs.pop()!, this.#nodes.pop()!);
    }
  }

  result(): FinalCheck {
    const { mismatches, described } = this.#checker;
    return { objects: this.#objects, references: this.#references, mismatches, described };
  }

  /** Checks `ref`, found in a slot that should lead to an object for `node`. */
  #found(ref: Ref, node: number): void {
    const bit = 1 << (ref & 31);
    const cell = Math.floor(ref / 32);
    if ((this.#seen[cell]! & bit) !== 0) {
      // Already checked in full, for the node of its own identity.
      this.#checker.check(ref, node);
      return;
    }
    if (this.#checker.checkAll(ref, node) < 0) return;
    this.#seen[cell]! |= bit;
    this.#objects++;
    this.#refs.push(ref);
    this.#nodes.push(node);
  }

  #visit(ref: Ref, node: number): void {
    const { firstEdge, edgeTarget } = this.#graph;
    const first = firstEdge[node]!;
    const count = firstEdge[node + 1]! - first;
    const slots = this.#checker.check(ref, node);
    for (let slot = 0; slot < count; slot++) {
      this.#checker.fromNode = node;
      this.#checker.fromSlot = slot;
      this.#found(this.#u32[slots + slot]!, edgeTarget[first + slot]!);
    }
    this.#references += count;
  }
}
