/**
 * Heap snapshots as graphs: a whole file, with names, for tests of what a heap has written. It relies only on the file's
 * own description.
 */
import { readFileSync } from 'node:fs';

export interface SnapshotNode {
  readonly type: string;
  readonly name: string;
  readonly id: number;
  readonly selfBytes: number;
  readonly edges: SnapshotEdge[];
}

interface SnapshotEdge {
  readonly type: string;
  readonly name: string | number;
  readonly to: SnapshotNode;
}

interface SnapshotJson {
  readonly snapshot: { readonly meta: Record<string, unknown>; readonly node_count: number; readonly edge_count: number };
  readonly nodes: number[];
  readonly edges: number[];
  readonly strings: string[];
}

export interface SnapshotGraph {
  readonly json: SnapshotJson;
  readonly root: SnapshotNode;
  readonly nodes: readonly SnapshotNode[];
  readonly edgeCount: number;
}

export function readGraph(path: string): SnapshotGraph {
  const json = JSON.parse(readFileSync(path, 'utf8')) as SnapshotJson;
  const { meta, node_count: nodeCount, edge_count: edgeCount } = json.snapshot;
  const nodeFields = meta['node_fields'] as string[];
  const edgeFields = meta['edge_fields'] as string[];
  const nodeTypes = (meta['node_types'] as string[][])[nodeFields.indexOf('type')]!;
  const edgeTypes = (meta['edge_types'] as string[][])[edgeFields.indexOf('type')]!;
  const field = (at: number, name: string): number => json.nodes[at * nodeFields.length + nodeFields.indexOf(name)]!;
  const text = (index: number): string => {
    const found = json.strings[index];
    if (found === undefined) throw new Error(`there is no string ${index}`);
    return found;
  };
  if (json.nodes.length !== nodeCount * nodeFields.length) throw new Error('node_count is wrong');
  if (json.edges.length !== edgeCount * edgeFields.length) throw new Error('edge_count is wrong');
  const nodes: SnapshotNode[] = Array.from({ length: nodeCount }, (_, i) => ({
    type: nodeTypes[field(i, 'type')]!,
    name: text(field(i, 'name')),
    id: field(i, 'id'),
    selfBytes: field(i, 'self_size'),
    edges: [],
  }));
  let at = 0;
  for (const [i, node] of nodes.entries()) {
    for (let left = field(i, 'edge_count'); left > 0; left--, at += edgeFields.length) {
      const type = edgeTypes[json.edges[at + edgeFields.indexOf('type')]!]!;
      const nameOrIndex = json.edges[at + edgeFields.indexOf('name_or_index')]!;
      const to = nodes[json.edges[at + edgeFields.indexOf('to_node')]! / nodeFields.length];
      if (to === undefined || type === undefined) throw new Error(`edge ${at} is wrong`);
      node.edges.push({ type, name: type === 'element' || type === 'hidden' ? nameOrIndex : text(nameOrIndex), to });
    }
  }
  if (at !== json.edges.length) throw new Error('the nodes have other edges than edge_count says');
  return { json, root: nodes[0]!, nodes, edgeCount };
}

/** Whatever the root leads to by edges that keep alive. */
export function reachable(graph: SnapshotGraph): Set<SnapshotNode> {
  const reached = new Set([graph.root]);
  const stack = [graph.root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const { type, to } of node.edges) {
      if (type === 'weak' || reached.has(to)) continue;
      reached.add(to);
      stack.push(to);
    }
  }
  return reached;
}

/** Names of the edges from the root to that node, one path of the shortest; empty when there is none. */
export function pathTo(graph: SnapshotGraph, wanted: SnapshotNode): (string | number)[] {
  const via = new Map<SnapshotNode, { from: SnapshotNode; name: string | number } | undefined>([[graph.root, undefined]]);
  const queue = [graph.root];
  for (const node of queue) {
    for (const { type, name, to } of node.edges) {
      if (type === 'weak' || via.has(to)) continue;
      via.set(to, { from: node, name });
      queue.push(to);
    }
  }
  const path: (string | number)[] = [];
  for (let step = via.get(wanted); step !== undefined; step = via.get(step.from)) path.unshift(step.name);
  return path;
}
