import type { Heap, Mutator, ShapeDefinition } from '../../dist/index.js';

export const SHADOW_SHAPES: readonly ShapeDefinition[];
export interface ShadowProgramOptions {
  readonly seed: number;
  /** Words of live data at which the program prunes its graph. */
  readonly liveWordsLimit: number;
  /** One allocation in a few hundred is about this large. 0: none. */
  readonly largeWords?: number;
  /** The first identity it gives. */
  readonly idBase?: number;
}
export class ShadowProgram {
  constructor(heap: Heap, mutator: Mutator, options: ShadowProgramOptions);
  readonly operations: number;
  step(): void;
  run(steps: number, compareEvery?: number): { objects: number; words: number };
  compare(): { objects: number; words: number };
}
