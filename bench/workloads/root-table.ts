/**
 * RootTable: an array of references that a root leads to, by which most workloads find their objects.
 */
import type { BenchMutator, BenchShape } from './bench-mutator.ts';

export class RootTable {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #root: number;
  readonly #shape: BenchShape;

  /** `root`: a root slot's number. */
  constructor(memory: BenchMutator, root: number) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#root = root;
    this.#shape = memory.defineArray('bench.table', 0, true);
  }

  /** Entries are null at first. A safepoint. */
  build(count: number): void {
    this.#roots[this.#root] = this.#memory.allocate(this.#shape, count);
  }

  /** The u32 slot of an entry; until the next safepoint. */
  slot(index: number): number {
    return this.#roots[this.#root]! * 2 + this.#shape.elements + index;
  }
}
