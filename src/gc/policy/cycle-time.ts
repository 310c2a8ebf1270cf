/**
 * Cycle time: how long the next cycle will take, predicted from earlier ones.
 *
 * Marking and moving are averaged separately: a cycle that found nothing worth moving says nothing about moving, and one that moved
 * everything (`full`) says nothing about those that the heap starts on its own.
 */
import type { PhaseName } from '../../binding/cycle-steps.ts';
import type { CollectionKind } from '../requests.ts';
import { DecayingAverage } from './decaying-average.ts';

/** Share of the newest cycle in the mean. */
const WEIGHT = 0.3;
/** All other phases count as marking. Giving memory back delays no thread and is not counted. */
const MOVING: ReadonlySet<PhaseName> = new Set(['plan', 'flip', 'compact', 'finish']);

export class CycleTime {
  readonly #marking = new DecayingAverage();
  readonly #moving = new DecayingAverage();
  #markingMs = 0;
  #movingMs = 0;

  notePhase(phase: PhaseName, durationMs: number): void {
    if (phase === 'reclaim') return;
    if (MOVING.has(phase)) this.#movingMs += durationMs;
    else this.#markingMs += durationMs;
  }

  /** The phases since the last call made up a cycle. */
  endCycle(kind: CollectionKind, moved: boolean): void {
    this.#marking.add(this.#markingMs, WEIGHT);
    if (moved && kind === 'compact') this.#moving.add(this.#movingMs, WEIGHT);
    this.#markingMs = 0;
    this.#movingMs = 0;
  }

  get cycles(): number {
    return this.#marking.count;
  }

  get meanMs(): number {
    return this.#marking.mean + this.#moving.mean;
  }

  /** The sum, not the root of the sum of squares: what slows down marking slows down moving too. */
  get deviationMs(): number {
    return this.#marking.deviation + this.#moving.deviation;
  }
}
