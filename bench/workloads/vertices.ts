/**
 * The vertices of the workload graph: on a heap and as plain objects.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { RootTable } from './root-table.ts';

/** Vertices by index, on one kind of memory. Edges of a vertex are numbered from 0 on. */
export interface Vertices {
  /** A safepoint. */
  build(count: number): void;
  degree(vertex: number): number;
  targetId(vertex: number, edge: number): number;
  /** A safepoint. */
  addEdge(vertex: number, target: number): void;
  /** The last edge takes its place. */
  removeEdge(vertex: number, edge: number): void;
  setEdge(vertex: number, edge: number, target: number): void;
  /** Into a list that has just room for them. A safepoint. */
  copyEdges(vertex: number): void;
  rank(vertex: number): number;
  setRank(vertex: number, rank: number): void;
  /** Gives each target its share of the vertex's rank. */
  spread(vertex: number): void;
  /** What the vertex was given, which is 0 from then on. */
  take(vertex: number): number;
  poll(): void;
}

const FIRST_CAPACITY = 4;

const TABLE = 0;
/** u32 slot of a vertex's edges, from its start. */
const EDGES = 2;
/** Doubles of a vertex. */
const RANK = 0;
const NEXT = 1;
const ID = 2;
const DEGREE = 3;
const DOUBLES = 4;

export class HeapVertices implements Vertices {
  readonly #memory: BenchMutator;
  readonly #table: RootTable;
  readonly #vertex: BenchShape;
  readonly #edges: BenchShape;

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#table = new RootTable(memory, TABLE);
    this.#vertex = memory.defineArray('bench.vertex', 1, false);
    this.#edges = memory.defineArray('bench.edges', 0, true);
  }

  build(count: number): void {
    this.#table.build(count);
    for (let i = 0; i < count; i++) {
      const vertex = this.#memory.allocate(this.#vertex, DOUBLES);
      this.#memory.f64[vertex + this.#vertex.elements + ID] = i;
      this.#memory.store(this.#table.slot(i), vertex);
      this.#newEdges(i, FIRST_CAPACITY);
    }
  }

  degree(vertex: number): number {
    return this.#memory.f64[this.#double(this.#at(vertex), DEGREE)]!;
  }

  targetId(vertex: number, edge: number): number {
    return this.#memory.f64[this.#double(this.#memory.load(this.#edge(this.#at(vertex), edge)), ID)]!;
  }

  addEdge(vertex: number, target: number): void {
    const degree = this.degree(vertex);
    if (degree === this.#memory.count(this.#memory.load(this.#at(vertex) * 2 + EDGES))) this.#newEdges(vertex, degree * 2);
    const at = this.#at(vertex);
    this.#memory.store(this.#edge(at, degree), this.#at(target));
    this.#memory.f64[this.#double(at, DEGREE)] = degree + 1;
  }

  removeEdge(vertex: number, edge: number): void {
    const at = this.#at(vertex);
    const last = this.degree(vertex) - 1;
    this.#memory.store(this.#edge(at, edge), this.#memory.load(this.#edge(at, last)));
    this.#memory.store(this.#edge(at, last), 0);
    this.#memory.f64[this.#double(at, DEGREE)] = last;
  }

  setEdge(vertex: number, edge: number, target: number): void {
    this.#memory.store(this.#edge(this.#at(vertex), edge), this.#at(target));
  }

  copyEdges(vertex: number): void {
    this.#newEdges(vertex, this.degree(vertex));
  }

  rank(vertex: number): number {
    return this.#memory.f64[this.#double(this.#at(vertex), RANK)]!;
  }

  setRank(vertex: number, rank: number): void {
    this.#memory.f64[this.#double(this.#at(vertex), RANK)] = rank;
  }

  spread(vertex: number): void {
    const { f64 } = this.#memory;
    const at = this.#at(vertex);
    const degree = f64[this.#double(at, DEGREE)]!;
    const share = f64[this.#double(at, RANK)]! / degree;
    const first = this.#edge(at, 0);
    for (let edge = 0; edge < degree; edge++) f64[this.#double(this.#memory.load(first + edge), NEXT)]! += share;
  }

  take(vertex: number): number {
    const at = this.#double(this.#at(vertex), NEXT);
    const given = this.#memory.f64[at]!;
    this.#memory.f64[at] = 0;
    return given;
  }

  poll(): void {
    this.#memory.poll();
  }

  #at(vertex: number): Ref {
    return this.#memory.load(this.#table.slot(vertex));
  }

  #double(vertex: Ref, which: number): number {
    return vertex + this.#vertex.elements + which;
  }

  #edge(vertex: Ref, edge: number): number {
    return this.#memory.load(vertex * 2 + EDGES) * 2 + this.#edges.elements + edge;
  }

  /** Copies the edges of a vertex into a list of that capacity. A safepoint. */
  #newEdges(vertex: number, capacity: number): void {
    const made = this.#memory.allocate(this.#edges, capacity);
    const at = this.#at(vertex);
    const degree = this.degree(vertex);
    for (let edge = 0; edge < degree; edge++) {
      this.#memory.u32[made * 2 + this.#edges.elements + edge] = this.#memory.load(this.#edge(at, edge));
    }
    this.#memory.store(at * 2 + EDGES, made);
  }
}

class PlainVertex {
  edges: PlainVertex[] = [];
  rank = 0.5;
  next = 0.5;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
    this.next = 0;
  }
}

export class PlainVertices implements Vertices {
  #table: PlainVertex[] = [];

  build(count: number): void {
    this.#table = Array.from({ length: count }, (_, id) => new PlainVertex(id));
  }

  degree(vertex: number): number {
    return this.#table[vertex]!.edges.length;
  }

  targetId(vertex: number, edge: number): number {
    return this.#table[vertex]!.edges[edge]!.id;
  }

  addEdge(vertex: number, target: number): void {
    this.#table[vertex]!.edges.push(this.#table[target]!);
  }

  removeEdge(vertex: number, edge: number): void {
    const { edges } = this.#table[vertex]!;
    edges[edge] = edges.at(-1)!;
    edges.pop();
  }

  setEdge(vertex: number, edge: number, target: number): void {
    this.#table[vertex]!.edges[edge] = this.#table[target]!;
  }

  copyEdges(vertex: number): void {
    const at = this.#table[vertex]!;
    at.edges = at.edges.slice();
  }

  rank(vertex: number): number {
    return this.#table[vertex]!.rank;
  }

  setRank(vertex: number, rank: number): void {
    this.#table[vertex]!.rank = rank;
  }

  spread(vertex: number): void {
    const { edges, rank } = this.#table[vertex]!;
    const share = rank / edges.length;
    for (const target of edges) target.next += share;
  }

  take(vertex: number): number {
    const at = this.#table[vertex]!;
    const given = at.next;
    at.next = 0;
    return given;
  }

  poll(): void {}
}
