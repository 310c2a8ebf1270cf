/**
 * Evacuation: which regions a cycle moves, in one wave or several. A wave is a plan, a flip and a compaction.
 *
 * A full collection moves nearly everything. At once, that would take a second heap of new pages for the targets, and a new page costs ten
 * times as much as one that the heap file has already. So it goes in waves, all of them by one marking: the first has the free regions, and
 * a few new ones; from then on the targets are the places of the sources before them.
 *
 *     start     1 1 1 1 1 1 1 1 . .          (each region is to be moved; . is free)
 *     wave 1    . . . 1 1 1 1 1 2 2
 *     wave 2    2 2 2 . . . . 1 2 2
 *     wave 3    2 2 2 2 . . . . 2 2
 *
 * Policy says which regions are next (policy/region-choice.ts); the native plan, how many of them fit their targets: one that is left out
 * is a matter of the next wave. Between the marking and its own wave, no region may be filled further (native/gc/collector.h, law G).
 */
import type { Binding, NativeHeap } from '../binding.ts';
import { REGION_PAGES } from '../binding/layout.ts';
import type { PolicyOptions } from './policy/policy-options.ts';
import { chooseRegions, regionsToMove, type RegionTables } from './policy/region-choice.ts';
import type { CollectionKind } from './requests.ts';

/** A full collection may enlarge the heap file by this share of it … */
const MOST_NEW_SHARE = 1 / 8;
/** … or by so many pages, if that is more: it is not worth a wave to save them. */
const LEAST_NEW_PAGES = 8 * REGION_PAGES;
/** It ends after this many waves, however little room there was for each. */
const MOST_WAVES = 64;

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
  #kind: CollectionKind = 'compact';
  #waves = 0;
  #mostTargets = 0;
  /** `full` only: what is left to move, and how many pages the file may have meanwhile. */
  #pending = new Set<number>();
  #mostFilePages = 0;
  /** The first region that was chosen and did not move; the one after the last if all did. */
  #nextSource = 0;

  constructor(setUp: EvacuationSetUp) {
    this.#setUp = setUp;
    this.#tables = {
      states: new Uint8Array(setUp.regions),
      kinds: new Uint8Array(setUp.regions),
      usedPages: new Uint16Array(setUp.regions),
      filePages: new Uint16Array(setUp.regions),
      liveWords: new Uint32Array(setUp.regions),
      markedPages: new Uint16Array(setUp.regions),
    };
  }

  /** A cycle begins to evacuate: its marking is over, and the dead are swept. Plans the first wave; false when nothing will move. */
  begin(kind: CollectionKind): boolean {
    this.#kind = kind;
    this.#waves = 0;
    this.#mostTargets = 0;
    this.#pending.clear();
    this.#readTables();
    if (kind === 'full') {
      const { movesEverything } = this.#setUp.policy;
      this.#pending = new Set(regionsToMove(this.#tables, { kind, everything: movesEverything }));
      const filePages = this.#filePages();
      this.#mostFilePages = filePages + Math.max(LEAST_NEW_PAGES, filePages * MOST_NEW_SHARE);
    }
    return this.#plan();
  }

  /** Whether another wave should follow the last one. */
  get isUnfinished(): boolean {
    return this.#pending.size > 0 && this.#waves < MOST_WAVES;
  }

  /** Plans the next wave, when the last one is finished; false when no more will move. */
  next(): boolean {
    this.#readTables();
    return this.#plan();
  }

  /** The most targets that a wave of this cycle has had. */
  get mostTargets(): number {
    return this.#mostTargets;
  }

  #plan(): boolean {
    const { native, heap, policy, regions, capacityRegions } = this.#setUp;
    const choice = chooseRegions(this.#tables, {
      kind: this.#kind,
      freeRegions: native.statistics(heap).freeRegions,
      reserveRegions: regions - capacityRegions,
      budgetBytes: policy.evacuationBudgetBytes,
      everything: policy.movesEverything,
      startAt: this.#nextSource,
      ...(this.#kind === 'full' ? { pending: this.#pending, mostNewPages: Math.max(0, this.#mostFilePages - this.#filePages()) } : {}),
    });
    const plan = native.makePlan(heap, choice.sources, choice.targets, Uint32Array.from(this.#pending));
    const planned = new Set(plan.sources);
    this.#nextSource = choice.sources.find((region) => !planned.has(region)) ?? (choice.sources.at(-1) ?? -1) + 1;
    for (const source of planned) this.#pending.delete(source);
    this.#waves++;
    this.#mostTargets = Math.max(this.#mostTargets, plan.targets.length);
    return planned.size > 0;
  }

  #readTables(): void {
    const { states, kinds, usedPages, filePages, liveWords, markedPages } = this.#tables;
    this.#setUp.native.readRegions(this.#setUp.heap, states, kinds, usedPages, filePages, liveWords, markedPages);
  }

  #filePages(): number {
    return this.#tables.filePages.reduce((sum, pages) => sum + pages, 0);
  }
}
