/**
 * binary-trees: after the program of the Computer Language Benchmarks Game, itself an adaptation of GCBench. One tree lives on, and many of
 * growing depth are made, counted and dropped. Nodes are two references and nothing else: the smallest objects of all workloads.
 */
import { HeapTrees, PlainTrees, type TreeBuilder, TreeSchedule, treeSize } from './trees.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

class BinaryTrees<Node> extends Work {
  readonly #trees: TreeBuilder<Node>;
  readonly #schedule: TreeSchedule;
  readonly #maxDepth: number;
  readonly #checkEvery: number;

  constructor(trees: TreeBuilder<Node>, parameters: Parameters) {
    super();
    this.#trees = trees;
    this.#schedule = schedule(parameters);
    this.#maxDepth = knob(parameters, 'maxDepth');
    this.#checkEvery = knob(parameters, 'checkEvery');
  }

  build(): void {
    this.#checkTree(this.#trees.bottomUp(this.#maxDepth + 1, 0), this.#maxDepth + 1);
    this.#trees.keep(this.#trees.bottomUp(this.#maxDepth, 0));
  }

  step(index: number): void {
    const { depth } = this.#schedule.at(index);
    this.#checkTree(this.#trees.bottomUp(depth, 0), depth);
    if (index % this.#checkEvery === this.#checkEvery - 1) this.#checkTree(this.#trees.kept(), this.#maxDepth);
  }

  verify(): void {
    this.#checkTree(this.#trees.kept(), this.#maxDepth);
    this.add(this.checks);
  }

  corrupt(): void {
    this.#trees.spoil(this.#trees.kept());
  }

  #checkTree(tree: Node, depth: number): void {
    const count = this.#trees.count(tree, depth, 0);
    this.check(count === treeSize(depth));
    this.add(count);
  }
}

function schedule(parameters: Parameters): TreeSchedule {
  const trees = new TreeSchedule();
  const least = knob(parameters, 'minDepth');
  const most = knob(parameters, 'maxDepth');
  for (let depth = least; depth <= most; depth += 2) trees.add({ depth, topDown: false, count: 2 ** (most - depth + least) });
  return trees;
}

export const binaryTrees: Workload = {
  name: 'binary-trees',
  quick: { maxDepth: 14, rounds: 4 },
  unit: 'trees',
  hasRequests: false,
  defaults: {
    minDepth: 4,
    maxDepth: 16,
    /** How often the whole schedule of trees is gone through; one round more warms up. */
    rounds: 4,
    /** Trees between two looks at the tree that lives on. */
    checkEvery: 8192,
  },
  plan: (parameters) => {
    const { length } = schedule(parameters);
    return { warmUp: length, operations: length * knob(parameters, 'rounds'), iteration: length };
  },
  onHeap: (mutator, parameters) => new BinaryTrees(new HeapTrees(mutator, false), parameters),
  plain: (parameters) => new BinaryTrees(new PlainTrees(false), parameters),
};
