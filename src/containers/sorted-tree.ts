/**
 * Sorted trees: the structure of a sorted map, a B+ tree whose nodes never change. A change makes new nodes for the path from the leaf to
 * the root, and a new version of the map that refers to them, which takes the place of the version before by one compare-and-swap. So a
 * version, once loaded, is the map of one moment, and nobody needs a lock (Driscoll et al., Making data structures persistent, 1989).
 *
 *     map ──▶ version (size, depth) ──▶ node: lowest entry, child, lowest entry, child, …      depth times
 *                                          └──▶ leaf: entry, entry, entry, …                  entries: key and value
 *
 * A change is made twice over: first for the sizes of the new nodes, which are allocated then, and again to fill them, because an
 * allocation may move what has been read before. The tree of a version that is held is the same both times.
 */
import type { Mutator } from '../heap/mutator.ts';
import { elementCountOf, slotOf } from '../heap/object.ts';
import type { Shape, ShapeTable } from '../heap/shapes.ts';
import type { Ref } from '../heap/units.ts';

/** Items of a node or leaf at most. One that has fewer than a quarter is joined with a neighbour, if both fit into one. */
const MOST = 16;
const FEW = MOST / 4;
/** Of a node: the lowest entry below a child, and the child. */
const PAIR = 2;

/** @internal Compares the key of an entry with the one that is looked for. */
export type Compare = (entry: Ref) => number;

/** @internal A place in the tree of one version, until the next safepoint: an entry, or the end. */
export class SortedPath {
  /** From the root to the leaf. */
  readonly nodes: Ref[] = [];
  readonly indices: number[] = [];
}

/**
 * The items of a level after the change, without a copy of them: those of one node, or of two that are joined, from `at` on with `items` in
 * the place of `replaced` of them.
 */
interface Run {
  readonly isLeaf: boolean;
  readonly first: Ref;
  readonly second: Ref;
  readonly at: number;
  readonly replaced: number;
  readonly items: readonly Ref[];
  /** In a node, the lowest entry below each of `items`. */
  readonly lowest: readonly Ref[];
  readonly count: number;
}

type Replaced = Pick<Run, 'at' | 'replaced' | 'items' | 'lowest'>;

/** @internal What a change does at a path. */
export interface Change {
  /** How many entries it takes out at the place of the path: 0 or 1. */
  readonly removed: number;
  /** What it puts there, if anything. Its value counts only when nodes are filled. */
  readonly entry: Ref | undefined;
}

/** @internal How a new node of so many elements comes to be: counted first, taken when it is filled. */
export type MakeNode = (elements: number) => Ref;

/** @internal Of one mutator. */
export class SortedTree {
  readonly version: Shape;
  readonly node: Shape;
  readonly #mutator: Mutator;
  readonly #root: number;
  readonly #size: number;
  readonly #depth: number;

  constructor(mutator: Mutator, shapes: ShapeTable) {
    this.#mutator = mutator;
    const version = shapes.define({ name: 'faultline.sorted-version', fields: { root: 'ref', size: 'u32', depth: 'u32' } });
    this.version = version;
    this.node = shapes.define({ name: 'faultline.sorted-node', elements: 'ref' });
    ({ root: this.#root, size: this.#size, depth: this.#depth } = version.offsets);
  }

  /** The number of entries. */
  sizeOf(version: Ref): number {
    return version === 0 ? 0 : this.#mutator.u32[slotOf(version, this.#size)]!;
  }

  /** Moves the path to the first entry that is not below what is looked for, or to the end; returns that entry, or 0. */
  find(version: Ref, path: SortedPath, compare: Compare): Ref {
    return this.#descend(version, path, (node, isLeaf) => {
      const step = isLeaf ? 1 : PAIR;
      // The first item whose key is not below, and in a node, the one before unless it is equal.
      let [low, high] = [0, elementCountOf(this.#mutator.u32, node) / step];
      while (low < high) {
        const middle = (low + high) >>> 1;
        const order = compare(this.#at(node, middle * step));
        if (order < 0 || (!isLeaf && order === 0)) low = middle + 1;
        else high = middle;
      }
      return isLeaf ? low : Math.max(0, low - 1);
    });
  }

  /** Moves the path to the first entry, or behind the last one. */
  goTo(version: Ref, path: SortedPath, end: 'first' | 'behind'): Ref {
    return this.#descend(version, path, (node, isLeaf) => {
      if (end === 'first') return 0;
      const count = elementCountOf(this.#mutator.u32, node);
      return isLeaf ? count : count / PAIR - 1;
    });
  }

  #descend(version: Ref, { nodes, indices }: SortedPath, choose: (node: Ref, isLeaf: boolean) => number): Ref {
    nodes.length = indices.length = 0;
    const root = version === 0 ? 0 : this.#mutator.getReference(slotOf(version, this.#root));
    if (root === 0) return 0;
    const depth = this.#mutator.u32[slotOf(version, this.#depth)]!;
    let node = root;
    for (let level = 0; level <= depth; level++) {
      const index = choose(node, level === depth);
      nodes.push(node);
      indices.push(index);
      if (level < depth) node = this.#at(node, index * PAIR + 1);
    }
    return this.entryAt({ nodes, indices });
  }

  /** The entry at the path; 0 at the end of its leaf. */
  entryAt({ nodes, indices }: SortedPath): Ref {
    const last = nodes.length - 1;
    return last >= 0 && indices[last]! < this.#countAt(nodes, last) ? this.#at(nodes[last]!, indices[last]!) : 0;
  }

  /** Moves the path to the next entry (`by` 1), or to the one before (-1), and returns it; 0 if there is none. */
  advance(path: SortedPath, by: 1 | -1): Ref {
    const { nodes, indices } = path;
    const leaf = nodes.length - 1;
    let level = leaf;
    for (; level >= 0; level--) {
      indices[level]! += by;
      if (indices[level]! >= 0 && indices[level]! < this.#countAt(nodes, level)) break;
    }
    if (level < 0) {
      nodes.length = indices.length = 0;
      return 0;
    }
    for (; level < leaf; level++) {
      nodes[level + 1] = this.#at(nodes[level]!, indices[level]! * PAIR + 1);
      indices[level + 1] = by === 1 ? 0 : this.#countAt(nodes, level + 1) - 1;
    }
    return this.entryAt(path);
  }

  /**
   * Fills `made` with the version that a change at the path makes of `version`, with nodes from `make`; `made` is 0 when they are only
   * counted. Not a safepoint.
   */
  build(version: Ref, path: SortedPath, { removed, entry }: Change, made: Ref, make: MakeNode): void {
    const leaf = path.nodes.length - 1;
    let depth = Math.max(0, leaf);
    let change: Replaced = { at: path.indices[leaf] ?? 0, replaced: removed, items: entry === undefined ? [] : [entry], lowest: [] };
    for (let level = leaf; level > 0; level--) {
      const { run, from, count } = this.#joined(path, level, change);
      change = { at: from, replaced: count, ...this.#write(run, make) };
    }
    const run = this.#run(path.nodes[0] ?? 0, 0, depth === 0, change);
    let root = 0;
    if (run.count === 0) depth = 0;
    else if (run.count === 1 && depth > 0) {
      root = this.#item(run, 0);
      depth--;
    } else {
      const { items, lowest } = this.#write(run, make);
      depth += items.length - 1;
      if (items.length > 1) root = this.#write(this.#run(0, 0, false, { at: 0, replaced: 0, items, lowest }), make).items[0]!;
      else root = items[0]!;
    }
    if (made === 0) return;
    const { u32 } = this.#mutator;
    u32[slotOf(made, this.#root)] = root;
    u32[slotOf(made, this.#size)] = this.sizeOf(version) - removed + (entry === undefined ? 0 : 1);
    u32[slotOf(made, this.#depth)] = depth;
  }

  /** The run at a level of the path, with a neighbour's items if it has few and both fit into one; which of the parent's it replaces. */
  #joined({ nodes, indices }: SortedPath, level: number, change: Replaced): { run: Run; from: number; count: number } {
    const isLeaf = level === nodes.length - 1;
    const [node, parent, index] = [nodes[level]!, nodes[level - 1]!, indices[level - 1]!];
    const run = this.#run(node, 0, isLeaf, change);
    const neighbour = index > 0 ? index - 1 : index + 1;
    const alone = { run, from: index, count: 1 };
    if (run.count === 0 || run.count >= FEW || neighbour >= this.#countAt(nodes, level - 1)) return alone;
    const other = this.#at(parent, neighbour * PAIR + 1);
    const count = this.#countOf(other, isLeaf);
    if (count + run.count > MOST) return alone;
    if (neighbour > index) return { run: this.#run(node, other, isLeaf, change), from: index, count: 2 };
    return { run: this.#run(other, node, isLeaf, { ...change, at: change.at + count }), from: neighbour, count: 2 };
  }

  #run(first: Ref, second: Ref, isLeaf: boolean, { at, replaced, items, lowest }: Replaced): Run {
    const count = this.#countOf(first, isLeaf) + this.#countOf(second, isLeaf) - replaced + items.length;
    return { isLeaf, first, second, at, replaced, items, lowest, count };
  }

  /** Writes a run into one node, or into two if it is too long for one; what their parent has to hold of them. */
  #write(run: Run, make: MakeNode): { items: Ref[]; lowest: Ref[] } {
    const { isLeaf, count } = run;
    const [items, lowest]: [Ref[], Ref[]] = [[], []];
    const middle = count <= MOST ? count : count >>> 1;
    for (let begin = 0; begin < count; begin += middle) {
      const end = begin === 0 ? middle : count;
      lowest.push(isLeaf ? this.#item(run, begin) : this.#lowest(run, begin));
      items.push(this.#writeNode(run, begin, end, make));
      if (end === count) break;
    }
    return { items, lowest };
  }

  #writeNode(run: Run, begin: number, end: number, make: MakeNode): Ref {
    const node = make((end - begin) * (run.isLeaf ? 1 : PAIR));
    if (node === 0) return 0;
    const { u32 } = this.#mutator;
    let slot = slotOf(node, this.node.elementsOffset);
    for (let i = begin; i < end; i++) {
      if (!run.isLeaf) u32[slot++] = this.#lowest(run, i);
      u32[slot++] = this.#item(run, i);
    }
    return node;
  }

  #item(run: Run, index: number): Ref {
    const { at, items, isLeaf } = run;
    if (index >= at && index < at + items.length) return items[index - at]!;
    return this.#before(run, index, isLeaf ? 0 : 1);
  }

  #lowest(run: Run, index: number): Ref {
    const { at, lowest } = run;
    if (index >= at && index < at + lowest.length) return lowest[index - at]!;
    return this.#before(run, index, 0);
  }

  /** What an item that has not changed has at `offset` of it. */
  #before({ at, items, replaced, isLeaf, first, second }: Run, index: number, offset: number): Ref {
    const step = isLeaf ? 1 : PAIR;
    const element = (index < at ? index : index - items.length + replaced) * step + offset;
    const count = first === 0 ? 0 : elementCountOf(this.#mutator.u32, first);
    return element < count ? this.#at(first, element) : this.#at(second, element - count);
  }

  #countOf(node: Ref, isLeaf: boolean): number {
    return node === 0 ? 0 : elementCountOf(this.#mutator.u32, node) / (isLeaf ? 1 : PAIR);
  }

  #countAt(nodes: readonly Ref[], level: number): number {
    return this.#countOf(nodes[level]!, level === nodes.length - 1);
  }

  /** The load that a checked heap records. */
  #at(node: Ref, element: number): Ref {
    return this.#mutator.getReference(slotOf(node, this.node.elementsOffset + element));
  }
}
