/**
 * Hashes: a heap's hash of a key, for tests that need colliding keys. The secret comes in the same way as to a thread that attaches.
 */
import type { Heap } from './faultline.ts';
import { attachNative, KeyedHash } from './internals.ts';

export function hashOfHeap(heap: Heap): KeyedHash {
  const { hashLow, hashHigh } = attachNative(heap.token).description;
  return new KeyedHash({ low: hashLow, high: hashHigh });
}
