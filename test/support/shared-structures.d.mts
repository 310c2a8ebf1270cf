import type { Heap, Mutator } from '../../dist/index.js';

export function makeTable(heap: Heap, mutator: Mutator, length: number): void;
export function makeCounters(heap: Heap, mutator: Mutator, length: number): void;
export function exchange(
  heap: Heap,
  mutator: Mutator,
  options: { thread: number; threads: number; seed: number; running: () => boolean },
): { written: number; reads: number };
export function increment(heap: Heap, mutator: Mutator, options: { seed: number; running: () => boolean }): { added: number };
export function sumOfCounters(heap: Heap, mutator: Mutator): number;
