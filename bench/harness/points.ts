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
import { choices } from './products.ts';

/** The defaults of a row. */
const AS_IT_COMES = {
  ...{ workload: [...WORKLOADS.keys()], system: ['faultline'], driver: ['native'], mode: [DEFAULT_ROW.mode], marker: [DEFAULT_ROW.marker] },
  ...{ faultAround: [DEFAULT_ROW.faultAroundPages], heap: [{ factor: 2 }], mutators: [1] },
} satisfies Record<string, readonly unknown[]>;

export interface Choice {
  readonly quick: boolean;
  /** Instead of the file's own multiples of the minimum heap. */
  readonly heapFactors?: readonly number[];
  /** Keeps the points whose label it matches; of arms all, if it matches one. */
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
    const matched = own.filter((point) => choice.filter?.test(labelOf(point)) ?? true);
    const kept = new Set(matched.map((point) => point.pair ?? keyOf(point)));
    const chosen = own.filter((point) => kept.has(point.pair ?? keyOf(point)));
    for (const point of [...chosen, ...(part.overhead ? chosen.flatMap(floorsOf) : [])]) add({ ...point, suites: [part.name] });
  }
  return [...byKey.values()];
}

/** An arm has the same rows as the others but for what it changes, each beside theirs. */
function pointsOfRow(row: Row, { arms }: Experiment, choice: Choice): Point[] {
  if (choice.quick && row.quick === false) return [];
  const { quick, ...full } = row;
  const all = singlesOf(choice.quick ? { ...full, ...(quick || {}) } : full, choice);
  const names = Object.keys(arms);
  if (names.length === 0) return all.flatMap((one) => pointOf(one, choice));
  return all.flatMap((base) =>
    pointOf(base, choice).flatMap((common) =>
      names.flatMap((arm, armIndex) =>
        pointOf(changed(base, arms[arm]!), choice).map((point) => ({ ...point, arm, armIndex, pair: keyOf(common) })),
      ),
    ),
  );
}

type Lists = Omit<Axes, 'knobs' | 'options' | 'environment' | 'seconds'>;

/** One value of every axis, or none where it has none. */
type Single = Pick<Axes, 'seconds'> & { readonly [Axis in keyof Lists]?: NonNullable<Lists[Axis]>[number] } & {
  readonly knobs: Configuration['parameters'];
  readonly options: NonNullable<Configuration['options']>;
  readonly environment: NonNullable<Configuration['environment']>;
};

function singlesOf({ knobs, options, environment, seconds, ...lists }: Axes, choice: Choice): Single[] {
  const all = { ...AS_IT_COMES, ...lists, heap: heapsOf(lists, choice) };
  return choices<unknown>(all).flatMap((one) =>
    choices(knobs).flatMap((knob) =>
      choices(options).flatMap((option) =>
        choices(environment).map((variable) => ({ ...one, seconds, knobs: knob, options: option, environment: variable }) as Single),
      ),
    ),
  );
}

/** Options, variables and knobs of an arm come to those of the row. */
function changed(base: Single, arm: Axes): Single {
  const [own] = singlesOf(arm, { quick: false }) as [Single];
  const named = Object.fromEntries(Object.entries(own).filter(([axis]) => axis in arm));
  const { knobs, options, environment } = own;
  return {
    ...base,
    ...named,
    ...{
      knobs: { ...base.knobs, ...knobs },
      options: { ...base.options, ...options },
      environment: { ...base.environment, ...environment },
    },
  };
}

/** None where a system does not have the workload. */
function pointOf(single: Single, { quick }: Pick<Choice, 'quick'>): Point[] {
  const { workload, system, driver, mode, marker, faultAround, heap, mutators, rate, seconds, knobs, options, environment, pin, build } =
    single as Single & Required<Pick<Single, keyof typeof AS_IT_COMES>>;
  if (!isAble(system, workload, mutators)) return [];
  const isOurs = system === 'faultline';
  const configuration: Point['configuration'] = {
    workload,
    parameters: { ...(quick ? WORKLOADS.get(workload)!.quick : {}), ...knobs, ...paced(workload, rate, seconds) },
    system,
    driver: isOurs ? driver : system === 'v8' ? 'javascript' : 'native',
    ...(isOurs ? { barrier: { mode, marker, faultAroundPages: faultAround } } : {}),
    mutators,
    ...(isOurs && Object.keys(options).length > 0 ? { options } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
    ...(pin === undefined ? {} : { pin }),
    ...(build === undefined || build === '.' ? {} : { build }),
  };
  return [{ suites: [], configuration, heap }];
}

/** An open loop of some seconds has as many operations as begin in them. */
function paced(workload: string, rate: number | undefined, seconds: number | undefined): Record<string, number> {
  if (!rate) return {};
  const { defaults } = WORKLOADS.get(workload)!;
  const length = 'requests' in defaults ? 'requests' : 'operations';
  return { [RATE]: rate, ...(seconds === undefined ? {} : { [length]: Math.round(rate * seconds) }) };
}

function heapsOf({ heap = AS_IT_COMES.heap }: Axes, { heapFactors }: Choice): readonly HeapSize[] {
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
