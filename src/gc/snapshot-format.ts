/**
 * The format of V8's heap snapshots, as far as it is written here: the same description of nodes and edges as in a snapshot of Node 20. A
 * reader finds every field by its name in this description.
 */
export const SNAPSHOT_META = {
  node_fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'],
  node_types: [
    [
      'hidden',
      'array',
      'string',
      'object',
      'code',
      'closure',
      'regexp',
      'number',
      'native',
      'synthetic',
      'concatenated string',
      'sliced string',
      'symbol',
      'bigint',
      'object shape',
      'wasm object',
    ],
    'string',
    'number',
    'number',
    'number',
    'number',
    'number',
  ],
  edge_fields: ['type', 'name_or_index', 'to_node'],
  edge_types: [['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'], 'string_or_number', 'node'],
  trace_function_info_fields: ['function_id', 'name', 'script_name', 'script_id', 'line', 'column'],
  trace_node_fields: ['id', 'function_info_index', 'count', 'size', 'children'],
  sample_fields: ['timestamp_us', 'last_assigned_id'],
  location_fields: ['object_index', 'script_id', 'line', 'column'],
} as const;

/** Numbers per node. */
export const NODE_WIDTH = SNAPSHOT_META.node_fields.length;

export const NODE_TYPES = {
  string: SNAPSHOT_META.node_types[0].indexOf('string'),
  object: SNAPSHOT_META.node_types[0].indexOf('object'),
  synthetic: SNAPSHOT_META.node_types[0].indexOf('synthetic'),
} as const;

export const EDGE_TYPES = {
  element: SNAPSHOT_META.edge_types[0].indexOf('element'),
  property: SNAPSHOT_META.edge_types[0].indexOf('property'),
  internal: SNAPSHOT_META.edge_types[0].indexOf('internal'),
  shortcut: SNAPSHOT_META.edge_types[0].indexOf('shortcut'),
  weak: SNAPSHOT_META.edge_types[0].indexOf('weak'),
} as const;
