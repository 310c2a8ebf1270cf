/**
 * Points: an experiment multiplied out. Pure: the same choice gives the same points in the same order.
 *
 * Where overheads are wanted, each workload also gets the floors of the programs that are compared: they belong to every choice, a filter
 * does not take them away.
 */
import { PEERS } from '../peers/systems.ts';
import { WORKLOADS } from '../workloads/index.ts';
import type { Configuration } from './contract.ts';
import type { Axes, Experiment, Row } from './experiment.ts';
import { isFloor, programOf } from './floors.ts';
import { DEFAULT_ROW, RATE } from './matrix.ts';
import { type HeapSize, keyOf, labelOf, type Point } from './point.ts';

export interface Choice {
  readonly quick: boolean;
  /** Instead of the file's own multiples of the minimum heap. */
  readonly heapFactors?: readonly number[];
  /** Keeps the points whose label it matches. */
  readonly filter?: RegExp;
}

/** Of an experiment and of those that it includes. Points that several ask for come once, with all their names. */
export function pointsOf(experiment: Experiment, choice: Choice): Point[] {
  const byKey = new Map<string, Point>();
  const add = (point: Point): void => {
    const known = byKey.get(keyOf(point));
    byKey.set(keyOf(point), known === undefined ? point : { ...known, suites: [...new Set([...known.suites, ...point.suites])] });
  };
  for (const part of [experiment, ...experiment.parts]) {
    const own = part.rows.flatMap((row) => pointsOfRow(row, part, choice));
    const kept = own.filter((point) => choice.filter?.test(labelOf(point)) ?? true);
    for (const point of [...kept, ...(part.overhead ? kept.flatMap(floorsOf) : [])]) add({ ...point, suites: [part.name] });
  }
  return [...byKey.values()];
}

function pointsOfRow(row: Row, { arms }: Experiment, choice: Choice): Point[] {
  if (choice.quick && row.quick === false) return [];
  const { quick, ...full } = row;
  const axes = choice.quick ? { ...full, ...(quick || {}) } : full;
  const own = multiplied(axes, choice);
  const names = Object.keys(arms);
  if (names.length === 0) return own;
  return own.flatMap((base) =>
    names.flatMap((arm, armIndex) => {
      const changed = multiplied({ ...axes, ...only(base), ...merged(axes, arms[arm]!) }, { quick: choice.quick });
      return changed.map((point) => ({ ...point, arm, armIndex, pair: keyOf(base) }));
    }),
  );
}

/** The axes that make one point, so that an arm can change some of them. */
function only({ configuration, heap }: Point): Partial<Axes> {
  const { workload, system, driver, barrier, mutators, parameters } = configuration;
  return {
    ...{ workload: [workload], system: [system], driver: [driver], heap: [heap], mutators: [mutators] },
    ...(RATE in parameters ? { rate: [Number(parameters[RATE])] } : {}),
    ...(barrier === undefined
      ? {}
      : { mode: [barrier.mode] as Axes['mode'], marker: [barrier.marker], faultAround: [barrier.faultAroundPages] as Axes['faultAround'] }),
  };
}

/** Options, variables and knobs of an arm come to those of the row. */
function merged(axes: Axes, arm: Axes): Axes {
  return {
    ...arm,
    ...(arm.knobs === undefined ? {} : { knobs: { ...axes.knobs, ...arm.knobs } }),
    ...(arm.options === undefined ? {} : { options: { ...axes.options, ...arm.options } }),
    ...(arm.environment === undefined ? {} : { environment: { ...axes.environment, ...arm.environment } }),
  };
}

function multiplied(axes: Axes, choice: Choice): Point[] {
  const { workload: workloads = WORKLOADS.keys(), system: systems = ['faultline'], mutators = [1], rate: rates = [undefined] } = axes;
  return product(
    [...workloads], systems, axes.driver ?? ['native' as const], axes.mode ?? [DEFAULT_ROW.mode], axes.marker ?? [DEFAULT_ROW.marker],
    axes.faultAround ?? [DEFAULT_ROW.faultAroundPages], heapsOf(axes, choice), mutators, rates, choices(axes.knobs), choices(axes.options),
    choices(axes.environment), axes.pin ?? [undefined], axes.build ?? [undefined],
  ).flatMap(([workload, system, driver, mode, marker, faultAroundPages, heap, count, rate, knobs, options, environment, pin, build]): Point[] => {
    if (!isAble(system, workload, count)) return [];
    const isOurs = system === 'faultline';
    const configuration: Point['configuration'] = {
      workload,
      parameters: { ...(choice.quick ? WORKLOADS.get(workload)!.quick : {}), ...knobs, ...paced(workload, rate, axes.seconds) },
      system,
      driver: isOurs ? driver : system === 'v8' ? 'javascript' : 'native',
      ...(isOurs ? { barrier: { mode, marker, faultAroundPages } } : {}),
      mutators: count,
      ...(isOurs && Object.keys(options).length > 0 ? { options } : {}),
      ...(Object.keys(environment).length > 0 ? { environment } : {}),
      ...(pin === undefined ? {} : { pin }),
      ...(build === undefined || build === '.' ? {} : { build }),
    };
    return [{ suites: [], configuration, heap }];
  });
}

/** An open loop of some seconds has as many operations as begin in them. */
function paced(workload: string, rate: number | undefined, seconds: number | undefined): Record<string, number> {
  if (!rate) return {};
  const { defaults } = WORKLOADS.get(workload)!;
  const length = 'requests' in defaults ? 'requests' : 'operations';
  return { [RATE]: rate, ...(seconds === undefined ? {} : { [length]: Math.round(rate * seconds) }) };
}

function heapsOf({ heap = [{ factor: 2 }] }: Axes, { heapFactors }: Choice): readonly HeapSize[] {
  if (heapFactors === undefined) return heap;
  const sizes = heap.filter((size) => !('factor' in size));
  return sizes.length < heap.length ? [...heapFactors.map((factor) => ({ factor })), ...sizes] : sizes;
}

/** A peer is asked for what it has. */
function isAble(system: string, workload: string, mutators: number): boolean {
  const peer = PEERS.get(system);
  return peer === undefined || (peer.workloads.includes(workload) && mutators <= (peer.mutatorsMost ?? Number.POSITIVE_INFINITY));
}

/** The rows without a collector of the program that a point runs, on the same workload. */
function floorsOf({ configuration, pair: _, arm: __, armIndex: ___, ...point }: Point): Point[] {
  const { workload, parameters, mutators, environment, pin } = configuration;
  const common = { workload, parameters, mutators, ...(environment ? { environment } : {}), ...(pin ? { pin } : {}) };
  const none = { system: 'faultline', barrier: { ...DEFAULT_ROW, mode: 'none' } };
  const all: Omit<Configuration, 'heapBytes' | 'seed'>[] = [
    { ...common, ...none, driver: 'native' },
    { ...common, ...none, driver: 'javascript' },
    { ...common, system: 'malloc-mimalloc', driver: 'native' },
    { ...common, system: 'openjdk-epsilon', driver: 'native' },
  ];
  const own = programOf(configuration);
  return all
    .filter((floor) => programOf(floor) === own && isFloor(floor) && isAble(floor.system, workload, mutators))
    .map((floor) => ({ ...point, configuration: floor, heap: { floor: true } }));
}

/** Every choice of one value for each name. */
function choices<T>(settings: Readonly<Record<string, readonly T[] | undefined>> = {}): Record<string, T>[] {
  return Object.entries(settings).reduce<Record<string, T>[]>(
    (all, [name, values = []]) => all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value }))),
    [{}],
  );
}

type Elements<T extends readonly (readonly unknown[])[]> = { [I in keyof T]: T[I][number] };

function product<T extends readonly (readonly unknown[])[]>(...lists: T): Elements<T>[] {
  return lists.reduce<unknown[][]>((all, list) => all.flatMap((tuple) => list.map((item) => [...tuple, item])), [[]]) as Elements<T>[];
}
