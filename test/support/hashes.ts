/**
 * Hashes: a heap's hash of a key, for tests that need colliding keys. The secret comes in the same way as to a thread that attaches.
 */
import { KeyedHash } from '../../dist/heap/keyed-hash.js';
import { attachNative } from '../../dist/heap/token.js';
import type { Heap } from './faultline.ts';

export function hashOfHeap(heap: Heap): KeyedHash {
  const { hashLow, hashHigh } = attachNative(heap.token).description;
  return new KeyedHash({ low: hashLow, high: hashHigh });
}
