/**
 * Stressed mutators: those of heaps with `stressEvery`. Safepoints that otherwise are just a load, or leave the running state, request a
 * collection too (stress.ts). They are separate classes, so that a poll in any other heap stays one load.
 */
import { LoadBarrierMutator } from './load-barrier-mutator.ts';
import { Mutator } from './mutator.ts';
import type { MutatorSetUp } from './mutator-set-up.ts';

type MutatorClass<Arguments extends unknown[]> = new (...given: Arguments) => Mutator;

function stressed<Arguments extends unknown[]>(Base: MutatorClass<Arguments>): MutatorClass<Arguments> {
  return class extends Base {
    override poll(): void {
      super.poll();
      this.passed();
    }

    override unpark(): void {
      super.unpark();
      this.passed();
    }

    override parked<T>(wait: () => T): T {
      try {
        return super.parked(wait);
      } finally {
        this.passed();
      }
    }

    override parkAll<T>(wait: () => T): T {
      try {
        return super.parkAll(wait);
      } finally {
        this.passed();
      }
    }
  };
}

/** @internal */
export const StressedMutator: MutatorClass<[setUp: MutatorSetUp]> = stressed(Mutator);

/** @internal */
export const StressedLoadBarrierMutator: MutatorClass<[setUp: MutatorSetUp, unsettled: Uint8Array]> = stressed(LoadBarrierMutator);
