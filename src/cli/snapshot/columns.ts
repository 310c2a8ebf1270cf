/**
 * The two flat number arrays of a snapshot, turned into columns as the numbers come.
 *
 * `nodes` has `width` numbers per node, `edges` the same per edge. An edge does not say where it starts: the first node's edges come first,
 * then the second's, as many as each node's `edge_count` says. That is how V8 writes them and Chrome reads them.
 *
 * `firstEdge` is used twice. While nodes are read, firstEdge[i + 1] is node i's edge count as written. While edges are read, a cursor over
 * the nodes replaces each count by the number of edges kept so far, which is where the next node's edges begin.
 *
 * Weak edges are dropped. They keep nothing alive, so a graph that had them as references would keep objects alive that were not alive in
 * the program (WeakRef targets, transition tables, code that may be flushed), and a slot that becomes null in a collection has no
 * counterpart in a snapshot.
 */
import type { ObjectGraph } from './object-graph.ts';
import { MAX_TYPES, MAX_U32, type SnapshotHead, typeName } from './head.ts';

/** What is wrong with the numbers; the reader adds the place. */
export class ColumnError extends Error {
  readonly kind: 'malformed' | 'large';
  constructor(kind: 'malformed' | 'large', message: string) {
    super(message);
    this.kind = kind;
  }
}

const IGNORED = 0;
const TYPE = 1;
const SELF_BYTES = 2;
const EDGE_COUNT = 3;
const TARGET = 4;

export class Columns {
  readonly #head: SnapshotHead;
  readonly #nodeRoles: Uint8Array;
  readonly #edgeRoles: Uint8Array;
  readonly #nodeType: Uint8Array<SharedArrayBuffer>;
  readonly #selfBytes: Uint32Array<SharedArrayBuffer>;
  readonly #firstEdge: Uint32Array<SharedArrayBuffer>;
  readonly #edgeTarget: Uint32Array<SharedArrayBuffer>;

  /** Position within the present node or edge. */
  #field = 0;
  #nodesRead = 0;
  #typesSeen = 0;
  /** Bytes of self sizes that a column's 32 bits cannot hold. */
  #bytesBeyond = 0;
  /** Sum of the nodes' edge counts; may pass 2^32 in a damaged file. */
  #edgesPromised = 0;
  #edgesRead = 0;
  #edgesKept = 0;
  #edgeIsWeak = false;
  #edgeTo = 0;
  /** The node whose edges are being read, and how many of them are still to come. */
  #edgeOwner = -1;
  #ownersEdgesLeft = 0;

  /** Allocates all memory at once; the pages cost nothing before they are written. */
  constructor(head: SnapshotHead) {
    this.#head = head;
    this.#nodeRoles = new Uint8Array(head.node.width);
    this.#nodeRoles[head.node.type] = TYPE;
    this.#nodeRoles[head.node.selfBytes] = SELF_BYTES;
    this.#nodeRoles[head.node.edgeCount] = EDGE_COUNT;
    this.#edgeRoles = new Uint8Array(head.edge.width);
    this.#edgeRoles[head.edge.type] = TYPE;
    this.#edgeRoles[head.edge.target] = TARGET;
    try {
      this.#nodeType = new Uint8Array(new SharedArrayBuffer(head.nodeCount));
      this.#selfBytes = new Uint32Array(new SharedArrayBuffer(4 * head.nodeCount));
      this.#firstEdge = new Uint32Array(new SharedArrayBuffer(4 * (head.nodeCount + 1)));
      this.#edgeTarget = new Uint32Array(new SharedArrayBuffer(4 * head.edgeCount));
    } catch {
      const bytes = 9 * head.nodeCount + 4 * head.edgeCount;
      throw new ColumnError('large', `${head.nodeCount} nodes and ${head.edgeCount} edges need ${bytes} bytes, more than can be had`);
    }
  }

  /** The next number of `nodes`, as text. */
  nodeNumber(text: string): void {
    const role = this.#nodeRoles[this.#field];
    if (role !== IGNORED) this.#nodeField(role, Number(text));
    if (++this.#field === this.#head.node.width) {
      this.#field = 0;
      this.#nodesRead++;
    }
  }

  #nodeField(role: number | undefined, value: number): void {
    const node = this.#nodesRead;
    if (node === this.#head.nodeCount) throw new ColumnError('malformed', `"nodes" has more than the ${node} nodes that "node_count" says`);
    if (!Number.isSafeInteger(value) || value < 0) throw new ColumnError('malformed', `node ${node} has a field of ${value}`);
    switch (role) {
      case TYPE:
        if (value >= MAX_TYPES) throw new ColumnError('malformed', `node ${node} is of type ${value}, and V8 has no ${MAX_TYPES} types`);
        this.#nodeType[node] = value;
        this.#typesSeen = Math.max(this.#typesSeen, value + 1);
        break;
      case SELF_BYTES:
        this.#selfBytes[node] = Math.min(value, MAX_U32);
        this.#bytesBeyond += Math.max(0, value - MAX_U32);
        break;
      case EDGE_COUNT:
        this.#edgesPromised += value;
        if (this.#edgesPromised > this.#head.edgeCount) {
          throw new ColumnError('malformed', `the nodes have more edges than the ${this.#head.edgeCount} that "edge_count" says`);
        }
        this.#firstEdge[node + 1] = value;
        break;
    }
  }

  /** `nodes` has ended. */
  endNodes(): void {
    const { nodeCount, edgeCount } = this.#head;
    if (this.#nodesRead !== nodeCount || this.#field !== 0) {
      throw new ColumnError('malformed', `"nodes" has ${this.#nodesRead} whole nodes, "node_count" says ${nodeCount}`);
    }
    if (this.#edgesPromised !== edgeCount) {
      throw new ColumnError('malformed', `the nodes have ${this.#edgesPromised} edges, "edge_count" says ${edgeCount}`);
    }
    this.#nextOwner();
  }

  /** The next number of `edges`, as text. */
  edgeNumber(text: string): void {
    const role = this.#edgeRoles[this.#field];
    if (role !== IGNORED) this.#edgeField(role, Number(text));
    if (++this.#field === this.#head.edge.width) {
      this.#field = 0;
      this.#endEdge();
    }
  }

  #edgeField(role: number | undefined, value: number): void {
    if (role === TYPE) {
      if (!(value >= 0 && value < MAX_TYPES && Number.isInteger(value))) {
        throw new ColumnError('malformed', `edge ${this.#edgesRead} is of type ${value}, which V8 does not have`);
      }
      this.#edgeIsWeak = value === this.#head.edge.weakType;
      return;
    }
    const ordinal = value / this.#head.node.width;
    if (!(ordinal >= 0 && ordinal < this.#head.nodeCount && Number.isInteger(ordinal))) {
      throw new ColumnError('malformed', `edge ${this.#edgesRead} leads to ${value}, where no node starts`);
    }
    this.#edgeTo = ordinal;
  }

  #endEdge(): void {
    if (this.#edgesRead++ === this.#head.edgeCount) {
      throw new ColumnError('malformed', `"edges" has more than the ${this.#head.edgeCount} edges that "edge_count" says`);
    }
    if (!this.#edgeIsWeak) this.#edgeTarget[this.#edgesKept++] = this.#edgeTo;
    this.#ownersEdgesLeft--;
    this.#nextOwner();
  }

  /** Moves on to the next node that has edges, and sets where the edges of the nodes passed over begin. */
  #nextOwner(): void {
    while (this.#ownersEdgesLeft === 0 && this.#edgeOwner < this.#head.nodeCount) {
      // At this point the owner (if there is one yet) has all its edges: the next node's begin here.
      const next = ++this.#edgeOwner;
      const written = this.#firstEdge[next + 1] ?? 0;
      this.#firstEdge[next] = this.#edgesKept;
      this.#ownersEdgesLeft = written;
    }
  }

  /** `edges` has ended. */
  endEdges(): void {
    const { edgeCount } = this.#head;
    if (this.#edgesRead !== edgeCount || this.#field !== 0) {
      throw new ColumnError('malformed', `"edges" has ${this.#edgesRead} whole edges, "edge_count" says ${edgeCount}`);
    }
  }

  /** The graph, once both arrays have ended. */
  graph(source: ObjectGraph['source']): ObjectGraph {
    return {
      nodeCount: this.#head.nodeCount,
      edgeCount: this.#edgesKept,
      typeNames: Array.from({ length: Math.max(this.#typesSeen, this.#head.typeNames.length) }, (_, type) => typeName(this.#head, type)),
      nodeType: this.#nodeType,
      selfBytes: this.#selfBytes,
      bytesBeyond: this.#bytesBeyond,
      firstEdge: this.#firstEdge,
      edgeTarget: this.#edgeTarget.subarray(0, this.#edgesKept),
      root: this.#head.root,
      source,
    };
  }
}
