/**
 * Checker: compares objects of the heap with the model, which is the graph's typed arrays and nothing else.
 *
 * An object is right if it has the shape, the number of references and the identity that the model demands for the slot that led to it, and
 * the payload that follows from its identity. So one check covers both the object and the slot.
 */
import type { Mutator } from '../../heap/mutator.ts';
import type { Ref } from '../../heap/units.ts';
import type { ObjectGraph } from '../snapshot/index.ts';
import {
  COUNT_SLOT,
  IDENTITY_SLOT,
  INLINE_SLOT,
  inlineWords,
  PAYLOAD_ELEMENTS_SLOT,
  PAYLOAD_SLOT,
  payloadAt,
  payloadElements,
  type RunShapes,
  WIDTHS,
} from './object-layout.ts';
import type { Random } from './random.ts';

/** A difference from the model that a thread has found; with the seed, all that is known about it. */
export interface Mismatch {
  /** -1: the check at the end. */
  readonly thread: number;
  readonly doing: string;
  /** The node that should have been there, and the node and slot that led to it (-1: a root or the directory). */
  readonly node: number;
  readonly fromNode: number;
  readonly fromSlot: number;
  readonly what: string;
  readonly expected: number;
  readonly found: number | null;
  readonly ref: Ref;
}

/** Further mismatches are counted but not described. */
const MISMATCHES_DESCRIBED = 5;

export class Checker {
  checks = 0;
  mismatches = 0;
  readonly described: Mismatch[] = [];
  /** For the description of a mismatch: what the thread is doing, and how it got to the object. */
  doing = '';
  fromNode = -1;
  fromSlot = -1;

  readonly #thread: number;
  readonly #u32: Uint32Array;
  readonly #nodeType: Uint8Array;
  readonly #selfBytes: Uint32Array;
  readonly #firstEdge: Uint32Array;
  readonly #shapeIds: Uint32Array;
  readonly #payloadShape: number;
  readonly #random: Random;

  constructor(thread: number, mutator: Mutator, graph: ObjectGraph, shapes: RunShapes, random: Random) {
    this.#thread = thread;
    this.#u32 = mutator.u32;
    this.#nodeType = graph.nodeType;
    this.#selfBytes = graph.selfBytes;
    this.#firstEdge = graph.firstEdge;
    this.#shapeIds = Uint32Array.from(shapes.nodes, ({ id }) => id);
    this.#payloadShape = shapes.payload.id;
    this.#random = random;
  }

  /**
   * Checks that `ref` is an object for `node`, with one word of its payload chosen at random. Returns the u32 slot of its first reference,
   * or -1 after a mismatch.
   */
  check(ref: Ref, node: number): number {
    const u32 = this.#u32;
    const references = this.#firstEdge[node + 1]! - this.#firstEdge[node]!;
    const selfBytes = this.#selfBytes[node]!;
    const words = inlineWords(selfBytes, references);
    const shape = this.#shapeIds[this.#nodeType[node]! * WIDTHS + words]!;
    const at = ref * 2;
    this.checks++;
    if (ref === 0) return this.#mismatch('reference', node, 1, 0, ref);
    if (u32[at] !== shape) return this.#mismatch('shape', node, shape, u32[at], ref);
    if (u32[at + COUNT_SLOT] !== references) return this.#mismatch('count', node, references, u32[at + COUNT_SLOT], ref);
    if (u32[at + IDENTITY_SLOT] !== node) return this.#mismatch('identity', node, node, u32[at + IDENTITY_SLOT], ref);
    if (words > 0) {
      const index = this.#random.below(words * 2);
      const word = u32[at + INLINE_SLOT + index];
      if (word !== payloadAt(node, index)) return this.#mismatch(`payload ${index}`, node, payloadAt(node, index), word, ref);
    } else {
      const elements = payloadElements(selfBytes, references);
      if (elements > 0 && !this.#checkPayload(ref, node, elements)) return -1;
    }
    return at + INLINE_SLOT + words * 2;
  }

  /** Like {@link check}, with all of its payload. */
  checkAll(ref: Ref, node: number): number {
    const slot = this.check(ref, node);
    if (slot < 0) return slot;
    const u32 = this.#u32;
    const references = this.#firstEdge[node + 1]! - this.#firstEdge[node]!;
    const elements = payloadElements(this.#selfBytes[node]!, references);
    const first = elements === 0 ? ref * 2 + INLINE_SLOT : u32[ref * 2 + PAYLOAD_SLOT]! * 2 + PAYLOAD_ELEMENTS_SLOT;
    const count = elements === 0 ? slot - first : elements;
    for (let index = 0; index < count; index++) {
      const word = u32[first + index];
      if (word !== payloadAt(node, index)) return this.#mismatch(`payload ${index}`, node, payloadAt(node, index), word, ref);
    }
    return slot;
  }

  /** Reports a mismatch of something that is not an object for a node. */
  report(what: string, expected: number, found: number | undefined, ref: Ref): void {
    this.#mismatch(what, -1, expected, found, ref);
  }

  #checkPayload(ref: Ref, node: number, elements: number): boolean {
    const u32 = this.#u32;
    const payload = u32[ref * 2 + PAYLOAD_SLOT]!;
    const at = payload * 2;
    if (payload === 0 || u32[at] !== this.#payloadShape) {
      return this.#mismatch('shape of payload', node, this.#payloadShape, u32[at], payload) > 0;
    }
    if (u32[at + COUNT_SLOT] !== elements) {
      return this.#mismatch('count of payload', node, elements, u32[at + COUNT_SLOT], payload) > 0;
    }
    const index = this.#random.below(elements);
    const word = u32[at + PAYLOAD_ELEMENTS_SLOT + index];
    if (word === payloadAt(node, index)) return true;
    return this.#mismatch(`payload ${index}`, node, payloadAt(node, index), word, payload) > 0;
  }

  #mismatch(what: string, node: number, expected: number, found: number | undefined, ref: Ref): -1 {
    this.mismatches++;
    if (this.described.length < MISMATCHES_DESCRIBED) {
      const { doing, fromNode, fromSlot } = this;
      const thread = this.#thread;
      this.described.push({ thread, doing, node, fromNode, fromSlot, what, expected, found: found ?? null, ref });
    }
    return -1;
  }
}
