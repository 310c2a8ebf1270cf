/**
 * gcbench: after GCBench by Ellis, Kovac and Boehm. A large tree is made and dropped, to stretch the heap; a smaller one and an array of
 * doubles live on; then trees of growing depth are made from above and from below, for each depth about as many nodes. Trees are
 * counted as soon as they are made, what lives on now and then. A toy, as its authors say: well known, and all small objects.
 */
import { HeapTrees, PlainTrees, type TreeBuilder, TreeSchedule, treeSize } from './trees.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

const LONG_LIVED_TREE = 0x7fffffff;

class GcBench<Node> extends Work {
  readonly #trees: TreeBuilder<Node>;
  readonly #schedule: TreeSchedule;
  readonly #stretchDepth: number;
  readonly #longLivedDepth: number;
  readonly #arrayLength: number;
  readonly #checkEvery: number;

  constructor(trees: TreeBuilder<Node>, parameters: Parameters) {
    super();
    this.#trees = trees;
    this.#schedule = schedule(parameters);
    this.#stretchDepth = knob(parameters, 'stretchDepth');
    this.#longLivedDepth = knob(parameters, 'longLivedDepth');
    this.#arrayLength = knob(parameters, 'arrayLength');
    this.#checkEvery = knob(parameters, 'checkEvery');
  }

  build(): void {
    this.#checkTree(this.#trees.bottomUp(this.#stretchDepth, 0), this.#stretchDepth, 0);
    this.#trees.keep(this.#trees.topDown(this.#longLivedDepth, LONG_LIVED_TREE));
    this.#trees.keepArray(this.#arrayLength);
  }

  step(index: number): void {
    const { depth, topDown } = this.#schedule.at(index);
    this.#checkTree(topDown ? this.#trees.topDown(depth, index) : this.#trees.bottomUp(depth, index), depth, index);
    if (index % this.#checkEvery === this.#checkEvery - 1) this.#checkLongLived(Math.floor(this.#arrayLength / 1000) + 1);
  }

  verify(): void {
    this.#checkLongLived(1);
    this.add(this.checks);
  }

  corrupt(): void {
    this.#trees.spoil(this.#trees.kept());
  }

  #checkTree(tree: Node, depth: number, number: number): void {
    const before = this.#trees.wrong;
    const count = this.#trees.count(tree, depth, number);
    this.checks += count;
    this.mismatches += this.#trees.wrong - before;
    if (count !== treeSize(depth)) this.mismatches++;
    this.add(count);
  }

  #checkLongLived(stride: number): void {
    this.#checkTree(this.#trees.kept(), this.#longLivedDepth, LONG_LIVED_TREE);
    for (let i = 0; i < this.#arrayLength; i += stride) this.check(this.#trees.element(i) === 1 / (i + 1));
  }
}

function schedule(parameters: Parameters): TreeSchedule {
  const trees = new TreeSchedule();
  for (let depth = knob(parameters, 'minDepth'); depth <= knob(parameters, 'maxDepth'); depth += 2) {
    const count = Math.floor((2 * treeSize(knob(parameters, 'stretchDepth'))) / treeSize(depth));
    trees.add({ depth, topDown: true, count });
    trees.add({ depth, topDown: false, count });
  }
  return trees;
}

export const gcbench: Workload = {
  name: 'gcbench',
  quick: { stretchDepth: 16, longLivedDepth: 15, arrayLength: 300_000, maxDepth: 13, rounds: 3 },
  unit: 'trees',
  hasRequests: false,
  defaults: {
    stretchDepth: 18,
    longLivedDepth: 16,
    arrayLength: 500_000,
    minDepth: 4,
    maxDepth: 16,
    /** How often the whole schedule of trees is gone through; one round more warms up. */
    rounds: 3,
    /** Trees between two looks at what lives on. */
    checkEvery: 4096,
  },
  plan: (parameters) => {
    const { length } = schedule(parameters);
    return { warmUp: length, operations: length * knob(parameters, 'rounds'), iteration: length };
  },
  onHeap: (mutator, parameters) => new GcBench(new HeapTrees(mutator, true), parameters),
  plain: (parameters) => new GcBench(new PlainTrees(true), parameters),
};
