/**
 * Point: one configuration of a suite before anybody knows how many bytes its heap has. The harness turns it into the contract's
 * `Configuration` when the minimum heap of its workload is known.
 */
import type { Configuration } from './contract.ts';
import { DEFAULT_ROW, LENGTH_KNOBS, RATE, type SuiteName } from './matrix.ts';

export type HeapSize = { readonly factor: number } | { readonly bytes: number };

export interface Point {
  readonly suites: readonly SuiteName[];
  readonly configuration: Omit<Configuration, 'heapBytes' | 'seed'>;
  readonly heap: HeapSize;
  /** Tells the two arms of an A/A comparison apart; they have nothing else that differs. */
  readonly arm?: 'a' | 'b';
}

/** The same for the same point in every run: results are found again by it. */
export function keyOf({ configuration, heap, arm }: Point): string {
  return JSON.stringify([seriesWords(configuration), sortedParameters(configuration.parameters), configuration.mutators, heap, arm ?? '']);
}

/** What is compared: the point without workload and heap size, in few words; what is as the heap comes is not said. */
export function seriesOf({ configuration, arm }: Pick<Point, 'configuration' | 'arm'>): string {
  const { system, driver, barrier, parameters } = configuration;
  const words = system === 'faultline' ? [driver === 'native' ? 'C++' : 'JS'] : [system];
  if (barrier !== undefined) {
    words.push(barrier.mode);
    if (barrier.marker !== DEFAULT_ROW.marker) words.push(barrier.marker);
    if (barrier.faultAroundPages !== DEFAULT_ROW.faultAroundPages) words.push(`around ${barrier.faultAroundPages}`);
  }
  const rate = Number(parameters[RATE] ?? 0);
  if (rate > 0) words.push(`${rate}/s`);
  if (arm !== undefined) words.push(`arm ${arm}`);
  return words.join(' ');
}

/** As `--filter` sees it, with everything said: `gcbench faultline native sigbus barrier-free adaptive 2×`. */
export function labelOf({ configuration, heap, arm }: Point): string {
  const rate = Number(configuration.parameters[RATE] ?? 0);
  return [
    ...seriesWords(configuration),
    ...(rate > 0 ? [`${rate}/s`] : []),
    ...(arm === undefined ? [] : [`arm ${arm}`]),
    heapText(heap),
  ].join(' ');
}

export function heapText(heap: HeapSize): string {
  return 'factor' in heap ? `${heap.factor}×` : `${Math.round(heap.bytes / 2 ** 20)} MiB`;
}

/** What a minimum heap belongs to: the workload and its knobs, without those that only say how long it runs. */
export function minimumHeapKey({ workload, parameters, mutators }: Pick<Configuration, 'workload' | 'parameters' | 'mutators'>): string {
  return JSON.stringify([workload, sortedParameters(parameters).filter(([name]) => !LENGTH_KNOBS.includes(name)), mutators]);
}

function seriesWords({ workload, system, driver, barrier }: Point['configuration']): string[] {
  const row = barrier === undefined ? [] : [barrier.mode, barrier.marker, `${barrier.faultAroundPages}`];
  return [workload, system, driver, ...row];
}

function sortedParameters(parameters: Configuration['parameters']): [string, number | string][] {
  return Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
}
