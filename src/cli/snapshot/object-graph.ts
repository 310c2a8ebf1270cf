/**
 * What is kept of a heap snapshot: for each node its type, its self size and the nodes it refers to. Nothing else.
 *
 * A snapshot file is mostly text: names, and numbers in decimal. `faultline run` needs only the shape of the graph, so that is all that is
 * kept: 5 bytes per node, 4 more for its first edge, and 4 bytes per edge. The columns are typed arrays over SharedArrayBuffers: posting
 * them to worker threads copies nothing, and they lie outside the JavaScript heap.
 *
 *        nodeType   selfBytes   firstEdge                      edgeTarget
 *     0 |   9    |     0     |     0  ------------------->  0 |  1
 *     1 |   3    |    56     |     2  ---------.            1 |  2
 *     2 |   2    |    24     |     2  ---------+--------->  2 |  ...
 *       :                    nodeCount: keptEdges              (node ordinals)
 */

export interface ObjectGraph {
  /** Number of nodes; a node is named by its ordinal, 0 … nodeCount - 1. */
  readonly nodeCount: number;
  /** Number of edges kept: those of the snapshot except its weak ones. */
  readonly edgeCount: number;
  /** The snapshot's node types ("object", "string", …); "type 12" for one that the file does not name. */
  readonly typeNames: readonly string[];
  /** Index into `typeNames`, one per node. */
  readonly nodeType: Uint8Array<SharedArrayBuffer>;
  /** Bytes that V8 counts for the node itself, one per node, at most 4,294,967,295; 0 is common (roots, synthetic nodes). */
  readonly selfBytes: Uint32Array<SharedArrayBuffer>;
  /** The bytes of all nodes that do not fit into `selfBytes`, because a node has more than that: backing stores of huge buffers. */
  readonly bytesBeyond: number;
  /** nodeCount + 1 entries: the edges of node i are `edgeTarget[firstEdge[i]] … edgeTarget[firstEdge[i + 1] - 1]`. */
  readonly firstEdge: Uint32Array<SharedArrayBuffer>;
  /** Node ordinals, one per edge. */
  readonly edgeTarget: Uint32Array<SharedArrayBuffer>;
  /** The ordinal from which everything alive can be reached. */
  readonly root: number;
  /** Where the graph came from; `bytes` is the length of the text, unpacked. */
  readonly source: { readonly path: string; readonly bytes: number };
}
