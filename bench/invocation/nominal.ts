/**
 * Nominal: what the objects of a workload are like, from a census of all that its mutators allocated in the measured part.
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

/** Of all mutators together. */
export function nominalOf(all: readonly Allocated[]): Nominal {
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
    allocatedBytes,
  };
}
