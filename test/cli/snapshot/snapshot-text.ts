/**
 * Heap snapshots for tests: a graph by random numbers from a seed, its text in V8's format with the fields in any order, and the
 * plain reading of such a text with JSON.parse, which the streaming reader is compared with.
 */
import { HeapError } from '../../../src/errors.ts';
import { readSnapshot, type ObjectGraph, type ReadOptions } from '../../../src/cli/snapshot/index.ts';

export const NODE_FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'];
export const EDGE_FIELDS = ['type', 'name_or_index', 'to_node'];
const NODE_TYPES = ['hidden', 'array', 'string', 'object', 'code', 'closure'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];

export interface SnapshotJson {
  snapshot: {
    meta: { node_fields: string[]; node_types: unknown[]; edge_fields: string[]; edge_types: unknown[]; [more: string]: unknown };
    node_count: number;
    edge_count: number;
    root_index?: number;
  };
  nodes: number[];
  edges: number[];
  [more: string]: unknown;
}

/** A small generator (mulberry32): the same numbers for the same seed everywhere. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A snapshot of `nodeCount` nodes with up to six edges each, weak ones among them. */
export function randomSnapshot(seed: number, nodeCount: number, nodeFields = NODE_FIELDS, edgeFields = EDGE_FIELDS): SnapshotJson {
  const random = numbersFrom(seed);
  const nodes: number[] = [];
  const edges: number[] = [];
  for (let node = 0; node < nodeCount; node++) {
    const count = random(4) === 0 ? 0 : random(7);
    const self = random(10) === 0 ? random(2 ** 32) : random(200);
    const values: Record<string, number> = { type: random(NODE_TYPES.length), id: 2 * node + 1, self_size: self, edge_count: count };
    nodes.push(...nodeFields.map((field) => values[field] ?? random(1000)));
    for (let edge = 0; edge < count; edge++) {
      const ends: Record<string, number> = { type: random(EDGE_TYPES.length), to_node: nodeFields.length * random(nodeCount) };
      edges.push(...edgeFields.map((field) => ends[field] ?? random(1000)));
    }
  }
  const types = (fields: string[], names: string[]) => fields.map((field) => (field === 'type' ? [...names] : 'number'));
  return {
    snapshot: {
      meta: {
        node_fields: [...nodeFields],
        node_types: types(nodeFields, NODE_TYPES),
        edge_fields: [...edgeFields],
        edge_types: types(edgeFields, EDGE_TYPES),
        location_fields: ['object_index', 'script_id', 'line', 'column'],
      },
      node_count: nodeCount,
      edge_count: edges.length / edgeFields.length,
    },
    nodes,
    edges,
    trace_function_infos: [],
    trace_tree: [],
    samples: [],
    locations: [0, 81, 5, 23],
    strings: ['<dummy>', '', '"quoted" \\ back', '] , } { [', 'line\nend\t\u0001', 'é ☃ 𝄞 \ud800', 'x'.repeat(1000)],
  };
}

/** The text as V8 lays it out: a line per node and per edge, the comma at the beginning of the next one. */
export function textOf(json: SnapshotJson): string {
  const rows = (numbers: number[], width: number) =>
    numbers.map((number, index) => (index === 0 ? `${number}` : `${index % width === 0 ? '\n' : ''},${number}`)).join('');
  const { snapshot, nodes, edges, ...rest } = json;
  const { node_fields: nodeFields, edge_fields: edgeFields } = snapshot.meta;
  const others = Object.entries(rest).map(([key, value]) => `,\n${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return (
    `{"snapshot":${JSON.stringify(snapshot)},\n"nodes":[${rows(nodes, nodeFields.length)}\n],\n` +
    `"edges":[${rows(edges, edgeFields.length)}\n]${others.join('')}}`
  );
}

export interface PlainNode {
  readonly type: string | undefined;
  readonly selfBytes: number | undefined;
  readonly targets: number[];
}

/** The model: what a snapshot means, without any regard to memory. */
export function plainNodes({ snapshot, nodes, edges }: SnapshotJson): PlainNode[] {
  const { node_fields: nodeFields, edge_fields: edgeFields, node_types: nodeTypes, edge_types: edgeTypes } = snapshot.meta;
  const nodeTypeNames = nodeTypes[nodeFields.indexOf('type')] as string[];
  const edgeTypeNames = edgeTypes[edgeFields.indexOf('type')] as string[];
  const result: PlainNode[] = [];
  let edge = 0;
  for (let at = 0; at < nodes.length; at += nodeFields.length) {
    const field = (name: string) => nodes[at + nodeFields.indexOf(name)] as number;
    const targets: number[] = [];
    for (let end = edge + field('edge_count') * edgeFields.length; edge < end; edge += edgeFields.length) {
      const type = edgeTypeNames[edges[edge + edgeFields.indexOf('type')] as number];
      if (type !== 'weak') targets.push((edges[edge + edgeFields.indexOf('to_node')] as number) / nodeFields.length);
    }
    result.push({ type: nodeTypeNames[field('type')], selfBytes: field('self_size'), targets });
  }
  return result;
}

/** The same from the columns. */
export function nodesOf(graph: ObjectGraph): PlainNode[] {
  return Array.from({ length: graph.nodeCount }, (_, node) => ({
    type: graph.typeNames[graph.nodeType[node] as number],
    selfBytes: graph.selfBytes[node],
    targets: [...graph.edgeTarget.subarray(graph.firstEdge[node], graph.firstEdge[node + 1])],
  }));
}

/** The code of the HeapError that reading ends in, or 'none'. Any other error is thrown. */
export async function codeOfReading(path: string, options?: ReadOptions): Promise<string> {
  return (await errorOfReading(path, options))?.code ?? 'none';
}

export async function errorOfReading(path: string, options?: ReadOptions): Promise<HeapError | undefined> {
  try {
    await readSnapshot(path, options);
    return undefined;
  } catch (error) {
    if (error instanceof HeapError) return error;
    throw error;
  }
}
