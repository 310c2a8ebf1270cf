/**
 * Payload cap: how much of a node's self size becomes payload.
 *
 * V8 counts the backing store of a buffer as a node of its own, a SharedArrayBuffer of 16 GiB as a node of 16 GiB, whether its pages were
 * ever touched or not. The shape of a graph does not need those bytes: objects larger than a region behave alike, and a run would fill
 * gigabytes before its first collection. So no node gets more than 4 MiB; and if the large nodes of a snapshot are still too much together,
 * the cap is halved until they are not. The report says how much was left out.
 */
import type { ObjectGraph } from '../snapshot/index.ts';

const MOST_BYTES = 4 * 2 ** 20;
/** A lower cap would change small and medium-sized objects. */
const LEAST_BYTES = 64 * 1024;
/** The most bytes of all nodes above LEAST_BYTES together. */
const LARGE_NODES_BYTES = 512 * 2 ** 20;

export interface PayloadCap {
  /** No node has more payload than this. */
  readonly capBytes: number;
  readonly cappedObjects: number;
  /** Bytes of self size that did not become payload. */
  readonly leftOutBytes: number;
}

/** Cuts the self sizes of the graph in place; from here on, the cut sizes are the model. */
export function capPayload({ selfBytes, bytesBeyond }: ObjectGraph): PayloadCap {
  const large = selfBytes.filter((bytes) => bytes > LEAST_BYTES);
  let capBytes = MOST_BYTES;
  while (capBytes > LEAST_BYTES && sumBelow(large, capBytes) > LARGE_NODES_BYTES) capBytes /= 2;
  let cappedObjects = 0;
  let leftOutBytes = bytesBeyond;
  for (let node = 0; node < selfBytes.length; node++) {
    const bytes = selfBytes[node]!;
    if (bytes <= capBytes) continue;
    selfBytes[node] = capBytes;
    cappedObjects++;
    leftOutBytes += bytes - capBytes;
  }
  return { capBytes, cappedObjects, leftOutBytes };
}

function sumBelow(sizes: Uint32Array, capBytes: number): number {
  return sizes.reduce((sum, bytes) => sum + Math.min(bytes, capBytes), 0);
}
