/**
 * Graph mutator: what one thread does to the graph while the collector moves it.
 *
 * The model never changes: whatever a thread does, slot s of any object for node n leads to an object for `edgeTarget[firstEdge[n] + s]`.
 * But a node may have many objects at a time (copies); the directory leads to one of them.
 *
 *     walk       from a random node along random slots; every object is checked
 *     replace    along a walk: each object's successor is copied, and the slot and the directory are redirected to the copy; objects
 *     without
 *                references become garbage, scattered over the heap
 *     keep       a copy of a path for this thread alone, from a root of its own; dropped later as a whole
 *     hold       handles on objects found on the way; checked and followed later
 *     litter     short-lived data of random sizes, some of it kept for a while among the live objects; sometimes a large array
 *     reconcile  each slot in turn is redirected to the object that the directory leads to, so that copies do not accumulate
 *
 * Races are benign by construction. Two threads may redirect one slot at the same time; either way it leads to an object with the identity
 * that the model demands, and so does every value that a copying thread can read from it (path-copier.ts).
 *
 * A method described as a safepoint may move everything: afterwards raw references are read again from root slots.
 */
import type { Heap } from '../../heap/heap.ts';
import type { Mutator } from '../../heap/mutator.ts';
import type { RootRange } from '../../heap/root-range.ts';
import type { ReferenceHandle, Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import { Checker } from './checker.ts';
import { DIRECTORY_ROOT } from './load.ts';
import { Litter } from './litter.ts';
import { DIRECTORY_ELEMENTS_SLOT, type RunShapes } from './object-layout.ts';
import { PathCopier, type Publish, publisher } from './path-copier.ts';
import type { Operations } from './messages.ts';
import { Random } from './random.ts';

/** Objects of a walk between two safepoints. */
const WALK_OBJECTS = 64;
/** Slots reconciled between two safepoints. */
const RECONCILED_SLOTS = 256;
const LONGEST_PATH = 16;
const KEPT_PATHS = 64;
const HELD_OBJECTS = 256;

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
  readonly #directory: Uint32Array;
  readonly #kept: RootRange;
  readonly #keptNodes = new Int32Array(KEPT_PATHS).fill(-1);
  readonly #held: { handle: ReferenceHandle; node: number }[] = [];
  readonly #copier: PathCopier;
  readonly #litter: Litter;
  readonly #publish: Publish;
  #reconciledNode: number;
  #reconciledSlot = 0;

  constructor(heap: Heap, mutator: Mutator, graph: ObjectGraph, shapes: RunShapes, thread: number, seed: number) {
    this.random = new Random(seed + Math.imul(thread + 1, 0x9e3779b1));
    this.checker = new Checker(thread, mutator, graph, shapes, this.random);
    this.#mutator = mutator;
    this.#u32 = mutator.u32;
    this.#graph = graph;
    this.#directory = heap.roots.slots;
    this.#kept = mutator.createRootRange(KEPT_PATHS);
    this.#kept.used = KEPT_PATHS;
    this.#publish = publisher(heap, mutator);
    this.#copier = new PathCopier(heap, mutator, graph, shapes, this.checker, this.random, this.operations, this.#publish);
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

  /** Copies objects along a walk and makes all threads use the copies. A safepoint. */
  replace(): void {
    const node = this.random.below(this.#graph.nodeCount);
    this.checker.doing = 'replace';
    this.#copier.copyPath(this.#u32[this.#entry(node)]!, node, 1 + this.random.below(LONGEST_PATH), true);
  }

  /** Copies a path for this thread alone, replacing one that was kept before. A safepoint. */
  keep(): void {
    const kept = this.random.below(KEPT_PATHS);
    const node = this.random.below(this.#graph.nodeCount);
    this.checker.doing = 'keep';
    this.#drop(kept);
    const copy = this.#copier.copy(this.#u32[this.#entry(node)]!, node);
    if (copy === 0) return;
    this.#kept.slots[kept] = copy;
    this.#keptNodes[kept] = node;
    this.operations.keeps++;
    this.#copier.copyPath(copy, node, this.random.below(LONGEST_PATH), false);
  }

  /** Walks from a kept path, and then, half of the time, drops it. No safepoint. */
  revisit(): void {
    const kept = this.random.below(KEPT_PATHS);
    const node = this.#keptNodes[kept]!;
    if (node < 0) return;
    this.checker.doing = 'revisit';
    this.checker.fromNode = this.checker.fromSlot = -1;
    this.#walkFrom(this.#kept.slots[kept]!, node);
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

  /** Makes a large array to replace the last one, if the heap has room for large arrays. A safepoint. */
  makeLargeArray(): void {
    this.checker.doing = 'large array';
    this.operations.largeArrays += this.#litter.replaceLargeArray();
  }

  /** Reconciles the next few slots. No safepoint. */
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
          this.#publish(slots + slot, best);
          this.operations.swings++;
        }
      } else slot = count;
      this.#reconciledSlot = slot;
      if (slot < count) return;
      this.#reconciledSlot = 0;
      this.#reconciledNode = (node + 1) % nodeCount;
    }
  }

  /** Drops everything that only this thread needs. No safepoint. */
  dropAll(): void {
    for (let kept = 0; kept < KEPT_PATHS; kept++) this.#drop(kept);
    this.#copier.drop();
    for (const { handle } of this.#held) this.#mutator.release(handle);
    this.#held.length = 0;
    this.#litter.drop();
  }

  #drop(kept: number): void {
    if (this.#keptNodes[kept]! < 0) return;
    this.#kept.slots[kept] = 0;
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

  #entry(node: number): number {
    return this.#directory[DIRECTORY_ROOT]! * 2 + DIRECTORY_ELEMENTS_SLOT + node;
  }
}
