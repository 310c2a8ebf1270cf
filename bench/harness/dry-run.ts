/** Dry run: what an experiment would do and about how long it would take, judged by what is known about its workloads. */
import { RATE } from './matrix.ts';
import type { MinimumHeapsFile } from './minimum-heaps-file.ts';
import type { Plan } from './plan.ts';
import { censusKey, labelOf, minimumHeapKey, type Point } from './point.ts';

/** An invocation of a workload that nobody has run yet, and one of a search besides: a search takes some twenty. */
const UNKNOWN_MS = 10_000;
const SEARCH_INVOCATIONS = 25;
const WARM_UP_MS = 3000;

export function dryRunText({ options, points }: Plan, heaps: MinimumHeapsFile): string {
  const searches = new Set(points.filter(({ heap }) => !('bytes' in heap)).map(({ configuration }) => minimumHeapKey(configuration)));
  const unknown = [...searches].filter((key) => heaps.get(key) === undefined);
  const oneRoundMs = points.reduce((sum, point) => sum + (invocationMs(point, heaps) ?? UNKNOWN_MS), 0);
  const guessed = points.filter((point) => invocationMs(point, heaps) === undefined).length;
  const ms = options.invocations * oneRoundMs + unknown.length * SEARCH_INVOCATIONS * UNKNOWN_MS;
  return [
    ...points.map((point) => `${labelOf(point)}${bytesText(point, heaps)}`),
    '',
    `${points.length} rows, ${options.invocations} invocations each, seed ${options.seed}`,
    `minimum heaps to be found first: ${unknown.length} of ${searches.size}`,
    `about ${durationText(ms)}${guessed > 0 ? `; ${guessed} rows are of workloads that have not run yet, taken for ${UNKNOWN_MS / 1000} s` : ''}`,
  ].join('\n');
}

/** An open loop takes as long as its schedule. */
function invocationMs({ configuration }: Point, heaps: MinimumHeapsFile): number | undefined {
  const { parameters } = configuration;
  const rate = Number(parameters[RATE] ?? 0);
  const operations = Number(parameters['requests'] ?? parameters['operations'] ?? Number.NaN);
  if (rate > 0 && operations > 0) return (operations / rate) * 1000 + WARM_UP_MS;
  return heaps.census(censusKey(configuration))?.processMs;
}

function bytesText({ configuration, heap }: Point, heaps: MinimumHeapsFile): string {
  const minimum = heaps.get(minimumHeapKey(configuration));
  if (!('factor' in heap) || minimum === undefined) return '';
  return ` = ${((heap.factor * minimum.bytes) / 2 ** 20).toFixed(2)} MiB`;
}

function durationText(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes < 120 ? `${minutes} minutes` : `${(minutes / 60).toFixed(1)} hours`;
}
