/**
 * Point: one configuration of an experiment before anybody knows how many bytes its heap has. The harness turns it into the contract's
 * `Configuration` when the minimum heap of its workload is known.
 */
import type { Configuration } from './contract.ts';
import { DEFAULT_ROW, LENGTH_KNOBS, RATE } from './matrix.ts';

/** `floor`: as much as the workload allocates in all, because nothing is collected. */
export type HeapSize = { readonly factor: number } | { readonly bytes: number } | { readonly floor: true };

export interface Point {
  /** The experiments that ask for it. */
  readonly suites: readonly string[];
  readonly configuration: Omit<Configuration, 'heapBytes' | 'seed'>;
  readonly heap: HeapSize;
  /** Of those that are compared in pairs. */
  readonly arm?: string;
  /** The first arm is what the others are compared with. */
  readonly armIndex?: number;
  /** What its arms have in common. */
  readonly pair?: string;
}

/** The same for the same point in every run: results are found again by it. */
export function keyOf({ configuration, heap, arm, pair }: Point): string {
  return JSON.stringify([
    seriesWords(configuration),
    sortedEntries(configuration.parameters),
    configuration.mutators,
    heap,
    startWords(configuration),
    ...(arm === undefined ? [] : [arm, pair]),
  ]);
}

/** What is compared: the point without workload, knobs and heap size, in few words; defaults are left out. */
export function seriesOf({ configuration, arm }: Pick<Point, 'configuration' | 'arm'>): string {
  const { system, driver, barrier, parameters } = configuration;
  const words = system === 'faultline' ? [driver === 'native' ? 'C++' : 'JS'] : [system];
  if (barrier !== undefined) {
    words.push(barrier.mode);
    if (barrier.marker !== DEFAULT_ROW.marker) words.push(barrier.marker);
    if (barrier.faultAroundPages !== DEFAULT_ROW.faultAroundPages) words.push(`around ${barrier.faultAroundPages}`);
  }
  words.push(...startWords(configuration));
  const rate = Number(parameters[RATE] ?? 0);
  if (rate > 0) words.push(`${rate}/s`);
  if (arm !== undefined) words.push(`arm ${arm}`);
  return words.join(' ');
}

/** As `--filter` sees it, spelled out: `gcbench faultline native sigbus barrier-free adaptive 2×`. */
export function labelOf({ configuration, heap, arm }: Point): string {
  const rate = Number(configuration.parameters[RATE] ?? 0);
  return [
    ...seriesWords(configuration),
    ...startWords(configuration),
    ...(configuration.mutators === 1 ? [] : [`${configuration.mutators} mutators`]),
    ...(rate > 0 ? [`${rate}/s`] : []),
    ...(arm === undefined ? [] : [`arm ${arm}`]),
    heapText(heap),
  ].join(' ');
}

export function heapText(heap: HeapSize): string {
  if ('floor' in heap) return 'floor';
  return 'factor' in heap ? `${heap.factor}×` : `${Math.round(heap.bytes / 2 ** 20)} MiB`;
}

type Asked = Pick<Configuration, 'workload' | 'parameters' | 'mutators'>;

/** What a minimum heap belongs to: the workload and its knobs, without those that only say how long it runs. */
export function minimumHeapKey({ workload, parameters, mutators }: Asked): string {
  return JSON.stringify([workload, sortedEntries(parameters).filter(([name]) => !LENGTH_KNOBS.includes(name)), mutators]);
}

/** What a census belongs to: the same with how long it runs, whatever the pace. */
export function censusKey({ workload, parameters, mutators }: Asked): string {
  return JSON.stringify([workload, sortedEntries(parameters).filter(([name]) => name !== RATE), mutators]);
}

function seriesWords({ workload, system, driver, barrier }: Point['configuration']): string[] {
  const row = barrier === undefined ? [] : [barrier.mode, barrier.marker, `${barrier.faultAroundPages}`];
  return [workload, system, driver, ...row];
}

/** What differs from the defaults: `workers=2`, `GOGC=50`, `cpus 0-1`, `build v1`. */
function startWords({ options = {}, environment = {}, pin, build }: Point['configuration']): string[] {
  return [
    ...sortedEntries({ ...options, ...environment }).map(([name, value]) => `${name}=${value}`),
    ...(pin === undefined ? [] : [`cpus ${pin}`]),
    ...(build === undefined ? [] : [`build ${build}`]),
  ];
}

function sortedEntries<T>(values: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}
