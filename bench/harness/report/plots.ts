/**
 * Plots as data: what is drawn, and at the same time what is in the table behind each plot. report/page.js draws it in a browser.
 */
import { RATE } from '../matrix.ts';
import type { Estimate } from '../statistics/bootstrap.ts';
import { AFTER_FLIP_MS, MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { HEAT_BIN_MS, HEAT_FROM_MS } from '../statistics/fault-heat.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';
import type { AnalysedRow, Analysis } from './analysis.ts';
import type { Figures, LatencyTails, Tail } from './rows.ts';

/** `percentile`: values are 1 ÷ (1 − share), shown as 90 %, 99 %, …; `share`: 0 to 1, shown as percent. */
export type Scale = 'linear' | 'log' | 'percentile' | 'share';

export interface Axis {
  readonly label: string;
  readonly scale: Scale;
}

export interface Line {
  readonly name: string;
  /** With low and high where there is an interval. */
  readonly points: readonly (readonly [x: number, y: number, low?: number, high?: number])[];
  /** A floor or a bound, not one of what is compared. */
  readonly dashed?: boolean;
}

interface PlotHead {
  readonly section: SectionName;
  readonly workload: string;
  /** Absent where the plot is over all heap sizes. */
  readonly heap?: string;
  readonly title: string;
}

export interface CurvePlot extends PlotHead {
  readonly kind: 'curve';
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

/** Cells of a heat map: left edge in ms, lower row's bound in us, faults a flip. */
export interface HeatPlot extends PlotHead {
  readonly kind: 'heat';
  readonly binMs: number;
  readonly cells: readonly (readonly [fromMs: number, underUs: number, faultsPerFlip: number])[];
}

export type Plot = CurvePlot | HeatPlot;

/** Sections in the order of the page, each with what it shows. */
export const SECTIONS = {
  overhead: [
    'Lower-bound overhead',
    'What memory management costs at least, against the heap as a multiple of the minimum heap, over the row that the table names. ' +
      'Lower is better; dashed are the rows that collect nothing. Bars are 95 % intervals.',
  ],
  utilization: [
    'Minimum mutator utilization',
    'The worst share of its time that a mutator had in any window of that length. Pauses, fault service, waits for memory and ' +
      'allocation slow paths count against it. Higher is better.',
  ],
  flip: [
    'Utilization after the flip',
    'The share of its time that a mutator had from the end of the flip on: the median over flips, and dashed the worst. Higher is better.',
  ],
  heat: [
    'Faults around the flip',
    'Page faults that mutators took, by time since the flip and by length, a flip. The vertical line is the flip.',
  ],
  pauses: [
    'Pauses',
    'Pauses of one kind of all invocations, by percentile. Dashed is the noise floor: by how much a thread oversleeps while nothing ' +
      'of this runs. Lower is better; nothing at or under the floor can be blamed on the collector.',
  ],
  latency: [
    'Latency',
    'Requests by percentile. Metered latency puts back the requests that a closed loop did not issue; in an open loop latency is ' +
      'from the intended start. Dashed is the noise floor. Lower is better.',
  ],
  memory: [
    'Memory over time',
    'The heap as the system counts it, in the invocation of median wall time; dashed what is alive: as the workload ' +
      'counts it, or, in peers, what the collector said was left after each collection (docs/benchmarks.md says of what).',
  ],
} as const satisfies Record<string, readonly [title: string, description: string]>;

export type SectionName = keyof typeof SECTIONS;

const PERCENTILE_AXIS: Axis = { label: 'percentile', scale: 'percentile' };

export function plotsOf(analysis: Analysis): Plot[] {
  const rows = analysis.rows.filter(({ figures, arm }) => figures !== undefined && arm === undefined).map(named);
  const workloads = grouped(rows, knobsText);
  const sameHeap = grouped(rows.filter(collects), (row) => `${knobsText(row)}, heap ${row.heap}`);
  return [
    ...[...workloads].flatMap(([title, group]) => overheadPlots(title, group)),
    ...[...sameHeap].flatMap(([title, group]) => [...utilizationPlots(title, group), ...flipPlots(title, group)]),
    ...rows.flatMap(heatPlots),
    ...[...sameHeap].flatMap(([title, group]) => [
      ...pausePlots(title, group, analysis),
      ...latencyPlots(title, group, analysis),
      ...memoryPlots(title, group),
    ]),
  ];
}

function overheadPlots(title: string, rows: readonly AnalysedRow[]): Plot[] {
  const swept = rows.filter(({ factor }) => factor !== undefined);
  const factors = swept.map(({ factor }) => factor!);
  // One heap size is no curve; its figures are in the table.
  if (new Set(factors).size < 2) return [];
  return (['wall', 'cpu'] as const).flatMap((time): Plot[] => {
    const lines: Line[] = [...grouped(swept, ({ series }) => series)].map(([name, group]) => ({
      name,
      points: group
        .flatMap(({ factor, overhead }) => (overhead?.[time] === undefined ? [] : [withInterval(factor!, overhead[time])]))
        .sort(([a], [b]) => a - b),
    }));
    const floors = rows
      .filter((row) => row.factor === undefined)
      .flatMap(({ series, heap, overhead }): Line[] => {
        const cost = overhead?.[time]?.median;
        return cost === undefined
          ? []
          : [
              {
                name: `${series} ${heap}`,
                dashed: true,
                points: [
                  [Math.min(...factors), cost],
                  [Math.max(...factors), cost],
                ],
              },
            ];
      });
    return curve(
      'overhead',
      rows[0]!,
      `${title}: ${time === 'wall' ? 'wall time' : 'CPU time of all threads'}`,
      { label: 'heap ÷ minimum heap', scale: 'log' },
      { label: `LBO, ${time === 'wall' ? 'wall' : 'CPU'}`, scale: 'linear' },
      [...lines, ...floors],
    );
  });
}

function utilizationPlots(title: string, rows: readonly AnalysedRow[]): Plot[] {
  const lines = rows.map(
    ({ series, figures }): Line => ({
      name: series,
      points: MMU_WINDOWS_MS.map((window, i) => [window, figures!.mmu[i]!]),
    }),
  );
  return curve(
    'utilization',
    rows[0]!,
    title,
    { label: 'window, ms', scale: 'log' },
    { label: 'worst share for the mutator', scale: 'share' },
    lines,
  );
}

function flipPlots(title: string, rows: readonly AnalysedRow[]): Plot[] {
  const lines = rows.flatMap(({ series, figures }): Line[] => [
    { name: series, points: figures!.afterFlip.map(({ afterMs, median }) => [afterMs, median]) },
    { name: `${series}, worst`, dashed: true, points: figures!.afterFlip.map(({ afterMs, worst }) => [afterMs, worst]) },
  ]);
  return curve(
    'flip',
    rows[0]!,
    title,
    { label: `first … ms after the flip (${AFTER_FLIP_MS.join(', ')})`, scale: 'log' },
    { label: 'share for the mutator', scale: 'share' },
    lines,
  );
}

function heatPlots(row: AnalysedRow): Plot[] {
  const heat = row.figures?.heat;
  if (heat === undefined || heat.flips === 0) return [];
  const cells = heat.counts.flatMap((counts, index) =>
    counts.flatMap((count, column) =>
      count === 0 ? [] : [[HEAT_FROM_MS + column * HEAT_BIN_MS, 2 ** index, count / heat.flips] as const],
    ),
  );
  if (cells.length === 0) return [];
  const title = `${knobsText(row)}, heap ${row.heap}: ${row.series}, ${heat.flips} flips`;
  return [{ kind: 'heat', section: 'heat', workload: row.workload, heap: row.heap, title, binMs: HEAT_BIN_MS, cells }];
}

function pausePlots(title: string, rows: readonly AnalysedRow[], analysis: Analysis): Plot[] {
  const kinds = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures!.pausesByKind)))].sort();
  return kinds.flatMap((kind) => {
    const lines = rows.flatMap(({ series, figures }): Line[] => {
      const tail = figures!.pausesByKind[kind];
      return tail === undefined ? [] : [{ name: series, points: inMs(tail.curve) }];
    });
    const axis: Axis = { label: 'pause, ms', scale: 'log' };
    return curve('pauses', rows[0]!, `${title}: ${kind}`, PERCENTILE_AXIS, axis, [...lines, floorOf(analysis, lines)]);
  });
}

function latencyPlots(title: string, rows: readonly AnalysedRow[], analysis: Analysis): Plot[] {
  const told = rows.filter(({ figures }) => figures?.latencies !== undefined);
  if (told.length === 0) return [];
  const isOpen = told[0]!.figures!.latencies!.loop === 'open';
  const kinds: [keyof Omit<LatencyTails, 'loop'>, string][] = isOpen
    ? [['simple', 'from the intended start']]
    : [
        ['simple', 'simple'],
        ['metered', 'metered, 100 ms'],
        ['meteredFull', 'metered, full'],
      ];
  return kinds.flatMap(([kind, name]) => {
    const lines = told.map(({ series, figures }): Line => ({ name: series, points: inMs((figures!.latencies![kind] as Tail).curve) }));
    return curve('latency', told[0]!, `${title}: ${name}`, PERCENTILE_AXIS, { label: 'latency, ms', scale: 'log' }, [
      ...lines,
      floorOf(analysis, lines),
    ]);
  });
}

const LIVE_NAMES = { workload: 'alive', collector: 'after collections' } as const;

function memoryPlots(title: string, rows: readonly AnalysedRow[]): Plot[] {
  const inMib = (series: Figures['memory']): Line['points'] => series.map(([timeNs, bytes]) => [timeNs / 1e9, bytes / 2 ** 20]);
  const lines = rows.flatMap(({ series, figures }): Line[] => [
    { name: `${series} (${figures!.memorySource})`, points: inMib(figures!.memory) },
    { name: `${series}, ${LIVE_NAMES[figures!.liveSource ?? 'workload']}`, dashed: true, points: inMib(figures!.live ?? []) },
  ]);
  return curve('memory', rows[0]!, title, { label: 'seconds', scale: 'linear' }, { label: 'MiB', scale: 'linear' }, lines);
}

/** Not much further out than the lines it lies under. */
function floorOf({ noiseNs }: Analysis, lines: readonly Line[]): Line {
  const last = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const points = PERCENTILES.filter((percent) => percent < 100).map(
    (percent, i) => [1 / (1 - percent / 100), (noiseNs[i] ?? 0) / 1e6] as const,
  );
  return { name: 'noise floor', dashed: true, points: points.filter(([x, ms]) => ms > 0 && x <= 10 * last) };
}

/** No plot without a line that is no floor. */
function curve(section: SectionName, { workload, heap }: AnalysedRow, title: string, x: Axis, y: Axis, lines: readonly Line[]): Plot[] {
  const filled = lines.filter(({ points }) => points.length > 0);
  if (!filled.some(({ dashed }) => dashed !== true)) return [];
  return [{ kind: 'curve', section, workload, ...(section === 'overhead' ? {} : { heap }), title, x, y, lines: filled }];
}

/** The rate is in the title of the plot. */
function named(row: AnalysedRow): AnalysedRow {
  return { ...row, series: row.series.replace(/ \d+\/s$/, '') };
}

function inMs(points: Tail['curve']): [number, number][] {
  // A logarithmic axis has no 0; a tenth of a microsecond is below everything that matters.
  return points.map(([inverse, ns]) => [inverse, Math.max(1e-4, ns / 1e6)]);
}

function withInterval(x: number, { median, low, high }: Estimate): [number, number, number, number] {
  return [x, median, low, high];
}

function collects({ configuration }: AnalysedRow): boolean {
  return configuration.barrier?.mode !== 'none';
}

/** The workload, with the rate of an open loop. */
export function knobsText({ workload, parameters }: AnalysedRow): string {
  const rate = Number(parameters[RATE] ?? 0);
  return rate > 0 ? `${workload} at ${rate} a second` : workload;
}

function grouped<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(nameOf(item), [...(found.get(nameOf(item)) ?? []), item]);
  return found;
}
