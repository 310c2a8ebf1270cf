/**
 * Hashes: what a heap makes of a key, for tests that need keys which collide. The secret comes the way a thread gets it that attaches.
 */
import { KeyedHash } from '../../dist/heap/keyed-hash.js';
import { attachNative } from '../../dist/heap/token.js';
import type { Heap } from './faultline.ts';

export function hashOfHeap(heap: Heap): KeyedHash {
  const { hashLow, hashHigh } = attachNative(heap.token).description;
  return new KeyedHash({ low: hashLow, high: hashHigh });
}
