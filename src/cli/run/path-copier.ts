/**
 * Path copier: copies objects along a walk, and makes slots lead to the copies.
 *
 *     owner ──slot──▶ source ──▶ …          owner ──slot──▶ copy ──▶ …      (what the source led to)
 *                        │                                    │
 *                     payload                             payload's copy
 *
 * Publication: a thread that reads the new reference must find its object complete. The copy's header and fields are stored before the
 * reference; x86 makes stores visible in program order, and a reader's loads depend on the reference. On other machines the reference is
 * stored with release (`Atomics.store`).
 */
import type { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { RootRange } from '../../heap/root-range.ts';
import type { Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import type { Checker } from './checker.ts';
import type { Operations } from './messages.ts';
import { DIRECTORY_ROOT } from './load.ts';
import {
  DIRECTORY_ELEMENTS_SLOT,
  IDENTITY_SLOT,
  INLINE_SLOT,
  inlineWords,
  PAYLOAD_ELEMENTS_SLOT,
  PAYLOAD_SLOT,
  payloadElements,
  type RunShapes,
  WIDTHS,
} from './object-layout.ts';
import type { Random } from './random.ts';

/** Nodes with more references and payload than this are copied only once in {@link BIG_COPY_ODDS} times. */
const BIG_SLOTS = 2048;
const BIG_COPY_ODDS = 128;

/** Root slots, because allocating a copy may move everything. */
const OWNER = 0;
const SOURCE = 1;
const PAYLOAD = 2;
const ROOTS = 3;

const STORES_ARE_ORDERED = process.arch === 'x64';

export type Publish = (slot: number, ref: Ref) => void;

/** Stores a reference to an object that other threads may not have seen yet; with the write barrier only if the marker needs it. */
export function publisher(heap: Heap, mutator: Mutator): Publish {
  const { u32 } = mutator;
  if (heap.capabilities.marker === 'satb') return (slot, ref) => mutator.setReference(slot, ref);
  if (STORES_ARE_ORDERED) return (slot, ref) => void (u32[slot] = ref);
  return (slot, ref) => void Atomics.store(u32, slot, ref);
}

export class PathCopier {
  readonly #mutator: Mutator;
  readonly #u32: Uint32Array;
  readonly #graph: ObjectGraph;
  readonly #shapes: RunShapes;
  readonly #directory: Uint32Array;
  readonly #checker: Checker;
  readonly #random: Random;
  readonly #operations: Operations;
  readonly #roots: RootRange;
  readonly #publish: Publish;

  constructor(
    heap: Heap,
    mutator: Mutator,
    graph: ObjectGraph,
    shapes: RunShapes,
    checker: Checker,
    random: Random,
    operations: Operations,
    publish: Publish,
  ) {
    this.#mutator = mutator;
    this.#u32 = mutator.u32;
    this.#graph = graph;
    this.#shapes = shapes;
    this.#directory = heap.roots.slots;
    this.#checker = checker;
    this.#random = random;
    this.#operations = operations;
    this.#publish = publish;
    this.#roots = mutator.createRootRange(ROOTS);
    this.#roots.used = ROOTS;
  }

  /**
   * From `start`, an object for `startNode`: copies the object that a random slot leads to, redirects the slot to the copy, and continues
   * from there. `forEverybody`: the directory is redirected too. A safepoint.
   */
  copyPath(start: Ref, startNode: number, objects: number, forEverybody: boolean): void {
    const { firstEdge, edgeTarget, selfBytes } = this.#graph;
    const u32 = this.#u32;
    const roots = this.#roots.slots;
    const checker = this.#checker;
    let node = startNode;
    roots[OWNER] = start;
    checker.fromNode = checker.fromSlot = -1;
    for (let i = 0; i < objects; i++) {
      const slots = checker.check(roots[OWNER]!, node);
      const first = firstEdge[node]!;
      const count = firstEdge[node + 1]! - first;
      if (slots < 0 || count === 0) return;
      const slot = this.#random.below(count);
      const target = edgeTarget[first + slot]!;
      checker.fromNode = node;
      checker.fromSlot = slot;
      const copy = this.copy(u32[slots + slot]!, target);
      if (copy === 0) return;
      this.#publish(roots[OWNER]! * 2 + INLINE_SLOT + 2 * inlineWords(selfBytes[node]!, count) + slot, copy);
      if (forEverybody) this.#publish(this.#directory[DIRECTORY_ROOT]! * 2 + DIRECTORY_ELEMENTS_SLOT + target, copy);
      this.#operations.swings++;
      roots[OWNER] = copy;
      node = target;
    }
  }

  /**
   * A copy of `source`, which must be an object for `node`; 0 if it is not, or is too big to be copied often. A safepoint; the copy is not
   * published yet.
   */
  copy(source: Ref, node: number): Ref {
    const roots = this.#roots.slots;
    const { firstEdge, nodeType, selfBytes } = this.#graph;
    const count = firstEdge[node + 1]! - firstEdge[node]!;
    const words = inlineWords(selfBytes[node]!, count);
    const elements = payloadElements(selfBytes[node]!, count);
    if (count + elements > BIG_SLOTS && this.#random.below(BIG_COPY_ODDS) !== 0) return 0;
    if (this.#checker.check(source, node) < 0) return 0;
    roots[SOURCE] = source;
    roots[PAYLOAD] = 0;
    if (elements > 0) this.#copyPayload(elements);
    const copy = this.#mutator.allocate(this.#shapes.nodes[nodeType[node]! * WIDTHS + words]!, count);
    const u32 = this.#u32;
    const from = roots[SOURCE]! * 2;
    u32[copy * 2 + PAYLOAD_SLOT] = roots[PAYLOAD]!;
    const end = INLINE_SLOT + 2 * words;
    for (let slot = IDENTITY_SLOT; slot < end; slot++) u32[copy * 2 + slot] = u32[from + slot]!;
    this.#mutator.copyReferences(copy * 2 + end, from + end, count);
    this.#operations.copies++;
    return copy;
  }

  /** Forgets what was copied last. */
  drop(): void {
    this.#roots.slots.fill(0);
  }

  /** Copies the payload of the object in SOURCE to PAYLOAD. A safepoint. */
  #copyPayload(elements: number): void {
    const roots = this.#roots.slots;
    const u32 = this.#u32;
    const copy = this.#mutator.allocate(this.#shapes.payload, elements);
    const from = u32[roots[SOURCE]! * 2 + PAYLOAD_SLOT]! * 2 + PAYLOAD_ELEMENTS_SLOT;
    const to = copy * 2 + PAYLOAD_ELEMENTS_SLOT;
    for (let index = 0; index < elements; index++) u32[to + index] = u32[from + index]!;
    roots[PAYLOAD] = copy;
  }
}
