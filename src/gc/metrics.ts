/**
 * Metrics: the figures of a heap in the text format that Prometheus reads, and whatever else reads that format. Sizes are bytes and times
 * seconds, as is the custom there; what only grows is a counter, and a distribution of durations a summary.
 */
import { optionsOf } from '../errors.ts';
import type { DurationSummary, HeapStatistics } from './statistics.ts';

/** What each figure is labelled with, by name. */
export type MetricLabels = Readonly<Record<string, string | number>>;
type Kind = 'gauge' | 'counter' | 'summary';

interface Sample {
  readonly name: string;
  readonly labels: MetricLabels;
  readonly value: number;
}

const QUANTILES = [
  ['0.5', 'p50Us'],
  ['0.99', 'p99Us'],
  ['0.999', 'p999Us'],
] as const;

/**
 * The figures of `heap.statistics()` as text for Prometheus (content type `text/plain; version=0.0.4`), each with `labels`, which tell
 * several heaps apart: `response.end(prometheusText(heap.statistics(), { heap: 'cache' }))`. Some 100 lines; about 50 us. Any thread.
 */
export function prometheusText(statistics: HeapStatistics, labels: MetricLabels = {}): string {
  const common = optionsOf('labels', labels) as MetricLabels;
  const lines: string[] = [];
  const family = (name: string, kind: Kind, help: string, samples: readonly Omit<Sample, 'name'>[] | readonly Sample[]): void => {
    lines.push(`# HELP faultline_${name} ${help}`, `# TYPE faultline_${name} ${kind}`);
    for (const sample of samples) {
      const own = 'name' in sample ? sample.name : name;
      lines.push(`faultline_${own}${labelText({ ...common, ...sample.labels })} ${sample.value}`);
    }
  };
  const gauge = (name: string, value: number, help: string): void => family(name, 'gauge', help, [{ labels: {}, value }]);
  const counter = (name: string, value: number, help: string): void => family(name, 'counter', help, [{ labels: {}, value }]);

  const { fault, cycles, collections, pages, marking, pins, weak, pauses, cpu, regions } = statistics;
  family('info', 'gauge', 'Always 1; how the heap works.', [{ labels: { fault_mode: fault.mode }, value: 1 }]);
  gauge('capacity_bytes', statistics.capacityBytes, 'What the heap can hold.');
  gauge('limit_bytes', statistics.limitBytes, 'How much of it the heap means to use at the moment.');
  gauge('used_bytes', statistics.usedBytes, 'Objects and garbage.');
  gauge('live_bytes', statistics.liveBytes, 'Alive at the last marking.');
  gauge('file_bytes', statistics.fileBytes, 'Memory that the heap has from the system.');
  gauge('peak_file_bytes', statistics.peakFileBytes, 'The most that it has had.');
  gauge('metadata_bytes', statistics.metadataBytes, 'Side tables.');
  gauge('reserved_bytes', statistics.reservedBytes, 'Capacity and reserve.');
  gauge('mutators', statistics.mutators, 'Threads that are attached.');
  gauge('free_regions', regions.free, 'Regions of 1 MiB that are free.');
  gauge('charged_regions', regions.charged, 'Regions that count for the capacity.');
  counter('allocated_bytes_total', statistics.allocatedBytes, 'Handed out to threads.');

  const reasons = Object.entries(collections.byReason).map(([reason, value]) => ({ labels: { reason }, value }));
  family('collections_total', 'counter', 'Collections that have ended, by why they were begun.', reasons);
  for (const [name, value] of Object.entries(cycles)) counter(totalOf('cycles', name), value, `Of cycles: ${wordsOf(name)}.`);
  for (const [name, value] of Object.entries(pages)) counter(totalOf('pages', name), value, `Of pages: ${wordsOf(name)}.`);
  for (const [name, value] of Object.entries(marking)) {
    counter(totalOf('marking', name), secondsOf(name, value), `Of marking: ${wordsOf(name)}.`);
  }
  for (const [name, value] of Object.entries(pins)) gauge(`pinned_${snake(name)}`, value, `Of pins that are held: ${wordsOf(name)}.`);
  for (const [name, value] of Object.entries(weak)) {
    if (/^cleared|^finalizable$/.test(name)) counter(totalOf('weak', name), value, `Of weak structures: ${wordsOf(name)}.`);
    else gauge(`weak_${snake(name)}`, value, `Of weak structures: ${wordsOf(name)}.`);
  }
  family('cpu_seconds_total', 'counter', 'Processor time of the threads that the heap has of its own.', [
    { labels: { thread: 'collector' }, value: cpu.collectorUs / 1e6 },
    { labels: { thread: 'fault' }, value: cpu.faultThreadUs / 1e6 },
  ]);

  const summary = (name: string, help: string, durations: readonly [MetricLabels, DurationSummary][]): void =>
    family(
      name,
      'summary',
      help,
      durations.flatMap(([own, duration]) => [
        ...QUANTILES.map(([quantile, figure]) => ({ name, labels: { ...own, quantile }, value: duration[figure] / 1e6 })),
        { name: `${name}_sum`, labels: own, value: duration.totalUs / 1e6 },
        { name: `${name}_count`, labels: own, value: duration.count },
      ]),
    );
  const byPause = Object.entries(pauses).map(([pause, duration]): [MetricLabels, DurationSummary] => [{ pause: snake(pause) }, duration]);
  summary('pause_seconds', 'Pauses, during which all threads stand still.', byPause);
  summary('fault_seconds', 'Page faults that threads have served.', [[{}, statistics.faults]]);
  summary('page_wait_seconds', 'Waits for a page that another thread was building.', [[{}, statistics.pageWaits]]);
  summary('stall_seconds', 'Waits for memory.', [[{}, statistics.stalls]]);
  return `${lines.join('\n')}\n`;
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const wordsOf = (name: string): string => snake(name.replace(/Us$/, 'Time')).replaceAll('_', ' ');
const totalOf = (group: string, name: string): string => `${group}_${snake(name.replace(/Us$/, 'Seconds'))}_total`;
const secondsOf = (name: string, value: number): number => (name.endsWith('Us') ? value / 1e6 : value);

function labelText(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${String(value).replaceAll(/[\\"\n]/g, escaped)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);
