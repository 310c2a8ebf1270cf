/** Reads what an invocation wrote of its requests (`RequestFile` of the contract). */
import { readFileSync } from 'node:fs';
import type { RequestFile } from './contract.ts';
import type { Requests } from './statistics/latency.ts';

const PAIR_BYTES = 16;

/** Sorted by start; a mutator's own order within equal starts. Throws if the file is shorter than it is said to be. */
export function readRequests({ path, count }: RequestFile): Requests {
  const bytes = readFileSync(path);
  if (bytes.length < count * PAIR_BYTES) throw new Error(`${path} has ${bytes.length} bytes, not ${count} pairs`);
  const pairs = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + count * PAIR_BYTES));
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => pairs[2 * a]! - pairs[2 * b]!);
  return { startsNs: Float64Array.from(order, (i) => pairs[2 * i]!), endsNs: Float64Array.from(order, (i) => pairs[2 * i + 1]!) };
}
