/**
 * The head of a heap snapshot: which numbers make up a node and an edge, and how many of each follow.
 *
 * V8 describes its own format in `snapshot.meta`, and the description changes: Node 8 to 14 have `trace_node_id` and no `detachedness`,
 * Node 16 to 22 have both, Node 24 and 26 leave `trace_node_id` out unless allocations were recorded, and the list of node types differs
 * too. So no position is fixed here; every field is looked up by its name.
 *
 * A type may have no name: the list that Node 8 writes ends before the type of its symbols. It gets one (`typeName`).
 */

/** Where the wanted fields of a node and of an edge are, and how many there are. */
export interface SnapshotHead {
  readonly nodeCount: number;
  readonly edgeCount: number;
  readonly root: number;
  readonly typeNames: readonly string[];
  readonly node: { readonly width: number; readonly type: number; readonly selfBytes: number; readonly edgeCount: number };
  readonly edge: {
    readonly width: number;
    readonly type: number;
    readonly target: number;
    /** Index of the edge type "weak", or -1 if this version of V8 has none. */
    readonly weakType: number;
  };
}

export type HeadProblem = { readonly kind: 'foreign' | 'malformed' | 'large'; readonly reason: string };

export const MAX_U32 = 2 ** 32 - 1;

/** A type is a byte in the columns. Node 8 to 26 have 13 to 16 node types, whatever they name, and 7 edge types. */
export const MAX_TYPES = 256;

type Json = Readonly<Record<string, unknown>>;

class Rejected extends Error {
  readonly kind: HeadProblem['kind'];
  constructor(kind: HeadProblem['kind'], reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** Turns the value of the key "snapshot" into the positions of the fields, or says why that is not possible. */
export function readHead(value: unknown): SnapshotHead | HeadProblem {
  try {
    return interpret(value);
  } catch (error) {
    if (error instanceof Rejected) return { kind: error.kind, reason: error.message };
    throw error;
  }
}

function interpret(value: unknown): SnapshotHead {
  if (!isObject(value) || !isObject(value['meta'])) {
    throw new Rejected('foreign', 'its "snapshot" has no "meta" that describes the nodes');
  }
  const meta = value['meta'];
  if (!Object.hasOwn(meta, 'node_fields') && !Object.hasOwn(meta, 'edge_fields')) {
    throw new Rejected('foreign', 'the "meta" of its "snapshot" describes no nodes and no edges');
  }
  const nodeFields = names(meta, 'node_fields');
  const edgeFields = names(meta, 'edge_fields');
  const nodeType = position(nodeFields, 'node_fields', 'type');
  const edgeType = position(edgeFields, 'edge_fields', 'type');
  const typeNames = typesOf(meta, 'node_types', nodeType);
  const edgeTypes = typesOf(meta, 'edge_types', edgeType);
  const nodeCount = count(value, 'node_count');
  const edgeCount = count(value, 'edge_count');
  if (nodeCount === 0) throw new Rejected('malformed', 'it says that it has no nodes');
  const rootIndex = value['root_index'] === undefined ? 0 : count(value, 'root_index');
  if (rootIndex % nodeFields.length !== 0 || rootIndex / nodeFields.length >= nodeCount) {
    throw new Rejected('malformed', `"root_index" ${rootIndex} is not the position of a node`);
  }
  return {
    nodeCount,
    edgeCount,
    root: rootIndex / nodeFields.length,
    typeNames,
    node: {
      width: nodeFields.length,
      type: nodeType,
      selfBytes: position(nodeFields, 'node_fields', 'self_size'),
      edgeCount: position(nodeFields, 'node_fields', 'edge_count'),
    },
    edge: {
      width: edgeFields.length,
      type: edgeType,
      target: position(edgeFields, 'edge_fields', 'to_node'),
      weakType: edgeTypes.indexOf('weak'),
    },
  };
}

/**
 * The fewest bytes in which the promised nodes and edges can be written: a digit and a comma each. A shorter file was truncated (or its
 * counts are wrong), which should be known before memory is allocated for them.
 */
export function fewestBytes(head: SnapshotHead): number {
  return 2 * (head.nodeCount * head.node.width + head.edgeCount * head.edge.width);
}

/** The name of a node type, made up if the file has none. */
export function typeName(head: SnapshotHead, type: number): string {
  return head.typeNames[type] ?? `type ${type}`;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function names(meta: Json, key: string): readonly string[] {
  const value = meta[key];
  if (!isStrings(value)) throw new Rejected('malformed', `its "meta" has no list "${key}"`);
  return value;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}

function position(fields: readonly string[], list: string, name: string): number {
  const index = fields.indexOf(name);
  if (index < 0) throw new Rejected('malformed', `"${list}" does not name the field "${name}"`);
  return index;
}

/** `node_types` and `edge_types` have one entry per field: for the type field, the list of type names; for others, a word. */
function typesOf(meta: Json, key: string, field: number): readonly string[] {
  const list = meta[key];
  const types: unknown = Array.isArray(list) ? list[field] : undefined;
  if (!isStrings(types) || types.length > MAX_TYPES) throw new Rejected('malformed', `"${key}" does not list the names of the types`);
  return types;
}

function count(snapshot: Json, key: string): number {
  const value = snapshot[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new Rejected('malformed', `"${key}" is not a number of things`);
  }
  if (value > MAX_U32) throw new Rejected('large', `"${key}" is ${value}; at most ${MAX_U32} can be numbered`);
  return value;
}
