/**
 * graph: a directed graph is built, changed all the time, and ranked (PageRank; Brin & Page 1998) now and then.
 *
 *     table ─▶ vertex (rank, next rank, id, degree) ─▶ edges ─▶ vertices
 *
 * One operation makes some changes: an edge more, an edge less, an edge swung, a list of edges copied; after so many operations comes one
 * iteration of PageRank over all vertices, between whose parts the thread comes to safepoints. Targets are skewed: a few vertices are
 * referred to by many. Beside the graph plain arrays tell the degree of each vertex and the sum of its targets' ids.
 */
import { Random } from './random.ts';
import { HeapVertices, PlainVertices, type Vertices } from './vertices.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

const DAMPING = 0.85;
/** Sums of ranks are off by no more than rounding. */
const RANK_TOLERANCE = 1e-6;
/** Vertices of a PageRank iteration between two safepoints. */
const POLL_EVERY = 256;

class Graph extends Work {
  readonly #vertices: Vertices;
  readonly #random: Random;
  readonly #count: number;
  readonly #edgesPerVertex: number;
  readonly #changes: number;
  readonly #rankEvery: number;
  readonly #degrees: Uint32Array;
  /** Of targets' ids, modulo 2^32. */
  readonly #sums: Uint32Array;

  constructor(vertices: Vertices, parameters: Parameters, seed: number) {
    super();
    this.#vertices = vertices;
    this.#random = new Random(seed);
    this.#count = knob(parameters, 'vertices');
    this.#edgesPerVertex = knob(parameters, 'edgesPerVertex');
    this.#changes = knob(parameters, 'changesPerOperation');
    this.#rankEvery = knob(parameters, 'rankEvery');
    this.#degrees = new Uint32Array(this.#count);
    this.#sums = new Uint32Array(this.#count);
  }

  build(): void {
    this.#vertices.build(this.#count);
    for (let edge = 0; edge < this.#edgesPerVertex; edge++) {
      for (let vertex = 0; vertex < this.#count; vertex++) this.#add(vertex);
    }
    for (let vertex = 0; vertex < this.#count; vertex++) this.#vertices.setRank(vertex, 1 / this.#count);
  }

  step(index: number): void {
    for (let change = 0; change < this.#changes; change++) {
      const vertex = this.#random.below(this.#count);
      this.#change(vertex, this.#random.below(4));
      this.#checkVertex(vertex);
      this.#vertices.poll();
    }
    if (index % this.#rankEvery === this.#rankEvery - 1) this.#rank();
  }

  verify(): void {
    for (let vertex = 0; vertex < this.#count; vertex++) {
      this.#checkVertex(vertex);
      this.add(this.#sums[vertex]!);
      this.add(Math.floor(this.#vertices.rank(vertex) * 2 ** 31));
    }
  }

  corrupt(): void {
    for (let vertex = 0; vertex < this.#count; vertex++) {
      this.#vertices.setEdge(vertex, 0, (this.#vertices.targetId(vertex, 0) + 1) % this.#count);
    }
  }

  #change(vertex: number, kind: number): void {
    const degree = this.#degrees[vertex]!;
    if (kind === 0) this.#add(vertex);
    else if (kind === 1 && degree > 1) {
      const edge = this.#random.below(degree);
      this.#sums[vertex]! -= this.#vertices.targetId(vertex, edge);
      this.#degrees[vertex]!--;
      this.#vertices.removeEdge(vertex, edge);
    } else if (kind === 2) {
      const edge = this.#random.below(degree);
      const target = this.#random.skewed(this.#count);
      this.#sums[vertex]! += target - this.#vertices.targetId(vertex, edge);
      this.#vertices.setEdge(vertex, edge, target);
    } else this.#vertices.copyEdges(vertex);
  }

  #add(vertex: number): void {
    const target = this.#random.skewed(this.#count);
    this.#vertices.addEdge(vertex, target);
    this.#degrees[vertex]!++;
    this.#sums[vertex]! += target;
  }

  #rank(): void {
    const vertices = this.#vertices;
    for (let vertex = 0; vertex < this.#count; vertex++) {
      vertices.spread(vertex);
      if (vertex % POLL_EVERY === 0) vertices.poll();
    }
    let sum = 0;
    for (let vertex = 0; vertex < this.#count; vertex++) {
      const rank = (1 - DAMPING) / this.#count + DAMPING * vertices.take(vertex);
      vertices.setRank(vertex, rank);
      sum += rank;
      if (vertex % POLL_EVERY === 0) vertices.poll();
    }
    this.check(Math.abs(sum - 1) < RANK_TOLERANCE);
  }

  #checkVertex(vertex: number): void {
    const degree = this.#vertices.degree(vertex);
    let sum = 0;
    for (let edge = 0; edge < degree; edge++) sum += this.#vertices.targetId(vertex, edge);
    this.check(degree === this.#degrees[vertex]);
    this.check(sum >>> 0 === this.#sums[vertex]);
  }
}

export const graph: Workload = {
  name: 'graph',
  quick: { vertices: 20_000, rankEvery: 1000, warmUpOperations: 500, operations: 4000 },
  unit: 'batches of changes',
  hasRequests: false,
  defaults: {
    vertices: 200_000,
    edgesPerVertex: 8,
    changesPerOperation: 32,
    /** Operations between two iterations of PageRank. */
    rankEvery: 25_000,
    warmUpOperations: 25_000,
    operations: 120_000,
  },
  plan: (parameters) => ({ warmUp: knob(parameters, 'warmUpOperations'), operations: knob(parameters, 'operations') }),
  onHeap: (memory, parameters, seed) => new Graph(new HeapVertices(memory), parameters, seed),
  plain: (parameters, seed) => new Graph(new PlainVertices(), parameters, seed),
};
