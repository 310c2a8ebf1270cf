/**
 * Nominal: what kind of allocation a workload was, after the nominal statistics of the DaCapo suite.
 */
import type { Nominal } from '../harness/contract.ts';
import type { Allocated } from './messages.ts';

const WORD_BYTES = 8;

/** The smallest size in words that this share of the objects does not exceed. */
function quantile(sizes: Float64Array, objects: number, share: number): number {
  let seen = 0;
  for (let words = 0; words < sizes.length; words++) {
    seen += sizes[words]!;
    if (seen >= share * objects) return words;
  }
  return 0;
}

/** Of all mutators together. `survivals`: live bytes after each collection over bytes allocated since the one before. */
export function nominalOf(all: readonly Allocated[], wallNs: number, survivals: readonly number[]): Nominal {
  const sizes = new Float64Array(all[0]!.sizes.length);
  let words = 0;
  let referenceSlots = 0;
  for (const allocated of all) {
    allocated.sizes.forEach((count, i) => (sizes[i]! += count));
    words += allocated.allocatedWords;
    referenceSlots += allocated.referenceSlots;
  }
  const objects = sizes.reduce((sum, count) => sum + count, 0);
  const allocatedBytes = words * WORD_BYTES;
  const bytesAt = (share: number): number => quantile(sizes, objects, share) * WORD_BYTES;
  return {
    objectBytesMean: objects === 0 ? 0 : allocatedBytes / objects,
    objectBytesP10: bytesAt(0.1),
    objectBytesP50: bytesAt(0.5),
    objectBytesP90: bytesAt(0.9),
    pointerDensity: words === 0 ? 0 : referenceSlots / words,
    allocationBytesPerSecond: (allocatedBytes / wallNs) * 1e9,
    allocatedBytes,
    survival: survivals.length === 0 ? 0 : survivals.reduce((sum, share) => sum + share, 0) / survivals.length,
  };
}
