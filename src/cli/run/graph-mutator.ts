/**
 * Graph mutator: what one thread does to the graph while the collector moves it.
 *
 * The model never changes: whatever a thread does, slot s of any object for node n leads to an object for
 * `edgeTarget[firstEdge[n] + s]`. But a node may have many objects at a time (copies), and the directory leads to one of them.
 *
 *     walk       from a random node along random slots; every object is checked
 *     replace    along a walk: each object's successor is copied, and the slot and the directory are swung to the copy; what nobody
 *                refers to any more is garbage, one object here and one there
 *     keep       a copy of a path for this thread alone, from a root of its own; dropped later, as a whole
 *     hold       handles on objects met on the way; checked and followed later
 *     litter     short-lived data of random sizes, some of it kept for a while between what lives; now and then a large array
 *     reconcile  every slot in turn is swung to the object that the directory leads to, so that copies do not pile up
 *
 * Races are benign by construction. Two threads may swing one slot at the same time; either way it leads to an object of the
 * identity that the model demands, and so does every value that a copying thread can read from it. A reader must not see a
 * reference before the object behind it: its header and fields are stored first, and x86 makes stores visible in program
 * order. Elsewhere the reference is stored with release (`Atomics.store`); readers depend on the reference they read.
 *
 * Every method that ends in "a safepoint" may move everything: raw references are then read again from root slots.
 */
import type { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { RootRange } from '../../heap/root-range.ts';
import type { ReferenceHandle, Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import { Checker } from './checker.ts';
import { DIRECTORY_ROOT } from './load.ts';
import {
  DIRECTORY_ELEMENTS_SLOT,
  INLINE_SLOT,
  inlineWords,
  IDENTITY_SLOT,
  PAYLOAD_ELEMENTS_SLOT,
  PAYLOAD_SLOT,
  payloadElements,
  type RunShapes,
  WIDTHS,
} from './object-layout.ts';
import { Litter } from './litter.ts';
import { Random } from './random.ts';

/** Objects of a walk between two safepoints. */
const WALK_OBJECTS = 64;
/** Slots reconciled between two safepoints. */
const RECONCILED_SLOTS = 256;
/** Nodes with more references or payload than this are copied one time in {@link BIG_COPY_ODDS}. */
const BIG_SLOTS = 2048;
const BIG_COPY_ODDS = 128;
const LONGEST_PATH = 16;
const KEPT_PATHS = 64;
const HELD_OBJECTS = 256;

/** Root slots of this thread: what is being copied, then one per kept path. */
const OWNER = 0;
const SOURCE = 1;
const PAYLOAD = 2;
const FIRST_KEPT = 3;

const STORES_ARE_ORDERED = process.arch === 'x64';

/** What a thread has done, by kind. */
export interface Operations {
  steps: number;
  copies: number;
  swings: number;
  keeps: number;
  drops: number;
  handles: number;
  litter: number;
  largeArrays: number;
  exhausted: number;
}

export class GraphMutator {
  readonly operations: Operations = {
    steps: 0,
    copies: 0,
    swings: 0,
    keeps: 0,
    drops: 0,
    handles: 0,
    litter: 0,
    largeArrays: 0,
    exhausted: 0,
  };
  readonly checker: Checker;
  readonly random: Random;

  readonly #mutator: Mutator;
  readonly #u32: Uint32Array;
  readonly #graph: ObjectGraph;
  readonly #shapes: RunShapes;
  readonly #directory: Uint32Array;
  readonly #roots: RootRange;
  readonly #keptNodes = new Int32Array(KEPT_PATHS).fill(-1);
  readonly #held: { handle: ReferenceHandle; node: number }[] = [];
  readonly #litter: Litter;
  #reconciledNode: number;
  #reconciledSlot = 0;

  constructor(heap: Heap, mutator: Mutator, graph: ObjectGraph, shapes: RunShapes, thread: number, seed: number) {
    this.random = new Random(seed + Math.imul(thread + 1, 0x9e3779b1));
    this.checker = new Checker(thread, mutator, graph, shapes, this.random);
    this.#mutator = mutator;
    this.#u32 = mutator.u32;
    this.#graph = graph;
    this.#shapes = shapes;
    this.#directory = heap.roots.slots;
    this.#roots = mutator.createRootRange(FIRST_KEPT + KEPT_PATHS);
    this.#roots.used = FIRST_KEPT + KEPT_PATHS;
    this.#litter = new Litter(mutator, shapes, this.checker, this.random, heap.statistics().capacityBytes);
    this.#reconciledNode = this.random.below(graph.nodeCount);
  }

  /** From a node chosen at random. No safepoint. */
  walk(): void {
    const node = this.random.below(this.#graph.nodeCount);
    this.checker.doing = 'walk';
    this.checker.fromNode = this.checker.fromSlot = -1;
    this.#walkFrom(this.#u32[this.#entry(node)]!, node);
  }

  /** Copies objects along a walk and makes everybody use the copies. A safepoint. */
  replace(): void {
    const node = this.random.below(this.#graph.nodeCount);
    this.checker.doing = 'replace';
    this.#roots.slots[OWNER] = this.#u32[this.#entry(node)]!;
    this.#copyPath(node, 1 + this.random.below(LONGEST_PATH), true);
  }

  /** Copies a path for this thread alone, in the place of one that was kept before. A safepoint. */
  keep(): void {
    const kept = this.random.below(KEPT_PATHS);
    const node = this.random.below(this.#graph.nodeCount);
    this.checker.doing = 'keep';
    this.#drop(kept);
    this.#roots.slots[SOURCE] = this.#u32[this.#entry(node)]!;
    const copy = this.#copy(node);
    if (copy === 0) return;
    this.#roots.slots[FIRST_KEPT + kept] = copy;
    this.#keptNodes[kept] = node;
    this.operations.keeps++;
    this.#roots.slots[OWNER] = copy;
    this.#copyPath(node, this.random.below(LONGEST_PATH), false);
  }

  /** Walks from a kept path, and then, half of the time, drops it. No safepoint. */
  revisit(): void {
    const kept = this.random.below(KEPT_PATHS);
    const node = this.#keptNodes[kept]!;
    if (node < 0) return;
    this.checker.doing = 'revisit';
    this.checker.fromNode = this.checker.fromSlot = -1;
    this.#walkFrom(this.#roots.slots[FIRST_KEPT + kept]!, node);
    if (this.random.below(2) === 0) this.#drop(kept);
  }

  /** Checks an object that a handle was made for some time ago, walks on from it, and makes a handle for another. No safepoint. */
  hold(): void {
    const node = this.random.below(this.#graph.nodeCount);
    const ref = this.#u32[this.#entry(node)]!;
    this.checker.doing = 'hold';
    this.checker.fromNode = this.checker.fromSlot = -1;
    this.operations.handles++;
    if (this.#held.length < HELD_OBJECTS) {
      this.#held.push({ handle: this.#mutator.handle(ref), node });
      return;
    }
    const held = this.#held[this.random.below(HELD_OBJECTS)]!;
    this.#walkFrom(this.#mutator.get(held.handle), held.node);
    this.#mutator.release(held.handle);
    held.handle = this.#mutator.handle(ref);
    held.node = node;
  }

  /** Makes data that is soon garbage. A safepoint. */
  makeLitter(): void {
    this.checker.doing = 'litter';
    this.operations.litter += this.#litter.scatter();
  }

  /** Makes a large array in the place of the last one, if the heap has room for such. A safepoint. */
  makeLargeArray(): void {
    this.checker.doing = 'large array';
    this.operations.largeArrays += this.#litter.replaceLargeArray();
  }

  /** The next few slots of all. No safepoint. */
  reconcile(): void {
    const { firstEdge, edgeTarget, nodeCount } = this.#graph;
    const u32 = this.#u32;
    const { checker } = this;
    checker.doing = 'reconcile';
    for (let budget = RECONCILED_SLOTS; budget > 0; budget--) {
      const node = this.#reconciledNode;
      const first = firstEdge[node]!;
      const count = firstEdge[node + 1]! - first;
      checker.fromNode = checker.fromSlot = -1;
      const slots = this.#reconciledSlot < count ? checker.check(u32[this.#entry(node)]!, node) : -1;
      let slot = this.#reconciledSlot;
      if (slots >= 0) {
        checker.fromNode = node;
        for (; slot < count && budget > 0; slot++, budget--) {
          const target = edgeTarget[first + slot]!;
          const best = u32[this.#entry(target)]!;
          checker.fromSlot = slot;
          const now = u32[slots + slot]!;
          if (now === best || checker.check(now, target) < 0) continue;
          this.#store(slots + slot, best);
          this.operations.swings++;
        }
      } else slot = count;
      this.#reconciledSlot = slot;
      if (slot < count) return;
      this.#reconciledSlot = 0;
      this.#reconciledNode = (node + 1) % nodeCount;
    }
  }

  /** Lets go of everything that only this thread needs. No safepoint. */
  dropAll(): void {
    for (let kept = 0; kept < KEPT_PATHS; kept++) this.#drop(kept);
    this.#roots.slots[OWNER] = this.#roots.slots[SOURCE] = 0;
    for (const { handle } of this.#held) this.#mutator.release(handle);
    this.#held.length = 0;
    this.#litter.drop();
  }

  #drop(kept: number): void {
    if (this.#keptNodes[kept]! < 0) return;
    this.#roots.slots[FIRST_KEPT + kept] = 0;
    this.#keptNodes[kept] = -1;
    this.operations.drops++;
  }

  #walkFrom(start: Ref, startNode: number): void {
    const { firstEdge, edgeTarget } = this.#graph;
    const u32 = this.#u32;
    const { checker, random } = this;
    let ref = start;
    let node = startNode;
    let steps = 0;
    while (steps++ < WALK_OBJECTS) {
      const slots = checker.check(ref, node);
      const first = firstEdge[node]!;
      const count = firstEdge[node + 1]! - first;
      if (slots < 0 || count === 0) break;
      const slot = random.below(count);
      checker.fromNode = node;
      checker.fromSlot = slot;
      ref = u32[slots + slot]!;
      node = edgeTarget[first + slot]!;
    }
    this.operations.steps += steps;
  }

  /**
   * From the object in root slot OWNER, which is one for `startNode`: copies the object that a random slot leads to, swings the slot to
   * the copy, and goes on from there. A safepoint.
   */
  #copyPath(startNode: number, objects: number, forEverybody: boolean): void {
    const { firstEdge, edgeTarget } = this.#graph;
    const u32 = this.#u32;
    const roots = this.#roots.slots;
    const { checker, random } = this;
    let node = startNode;
    checker.fromNode = checker.fromSlot = -1;
    for (let i = 0; i < objects; i++) {
      const slots = checker.check(roots[OWNER]!, node);
      const first = firstEdge[node]!;
      const count = firstEdge[node + 1]! - first;
      if (slots < 0 || count === 0) return;
      const slot = random.below(count);
      const target = edgeTarget[first + slot]!;
      checker.fromNode = node;
      checker.fromSlot = slot;
      roots[SOURCE] = u32[slots + slot]!;
      const copy = this.#copy(target);
      if (copy === 0) return;
      this.#store(roots[OWNER]! * 2 + INLINE_SLOT + 2 * this.#inlineWords(node) + slot, copy);
      if (forEverybody) this.#store(this.#entry(target), copy);
      this.operations.swings++;
      roots[OWNER] = copy;
      node = target;
    }
  }

  /**
   * A copy of the object in root slot SOURCE, which must be one for `node`; 0 when it is not, or is too big to be copied often.
   * A safepoint, after which the copy is published to nobody yet.
   */
  #copy(node: number): Ref {
    const roots = this.#roots.slots;
    const { firstEdge, nodeType, selfBytes } = this.#graph;
    const count = firstEdge[node + 1]! - firstEdge[node]!;
    const words = inlineWords(selfBytes[node]!, count);
    const elements = payloadElements(selfBytes[node]!, count);
    if (count + elements > BIG_SLOTS && this.random.below(BIG_COPY_ODDS) !== 0) return 0;
    if (this.checker.check(roots[SOURCE]!, node) < 0) return 0;
    if (elements > 0) this.#copyPayload(elements);
    else roots[PAYLOAD] = 0;
    const copy = this.#mutator.allocate(this.#shapes.nodes[nodeType[node]! * WIDTHS + words]!, count);
    const u32 = this.#u32;
    const from = roots[SOURCE]! * 2;
    u32[copy * 2 + PAYLOAD_SLOT] = roots[PAYLOAD]!;
    const end = INLINE_SLOT + 2 * words;
    for (let slot = IDENTITY_SLOT; slot < end; slot++) u32[copy * 2 + slot] = u32[from + slot]!;
    this.#mutator.copyReferences(copy * 2 + end, from + end, count);
    this.operations.copies++;
    return copy;
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

  #inlineWords(node: number): number {
    const { firstEdge, selfBytes } = this.#graph;
    return inlineWords(selfBytes[node]!, firstEdge[node + 1]! - firstEdge[node]!);
  }

  #entry(node: number): number {
    return this.#directory[DIRECTORY_ROOT]! * 2 + DIRECTORY_ELEMENTS_SLOT + node;
  }

  /** Publishes an object that may be new. */
  #store(slot: number, ref: Ref): void {
    if (STORES_ARE_ORDERED) this.#u32[slot] = ref;
    else Atomics.store(this.#u32, slot, ref);
  }
}
