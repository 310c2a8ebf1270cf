/**
 * Suites: questions, each expanded into the points that answer it. Pure: the same choice gives the same points in the same order.
 *
 *     barriers        the same heap, objects and mutators; only the barrier differs
 *     markers         the three ways to find what is alive
 *     fault-around    pages shown at a fault
 *     heap-sweep      what a collector costs as memory gets short (LBO)
 *     latency         a cache under open-loop load at rising rates, and in a closed loop
 *     fragmentation   memory over time after values change their size
 *     peers           other collectors and malloc with the same algorithm, payload and heap
 *     a-a             one configuration twice under two names: what the harness takes for a difference
 */
import { totalmem } from 'node:os';
import type { BarrierRow, Configuration } from './contract.ts';
import {
  DEFAULT_ROW,
  FAULT_AROUND_PAGES,
  HEAP_FACTORS,
  MARKERS,
  MODES,
  type Mode,
  MUTATORS,
  QUICK_PEERS,
  QUICK_RATE_SECONDS,
  QUICK_RATES,
  RATE,
  RATE_SECONDS,
  RATES,
  type SuiteName,
  SUITES,
  WORKLOADS,
  workloadRow,
} from './matrix.ts';
import { type HeapSize, keyOf, labelOf, type Point } from './point.ts';

export interface SuiteChoice {
  readonly quick: boolean;
  /** Instead of the suite's own factors. */
  readonly heapFactors?: readonly number[];
  /** Keeps the points whose label it matches. */
  readonly filter?: RegExp;
}

type System = Pick<Configuration, 'system' | 'driver' | 'barrier'>;

/** The largest heap there is; less where the machine has not twice as much. */
const MAX_HEAP_BYTES = 16 * 2 ** 30;
const LARGE: HeapSize = { bytes: Math.min(MAX_HEAP_BYTES, 2 ** 30 * Math.max(1, Math.floor(totalmem() / 2 ** 31))) };
const QUICK_LARGE: HeapSize = { bytes: 2 ** 30 };

/** Points of a suite, or of all. Points that several suites ask for come once, with all their suites. */
export function pointsOf(suite: SuiteName, choice: SuiteChoice): Point[] {
  const names = suite === 'all' ? SUITES.filter((name): name is Exclude<SuiteName, 'all'> => name !== 'all') : [suite];
  const byKey = new Map<string, Point>();
  for (const name of names) {
    for (const point of EXPANSIONS[name as Exclude<SuiteName, 'all'>](choice)) {
      if (choice.filter !== undefined && !choice.filter.test(labelOf(point))) continue;
      const key = keyOf(point);
      byKey.set(key, { ...point, suites: [...(byKey.get(key)?.suites ?? []), name] });
    }
  }
  return [...byKey.values()];
}

const faultline = (barrier: BarrierRow, driver: Configuration['driver'] = 'native'): System => ({ system: 'faultline', driver, barrier });
const V8: System = { system: 'v8', driver: 'javascript' };
const peer = (system: string): System => ({ system, driver: 'native' });
const byMode = (...modes: Mode[]): BarrierRow[] => modes.map((mode) => ({ ...DEFAULT_ROW, mode }));
const NONE: System = faultline({ ...DEFAULT_ROW, mode: 'none' });

const EXPANSIONS: Readonly<Record<Exclude<SuiteName, 'all'>, (choice: SuiteChoice) => Point[]>> = {
  barriers: (choice) =>
    among(choice, ['gcbench', 'lru', 'graph'], ['gcbench']).flatMap((workload) => [
      ...drivers(choice).flatMap((driver) =>
        crossed(
          choice,
          workload,
          byMode(...MODES.filter((mode) => mode !== 'none')).map((row) => faultline(row, driver)),
          [1.5, 3],
          [2],
        ),
      ),
      ...floor(choice, workload),
    ]),
  markers: (choice) =>
    among(choice, ['gcbench', 'graph'], ['gcbench']).flatMap((workload) => [
      ...crossed(
        choice,
        workload,
        MARKERS.map((marker) => faultline({ ...DEFAULT_ROW, marker })),
        [1.5, 3],
        [2],
      ),
      ...floor(choice, workload),
    ]),
  'fault-around': (choice) =>
    among(choice, ['gcbench', 'lru', 'graph'], ['gcbench']).flatMap((workload) =>
      crossed(
        choice,
        workload,
        FAULT_AROUND_PAGES.map((faultAroundPages) => faultline({ ...DEFAULT_ROW, faultAroundPages })),
        [2],
        [2],
      ),
    ),
  'heap-sweep': (choice) =>
    among(choice, ['gcbench', 'binary-trees', 'allocation-rate', 'graph', 'documents', 'replay'], ['gcbench', 'binary-trees']).flatMap(
      (workload) => [
        ...crossed(choice, workload, [...byMode('sigbus', 'stw').map((row) => faultline(row)), V8], HEAP_FACTORS, [1.5, 3]),
        ...floor(choice, workload),
      ],
    ),
  latency: (choice) => {
    const systems = [
      ...byMode(...pick<Mode>(choice, ['sigbus', 'thread', 'load-barrier', 'stw'], ['sigbus', 'stw'])).map((row) => faultline(row)),
      V8,
    ];
    return [0, ...pick(choice, RATES, QUICK_RATES)].flatMap((rate) => {
      const knobs: Record<string, number> =
        rate === 0 ? {} : { [RATE]: rate, requests: rate * (choice.quick ? QUICK_RATE_SECONDS : RATE_SECONDS) };
      return [...crossed(choice, 'lru', systems, [3], [3], knobs), ...floor(choice, 'lru', knobs)];
    });
  },
  fragmentation: (choice) => {
    const peers = peersOf('fragmentation', choice).filter(({ system }) => system !== 'openjdk-epsilon');
    return crossed(choice, 'fragmentation', [...byMode('sigbus', 'stw').map((row) => faultline(row)), V8, ...peers], [3], [3]);
  },
  peers: (choice) =>
    among(
      choice,
      WORKLOADS.filter(({ peers }) => peers.length > 0).map(({ name }) => name),
      ['gcbench'],
    ).flatMap((workload) => {
      const peers = peersOf(workload, choice);
      const limited = peers.filter(({ system }) => !isUnlimited(system));
      return [
        ...crossed(choice, workload, [faultline(DEFAULT_ROW), V8, ...limited], [1.5, 2, 3, 4], [3]),
        ...floor(choice, workload, {}, [NONE, ...peers.filter(({ system }) => isUnlimited(system))]),
      ];
    }),
  'a-a': (choice) => {
    const [point] = crossed(choice, 'gcbench', [faultline(DEFAULT_ROW)], [3], [3]);
    return point === undefined
      ? []
      : [
          { ...point, arm: 'a' },
          { ...point, arm: 'b' },
        ];
  },
};

function crossed(
  choice: SuiteChoice,
  workload: string,
  systems: readonly System[],
  factors: readonly number[],
  quickFactors: readonly number[],
  knobs: Readonly<Record<string, number>> = {},
): Point[] {
  return (choice.heapFactors ?? pick(choice, factors, quickFactors)).flatMap((factor) =>
    systems.map((system) => ({ suites: [], configuration: configurationOf(choice, workload, system, knobs), heap: { factor } })),
  );
}

/** The same with nothing ever collected, in a heap that is large enough for that. */
function floor(choice: SuiteChoice, workload: string, knobs: Readonly<Record<string, number>> = {}, systems = [NONE]): Point[] {
  const heap = choice.quick ? QUICK_LARGE : LARGE;
  return systems.map((system) => ({ suites: [], configuration: configurationOf(choice, workload, system, knobs), heap }));
}

/** Peers that collect nothing: a limit of their heap would only end them, or means nothing to them. */
function isUnlimited(system: string): boolean {
  return system === 'openjdk-epsilon' || system.startsWith('malloc-');
}

function configurationOf(
  choice: SuiteChoice,
  workload: string,
  system: System,
  knobs: Readonly<Record<string, number>>,
): Point['configuration'] {
  const parameters = { ...(choice.quick ? workloadRow(workload).quick : {}), ...knobs };
  return { workload, parameters, ...system, mutators: MUTATORS };
}

function peersOf(workload: string, { quick }: SuiteChoice): System[] {
  const systems = workloadRow(workload).peers;
  return (quick ? systems.filter((name) => QUICK_PEERS.includes(name)) : systems).map(peer);
}

function drivers({ quick }: SuiteChoice): Configuration['driver'][] {
  return quick ? ['native'] : ['native', 'javascript'];
}

const pick = <T>({ quick }: SuiteChoice, full: readonly T[], small: readonly T[]): readonly T[] => (quick ? small : full);
const among = (choice: SuiteChoice, full: readonly string[], small: readonly string[]): readonly string[] => pick(choice, full, small);
