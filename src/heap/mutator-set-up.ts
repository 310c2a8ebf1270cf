/**
 * Mutator set-up: what a heap gives a new mutator, and what the mutator gives its parts.
 */
import type { MutatorHandle } from '../binding.ts';
import type { CollectionHost } from './allocation.ts';
import type { Shape, ShapeDefinition } from './shapes.ts';
import type { Views } from './views.ts';

/** @internal */
export interface MutatorSetUp {
  readonly host: CollectionHost;
  readonly views: Views;
  readonly handle: MutatorHandle;
  readonly control: Uint32Array;
  readonly localCapacity: number;
  readonly handleCapacity: number;
  readonly stressEvery: number;
  readonly stressFaults: boolean;
  readonly checked: boolean;
  readonly defineShape: (definition: ShapeDefinition) => Shape;
  /** Whether the shape is one of this heap. */
  readonly isOwn: (shape: Shape) => boolean;
  readonly onDetach: () => void;
}
