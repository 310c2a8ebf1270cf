/**
 * Trees: binary trees built from below or from above, and counted. The material of gcbench and binary-trees.
 *
 * Built from below, an object refers to older ones only; from above, older objects are changed to refer to younger ones.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';

/** Nodes of a full tree; a tree of depth 0 is one node. */
export function treeSize(depth: number): number {
  return 2 ** (depth + 1) - 1;
}

interface TreeRun {
  readonly depth: number;
  readonly topDown: boolean;
  readonly count: number;
}

/** Which tree is built at which step. */
export class TreeSchedule {
  readonly #runs: TreeRun[] = [];
  #length = 0;

  add(run: TreeRun): void {
    this.#runs.push(run);
    this.#length += run.count;
  }

  /** Trees until it begins anew. */
  get length(): number {
    return this.#length;
  }

  at(index: number): TreeRun {
    let at = index % this.#length;
    for (const run of this.#runs) {
      if (at < run.count) return run;
      at -= run.count;
    }
    throw new RangeError('an empty schedule');
  }
}

/** Makes trees of nodes that a `Node` names, on one kind of memory. */
export interface TreeBuilder<Node> {
  bottomUp(depth: number, tree: number): Node;
  topDown(depth: number, tree: number): Node;
  /** Nodes of a tree; each labelled one must carry the tree's number and its height, else it counts in `wrong`. No safepoint. */
  count(node: Node, depth: number, tree: number): number;
  wrong: number;
  /** Cuts the leftmost leaf off. */
  spoil(node: Node): void;
  /** Keeps a tree, and an array with 1 / (i + 1) at index i. */
  keep(node: Node): void;
  kept(): Node;
  keepArray(length: number): void;
  /** Of the array kept. */
  element(index: number): number;
}

const LONG_LIVED = 0;
const ARRAY = 1;
const FIRST_TEMPORARY = 2;

/** u32 slots from a node's start. */
const LEFT = 2;
const RIGHT = 3;
const TREE = 4;
const DEPTH = 5;

export class HeapTrees implements TreeBuilder<Ref> {
  wrong = 0;
  readonly #mutator: BenchMutator;
  readonly #labelled: boolean;
  readonly #node: BenchShape;
  readonly #doubles: BenchShape;
  readonly #roots: Uint32Array;
  #top = FIRST_TEMPORARY;

  constructor(mutator: BenchMutator, labelled: boolean) {
    this.#mutator = mutator;
    this.#labelled = labelled;
    this.#roots = mutator.roots;
    this.#node = labelled ? mutator.defineShape('bench.labelled-node', 2, 2) : mutator.defineShape('bench.node', 2, 0);
    this.#doubles = mutator.defineArray('bench.doubles', 0, false);
  }

  bottomUp(depth: number, tree: number): Ref {
    if (depth > 0) {
      const left = this.bottomUp(depth - 1, tree);
      this.#roots[this.#top++] = left;
      const right = this.bottomUp(depth - 1, tree);
      this.#roots[this.#top++] = right;
    }
    const node = this.#newNode(depth, tree);
    if (depth > 0) {
      this.#mutator.u32[node * 2 + RIGHT] = this.#pop();
      this.#mutator.u32[node * 2 + LEFT] = this.#pop();
    }
    return node;
  }

  topDown(depth: number, tree: number): Ref {
    const node = this.#newNode(depth, tree);
    this.#roots[this.#top++] = node;
    this.#populate(depth, tree);
    return this.#pop();
  }

  count(node: Ref, depth: number, tree: number): number {
    const { u32 } = this.#mutator;
    if (this.#labelled && (u32[node * 2 + TREE] !== tree || u32[node * 2 + DEPTH] !== depth)) this.wrong++;
    const left = this.#mutator.load(node * 2 + LEFT);
    if (left === 0) return 1;
    const right = this.#mutator.load(node * 2 + RIGHT);
    return 1 + this.count(left, depth - 1, tree) + this.count(right, depth - 1, tree);
  }

  spoil(start: Ref): void {
    let node = start;
    for (;;) {
      const left = this.#mutator.load(node * 2 + LEFT);
      if (this.#mutator.load(left * 2 + LEFT) === 0) break;
      node = left;
    }
    this.#mutator.store(node * 2 + LEFT, 0);
  }

  keep(node: Ref): void {
    this.#roots[LONG_LIVED] = node;
  }

  kept(): Ref {
    return this.#roots[LONG_LIVED]!;
  }

  keepArray(length: number): void {
    const array = this.#mutator.allocate(this.#doubles, length);
    this.#roots[ARRAY] = array;
    const first = array + this.#doubles.elements;
    for (let i = 0; i < length; i++) this.#mutator.f64[first + i] = 1 / (i + 1);
  }

  element(index: number): number {
    return this.#mutator.f64[this.#roots[ARRAY]! + this.#doubles.elements + index]!;
  }

  #newNode(depth: number, tree: number): Ref {
    const node = this.#mutator.allocate(this.#node);
    if (this.#labelled) {
      this.#mutator.u32[node * 2 + TREE] = tree;
      this.#mutator.u32[node * 2 + DEPTH] = depth;
    }
    return node;
  }

  /** Gives the node on top of the roots its children. */
  #populate(depth: number, tree: number): void {
    if (depth === 0) return;
    const at = this.#top - 1;
    for (let child = LEFT; child <= RIGHT; child++) {
      const made = this.#newNode(depth - 1, tree);
      this.#mutator.store(this.#roots[at]! * 2 + child, made);
      this.#roots[this.#top++] = made;
      this.#populate(depth - 1, tree);
      this.#pop();
    }
  }

  #pop(): Ref {
    const node = this.#roots[--this.#top]!;
    this.#roots[this.#top] = 0;
    return node;
  }
}

export class PlainNode {
  left: PlainNode | null;
  right: PlainNode | null;

  constructor(left: PlainNode | null, right: PlainNode | null) {
    this.left = left;
    this.right = right;
  }
}

export class LabelledNode extends PlainNode {
  readonly tree: number;
  readonly depth: number;

  constructor(left: PlainNode | null, right: PlainNode | null, tree: number, depth: number) {
    super(left, right);
    this.tree = tree;
    this.depth = depth;
  }
}

export class PlainTrees implements TreeBuilder<PlainNode> {
  wrong = 0;
  readonly #labelled: boolean;
  #kept: PlainNode | null = null;
  #array = new Float64Array(0);

  constructor(labelled: boolean) {
    this.#labelled = labelled;
  }

  bottomUp(depth: number, tree: number): PlainNode {
    if (depth === 0) return this.#newNode(null, null, depth, tree);
    const left = this.bottomUp(depth - 1, tree);
    const right = this.bottomUp(depth - 1, tree);
    return this.#newNode(left, right, depth, tree);
  }

  topDown(depth: number, tree: number): PlainNode {
    const node = this.#newNode(null, null, depth, tree);
    this.#populate(node, depth, tree);
    return node;
  }

  count(node: PlainNode, depth: number, tree: number): number {
    if (this.#labelled && ((node as LabelledNode).tree !== tree || (node as LabelledNode).depth !== depth)) this.wrong++;
    if (node.left === null) return 1;
    return 1 + this.count(node.left, depth - 1, tree) + this.count(node.right!, depth - 1, tree);
  }

  spoil(start: PlainNode): void {
    let node = start;
    while (node.left!.left !== null) node = node.left!;
    node.left = null;
  }

  keep(node: PlainNode): void {
    this.#kept = node;
  }

  kept(): PlainNode {
    return this.#kept!;
  }

  keepArray(length: number): void {
    this.#array = new Float64Array(length);
    for (let i = 0; i < length; i++) this.#array[i] = 1 / (i + 1);
  }

  element(index: number): number {
    return this.#array[index]!;
  }

  #newNode(left: PlainNode | null, right: PlainNode | null, depth: number, tree: number): PlainNode {
    return this.#labelled ? new LabelledNode(left, right, tree, depth) : new PlainNode(left, right);
  }

  #populate(node: PlainNode, depth: number, tree: number): void {
    if (depth === 0) return;
    node.left = this.#newNode(null, null, depth - 1, tree);
    this.#populate(node.left, depth - 1, tree);
    node.right = this.#newNode(null, null, depth - 1, tree);
    this.#populate(node.right, depth - 1, tree);
  }
}
