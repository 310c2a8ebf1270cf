/**
 * Evacuation: asks policy which regions to move (policy/region-choice.ts), and the native plan how many of them fit their targets.
 */
import type { Binding, NativeHeap, NativePlan } from '../binding.ts';
import type { PolicyOptions } from './policy/policy-options.ts';
import { chooseRegions, type RegionTables } from './policy/region-choice.ts';
import type { CollectionKind } from './requests.ts';

export interface EvacuationSetUp {
  readonly native: Binding;
  readonly heap: NativeHeap;
  readonly regions: number;
  readonly capacityRegions: number;
  readonly policy: PolicyOptions;
}

export class Evacuation {
  readonly #setUp: EvacuationSetUp;
  readonly #tables: RegionTables;
  /** The first region that was chosen and did not move; the one after the last if all did. */
  #nextSource = 0;

  constructor(setUp: EvacuationSetUp) {
    this.#setUp = setUp;
    this.#tables = {
      states: new Uint8Array(setUp.regions),
      kinds: new Uint8Array(setUp.regions),
      usedPages: new Uint16Array(setUp.regions),
      liveWords: new Uint32Array(setUp.regions),
      markedPages: new Uint16Array(setUp.regions),
    };
  }

  /** Plans what a cycle moves; marking is over, and the dead are swept. */
  plan(kind: CollectionKind, pendingOf?: (tables: RegionTables) => ReadonlySet<number>): NativePlan {
    const { native, heap, policy } = this.#setUp;
    const { states, kinds, usedPages, liveWords, markedPages } = this.#tables;
    native.readRegions(heap, states, kinds, usedPages, liveWords, markedPages);
    const choice = chooseRegions(this.#tables, {
      kind,
      freeRegions: native.statistics(heap).freeRegions,
      reserveRegions: this.#setUp.regions - this.#setUp.capacityRegions,
      budgetBytes: policy.evacuationBudgetBytes,
      everything: policy.movesEverything,
      startAt: this.#nextSource,
      ...(pendingOf === undefined ? {} : { pending: pendingOf(this.#tables) }),
    });
    const plan = native.makePlan(heap, choice.sources, choice.targets);
    const planned = new Set(plan.sources);
    this.#nextSource = choice.sources.find((region) => !planned.has(region)) ?? (choice.sources.at(-1) ?? -1) + 1;
    return plan;
  }
}
