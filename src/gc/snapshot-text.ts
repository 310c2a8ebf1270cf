/**
 * Snapshot text: a heap graph as the JSON of a `.heapsnapshot` file, chunk by chunk.
 *
 *     node 0      the root, synthetic
 *       shortcut ─▶ each group of roots        "mutator 1: handles", "shared roots", "pins", …
 *       element  ─▶ node 1, "(GC roots)"       the same groups once more: DevTools finds this node by its name
 *     group       element ─▶ objects           by the index of the root slot
 *     object      property, element ─▶ objects by field or by element; `weak` where it keeps nothing alive
 *
 * Objects that have an identity hash get their number from it, so that two snapshots can be compared; the numbers of others are used once
 * in a process. Both kinds are odd, as in V8; those of groups and of the root are small.
 *
 * Strings come first in the table of strings, in the order of their nodes, and are read when they are written: so only the copy of the
 * graph grows with the heap. Weak references to elements beyond NAMED_INDICES share a name, for the same reason.
 */
import { PROGRAM_ROOT_SLOTS, WORD_BYTES } from '../binding/layout.ts';
import type { Shape } from '../heap/shapes.ts';
import { GRAPH, type HeapGraph, ROOT_GROUPS, type RootGroup } from './heap-graph.ts';
import { EDGE_TYPES, NODE_TYPES, NODE_WIDTH, SNAPSHOT_META } from './snapshot-format.ts';

/** Approximate length of a chunk, in characters. */
const CHUNK_CHARACTERS = 65_536;
const NAMED_INDICES = 10_000;
/** Above every doubled identity hash. */
const FIRST_PASSING_ID = 2 ** 33 + 1;
const DUMMY = '<dummy>';

export interface SnapshotCounts {
  /** Objects of the heap. */
  objects: number;
  /** References between them. */
  references: number;
  weakReferences: number;
  /** Root slots that hold a reference. */
  roots: number;
  /** Bytes of all objects together. */
  bytes: number;
}

/** @internal The input of the text. */
export interface SnapshotSource {
  readonly graph: HeapGraph;
  readonly shapeOf: (id: number) => Shape;
  /** Bytes of a unit of text in strings of that shape; 0 for other shapes. */
  readonly unitBytes: (shapeId: number) => 0 | 1 | 2;
  /** The most units that were copied of each string. */
  readonly textUnits: number;
}

interface Group {
  readonly name: string;
  readonly roots: { readonly index: number; readonly target: number }[];
}

type WriteEdge = (type: number, nameOrIndex: number, node: number) => void;

/** @internal */
export class SnapshotText {
  readonly counts: SnapshotCounts = { objects: 0, references: 0, weakReferences: 0, roots: 0, bytes: 0 };
  readonly #source: SnapshotSource;
  /** Names besides the strings of the heap, and their places in the table. */
  readonly #names = new Map<string, number>();
  readonly #firstName: number;
  readonly #groups: readonly Group[];
  readonly #identities = new Set<number>();
  #chunk = '';
  /** Nodes and edges of the graph that were written. */
  written = 0;

  constructor(source: SnapshotSource) {
    this.#source = source;
    this.#firstName = 1 + source.graph.counts.texts;
    this.#groups = groupsOf(source.graph);
  }

  /** The whole text. */
  *chunks(): Generator<string> {
    const { objects, references, roots } = this.#source.graph.counts;
    this.counts.objects = objects;
    this.counts.references = references;
    this.counts.roots = roots;
    const nodeCount = 2 + this.#groups.length + objects;
    const edgeCount = 1 + 2 * this.#groups.length + roots + references;
    const head = { meta: SNAPSHOT_META, node_count: nodeCount, edge_count: edgeCount, trace_function_count: 0 };
    this.#chunk = `{"snapshot":${JSON.stringify(head)},\n"nodes":[`;
    yield* this.#nodes();
    this.#chunk += '],\n"edges":[';
    yield* this.#edges();
    this.#chunk += '],\n"trace_function_infos":[],\n"trace_tree":[],\n"samples":[],\n"locations":[],\n"strings":[';
    yield* this.#strings();
    yield `${this.#chunk}]}`;
  }

  *#nodes(): Generator<string> {
    const { graph } = this.#source;
    this.#chunk += `${NODE_TYPES.synthetic},${this.#name('')},1,0,${1 + this.#groups.length},0,0`;
    this.#chunk += `\n,${NODE_TYPES.synthetic},${this.#name('(GC roots)')},3,0,${this.#groups.length},0,0`;
    for (const [i, { name, roots }] of this.#groups.entries()) {
      this.#chunk += `\n,${NODE_TYPES.object},${this.#name(name)},${5 + 2 * i},0,${roots.length},0,0`;
    }
    const { shape: SHAPE, elements: ELEMENTS, edges: EDGES, identity: IDENTITY } = GRAPH.nodes;
    let texts = 0;
    let ordinal = 0;
    for (const [entries, at] of graph.entries('nodes')) {
      const shapeId = entries[at + SHAPE]!;
      const shape = this.#source.shapeOf(shapeId);
      const bytes = shape.words(entries[at + ELEMENTS]!) * WORD_BYTES;
      const isText = this.#source.unitBytes(shapeId) > 0;
      const type = isText ? NODE_TYPES.string : NODE_TYPES.object;
      const name = isText ? ++texts : this.#name(shape.name);
      const id = this.#idOf(entries[at + IDENTITY]!, ordinal++);
      this.counts.bytes += bytes;
      this.written++;
      this.#chunk += `\n,${type},${name},${id},${bytes},${entries[at + EDGES]!},0,0`;
      if (this.#chunk.length >= CHUNK_CHARACTERS) yield this.#take();
    }
  }

  *#edges(): Generator<string> {
    const { graph } = this.#source;
    const first = 2 + this.#groups.length;
    const edge: WriteEdge = (type, nameOrIndex, node) => {
      this.#chunk += `,${type},${nameOrIndex},${node * NODE_WIDTH}\n`;
    };
    this.#chunk += `${EDGE_TYPES.element},0,${NODE_WIDTH}\n`;
    for (const [i, { name }] of this.#groups.entries()) edge(EDGE_TYPES.shortcut, this.#name(name), 2 + i);
    for (const i of this.#groups.keys()) edge(EDGE_TYPES.element, i, 2 + i);
    for (const { roots } of this.#groups) {
      for (const { index, target } of roots) {
        edge(EDGE_TYPES.element, index, first + target);
        if (this.#chunk.length >= CHUNK_CHARACTERS) yield this.#take();
      }
    }
    // The nodes once more, to know the owner of each edge.
    const edges = graph.entries('edges');
    const { slot: SLOT, target: TARGET } = GRAPH.edges;
    for (const [nodes, node] of graph.entries('nodes')) {
      const count = nodes[node + GRAPH.nodes.edges]!;
      if (count === 0) continue;
      const slots = this.#slotsOf(this.#source.shapeOf(nodes[node + GRAPH.nodes.shape]!));
      for (let i = 0; i < count; i++) {
        const [entries, at] = edges.next().value as [Uint32Array, number];
        const slot = entries[at + SLOT]!;
        this.written++;
        const target = first + entries[at + TARGET]!;
        if (slot < slots.firstElement) edge(EDGE_TYPES.property, slots.fields[slot]!, target);
        else this.#elementEdge(edge, slots.kind, slot - slots.firstElement, target);
        if (this.#chunk.length >= CHUNK_CHARACTERS) yield this.#take();
      }
    }
  }

  #elementEdge(edge: WriteEdge, kind: Shape['elementKind'], slot: number, target: number): void {
    const isValue = kind === 'ephemeron' && slot % 2 === 1;
    if (isValue) edge(EDGE_TYPES.internal, this.#indexName('value ', slot >>> 1), target);
    else if (kind === 'ref' || kind === 'tagged') edge(EDGE_TYPES.element, slot, target);
    else {
      this.counts.weakReferences++;
      edge(EDGE_TYPES.weak, kind === 'ephemeron' ? this.#indexName('key ', slot / 2) : this.#indexName('', slot), target);
    }
  }

  *#strings(): Generator<string> {
    const { graph, textUnits, unitBytes } = this.#source;
    this.#chunk += JSON.stringify(DUMMY);
    let offset = 0;
    for (const [entries, at] of graph.entries('nodes')) {
      const width = unitBytes(entries[at + GRAPH.nodes.shape]!);
      if (width === 0) continue;
      const bytes = Math.min(entries[at + GRAPH.nodes.elements]!, textUnits) * width;
      const text = bytes === 0 ? '' : graph.text(offset, bytes).toString(width === 1 ? 'latin1' : 'utf16le');
      offset += bytes;
      this.#chunk += `,\n${JSON.stringify(text)}`;
      if (this.#chunk.length >= CHUNK_CHARACTERS) yield this.#take();
    }
    for (const name of this.#names.keys()) {
      this.#chunk += `,\n${JSON.stringify(name)}`;
      if (this.#chunk.length >= CHUNK_CHARACTERS) yield this.#take();
    }
  }

  #take(): string {
    const chunk = this.#chunk;
    this.#chunk = '';
    return chunk;
  }

  #name(name: string): number {
    let index = this.#names.get(name);
    if (index === undefined) this.#names.set(name, (index = this.#firstName + this.#names.size));
    return index;
  }

  #indexName(prefix: string, index: number): number {
    return this.#name(index < NAMED_INDICES ? `${prefix}${index}` : `${prefix}${NAMED_INDICES} or above`);
  }

  #idOf(identity: number, ordinal: number): number {
    // A hash has 31 bits: after two billion they repeat.
    if (identity === 0 || this.#identities.has(identity)) return FIRST_PASSING_ID + 2 * (this.#source.graph.counts.firstNumber + ordinal);
    this.#identities.add(identity);
    // Above the numbers of groups, and within 2^33.
    return 2 * (identity + 2 ** 31) + 1;
  }

  readonly #slots = new Map<Shape, { fields: number[]; firstElement: number; kind: Shape['elementKind'] }>();

  /** The names of a shape's reference slots. */
  #slotsOf(shape: Shape): { fields: number[]; firstElement: number; kind: Shape['elementKind'] } {
    let slots = this.#slots.get(shape);
    if (slots !== undefined) return slots;
    const fields: number[] = [];
    for (const [name, { kind, offset, type, length }] of shape.fields) {
      if (kind !== 'ref' && kind !== 'tagged') continue;
      const isArray = typeof type === 'object' && 'array' in type;
      for (let i = 0; i < length; i++) fields[offset + i] = this.#name(isArray ? `${name}[${i}]` : name);
    }
    slots = { fields, firstElement: shape.fixedWords * 2, kind: shape.elementKind };
    this.#slots.set(shape, slots);
    return slots;
  }
}

/** In the order of the first root of each group. */
function groupsOf(graph: HeapGraph): Group[] {
  const groups = new Map<string, Group>();
  const { group: GROUP, mutator: MUTATOR, range: RANGE, index: INDEX, target: TARGET } = GRAPH.roots;
  for (const [entries, at] of graph.entries('roots')) {
    const slot = entries[at + INDEX]!;
    const { name, index } = placeOf(ROOT_GROUPS[entries[at + GROUP]!]!, entries[at + MUTATOR]!, entries[at + RANGE]!, slot);
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { name, roots: [] }));
    group.roots.push({ index, target: entries[at + TARGET]! });
  }
  return [...groups.values()];
}

function placeOf(group: RootGroup, mutator: number, range: number, index: number): { name: string; index: number } {
  switch (group) {
    case 'shared':
      if (index < PROGRAM_ROOT_SLOTS) return { name: 'shared roots', index };
      return { name: 'library roots: interned strings, offered objects', index: index - PROGRAM_ROOT_SLOTS };
    case 'locals':
      return { name: `mutator ${mutator}: local handles`, index };
    case 'handles':
      return { name: `mutator ${mutator}: handles`, index };
    case 'range':
      return { name: `mutator ${mutator}: root range ${range}`, index };
    case 'finalizers':
      return { name: 'finalizers', index };
    case 'pins':
      return { name: 'pins', index };
  }
}
