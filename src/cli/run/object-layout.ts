/**
 * Object layout: how a snapshot's node is represented as an object of the heap.
 *
 *     u32 slot   0       1            2         3          4 …               4 + 2 w …
 *                shape   references   payload   identity   w inline words    one reference per edge
 *
 * Identity is the node's ordinal. Payload fills the object up to the node's self size. Up to 128 bytes of payload are inline; since all
 * elements are of one kind, inline words are fields, and each width is a shape: `closure`, `closure+8`, `closure+16`, …. A longer payload
 * is an object of its own (strings, code, backing stores), to which slot 2 leads; that gives data-only objects of all sizes, including
 * large ones. Both together have the node's self size, unless its references alone need more. (Self sizes are those after payload-cap.ts.)
 *
 * Payload is a function of identity and position, so that only the graph is needed to check it.
 */
import type { Heap } from '../../heap/heap.ts';
import type { FieldKind, Shape } from '../../heap/shapes.ts';
import type { ObjectGraph } from '../snapshot/index.ts';

export const COUNT_SLOT = 1;
export const PAYLOAD_SLOT = 2;
export const IDENTITY_SLOT = 3;
export const INLINE_SLOT = 4;
/** Elements of a payload object start right after its header. */
export const PAYLOAD_ELEMENTS_SLOT = 2;
/** So do those of the directory. */
export const DIRECTORY_ELEMENTS_SLOT = 2;

const WORD_BYTES = 8;
/** Header, payload reference and identity. */
const FIXED_WORDS = 2;
export const MAX_INLINE_WORDS = 16;
export const WIDTHS = MAX_INLINE_WORDS + 1;

/** Words of self size that header, identity and references leave for payload. */
function spareWords(selfBytes: number, references: number): number {
  const spare = Math.floor(selfBytes / WORD_BYTES) - FIXED_WORDS - Math.ceil(references / 2);
  return Math.max(spare, 0);
}

export function inlineWords(selfBytes: number, references: number): number {
  const spare = spareWords(selfBytes, references);
  return spare <= MAX_INLINE_WORDS ? spare : 0;
}

/** u32 elements of the payload object, 0 if there is none. */
export function payloadElements(selfBytes: number, references: number): number {
  const spare = spareWords(selfBytes, references);
  return spare <= MAX_INLINE_WORDS ? 0 : (spare - 1) * 2;
}

/** u32 number `index` of a node's payload. */
export function payloadAt(node: number, index: number): number {
  return (Math.imul(node + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77)) >>> 0;
}

export interface GraphSize {
  /** Objects besides the nodes: payloads, and the directory. */
  readonly payloadObjects: number;
  /** Everything, headers and the directory included. */
  readonly bytes: number;
}

export function sizeOf(graph: ObjectGraph): GraphSize {
  let words = 1 + Math.ceil(graph.nodeCount / 2);
  let payloadObjects = 0;
  for (let node = 0; node < graph.nodeCount; node++) {
    const references = graph.firstEdge[node + 1]! - graph.firstEdge[node]!;
    const spare = spareWords(graph.selfBytes[node]!, references);
    words += FIXED_WORDS + Math.ceil(references / 2) + spare;
    if (spare > MAX_INLINE_WORDS) payloadObjects++;
  }
  return { payloadObjects, bytes: words * WORD_BYTES };
}

/** The shapes of a run, the same in every thread. */
export interface RunShapes {
  /** By node type and inline words: `nodes[type * WIDTHS + words]`. */
  readonly nodes: readonly Shape[];
  readonly payload: Shape;
  /** One reference per node, to one of its objects. */
  readonly directory: Shape;
  /** Data that is not needed. */
  readonly litter: Shape;
}

const OTHER_SHAPES = { payload: 'payload of a node', directory: 'directory of nodes', litter: 'litter' };

export function defineShapes(heap: Heap, graph: ObjectGraph): RunShapes {
  const nodes: Shape[] = [];
  for (const type of graph.typeNames.map(shapeName)) {
    for (let words = 0; words < WIDTHS; words++) nodes.push(defineNodeShape(heap, type, words));
  }
  return {
    nodes,
    payload: heap.defineShape({ name: OTHER_SHAPES.payload, elements: 'u32' }),
    directory: heap.defineShape({ name: OTHER_SHAPES.directory, elements: 'ref' }),
    litter: heap.defineShape({ name: OTHER_SHAPES.litter, elements: 'u32' }),
  };
}

/** A file may name its types as it likes, so this avoids the names of another type's widths and of the shapes below. */
function shapeName(type: string): string {
  if (type === '') return 'unnamed type';
  return /\+\d+$/.test(type) || Object.values(OTHER_SHAPES).includes(type) ? `${type} (type)` : type;
}

function defineNodeShape(heap: Heap, type: string, words: number): Shape {
  const fields: Record<string, FieldKind> = { payload: 'ref', identity: 'u32' };
  for (let i = 0; i < words * 2; i++) fields[`inline${i}`] = 'u32';
  const suffix = words === 0 ? '' : `+${words * WORD_BYTES}`;
  return heap.defineShape({ name: `${type}${suffix}`, fields, elements: 'ref' });
}
