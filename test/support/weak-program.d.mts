import type { Finalizable, Heap, Mutator } from '../../dist/index.js';

export declare class WeakProgram {
  constructor(heap: Heap, mutator: Mutator, options: { seed: number; slots: number; mapSlot: number; owner: number });
  readonly seenDead: number;
  readonly taken: number;
  step(): void;
  take(finalizable: Finalizable): boolean;
  checkExactly(): void;
}
