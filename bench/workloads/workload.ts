/**
 * Workload: what a benchmark program does, apart from the memory it does it on.
 *
 * Each exists three times with the same logic, the same random numbers, the same checks and the same final checksum for the same
 * seed: for mutators in JavaScript on a Faultline heap (by raw access, as a language runtime would do it), for plain JavaScript
 * objects, and in C++ (native/bench). Every mutator has data of its own: parameters are per mutator.
 */
import type { BenchMutator } from './bench-mutator.ts';
import { mixed } from './random.ts';

/** The knobs of a workload, with its defaults filled in. */
export type Parameters = Readonly<Record<string, number>>;

/** How many steps are taken before the measured part, and in it. */
export interface Plan {
  readonly warmUp: number;
  readonly operations: number;
  /** Where the workload's own knobs set the pace; else the parameter of that name does. */
  readonly operationsPerSecond?: number;
}

/** Operations of one mutator that begin in a second; 0: a closed loop. */
export function rateOf(plan: Plan, parameters: Parameters): number {
  return plan.operationsPerSecond || knob(parameters, 'operationsPerSecond');
}

export interface Workload {
  readonly name: string;
  /** The unit of `operations`, in the plural. */
  readonly unit: string;
  /**
   * Every knob and its default; those that `bench/invocation.ts` adds to all of them are in {@link COMMON_DEFAULTS}. Sizes are
   * bytes, times as the name says.
   */
  readonly defaults: Parameters;
  /** Named sets of knobs, chosen by the parameter `preset`. */
  readonly presets?: Readonly<Record<string, Parameters>>;
  /** Whether an operation is a request whose latency is recorded. */
  readonly hasRequests: boolean;
  plan(parameters: Parameters): Plan;
  onHeap(mutator: BenchMutator, parameters: Parameters, seed: number): Work;
  plain(parameters: Parameters, seed: number): Work;
}

/** Knobs of every workload. */
export const COMMON_DEFAULTS: Parameters = {
  /** Starts of requests a second and mutator at a fixed schedule (open loop); 0: each follows the one before (closed loop). */
  operationsPerSecond: 0,
  /** After so many measured operations one live value is spoilt, to see that checks can fail; 0: never. */
  corruptAt: 0,
};

/** What one mutator does, step by step. */
export abstract class Work {
  /** Comparisons of live data with what it must be. */
  checks = 0;
  mismatches = 0;
  /** 32 bits that depend on everything the work has seen; the same in every implementation. */
  checksum = 0;

  /** Makes what lives long. A safepoint. */
  abstract build(): void;
  /** One operation. A safepoint; no raw reference outlives it. */
  abstract step(index: number): void;
  /** Checks everything that is alive, and adds it to the checksum. */
  abstract verify(): void;
  /** Spoils one live value that a later check must find. */
  abstract corrupt(): void;
  /** What the workload itself counts as alive, in bytes; 0 where it does not. */
  liveBytes(): number {
    return 0;
  }

  protected check(right: boolean): void {
    this.checks++;
    if (!right) this.mismatches++;
  }

  /** Adds a 32-bit number to the checksum. */
  protected add(value: number): void {
    this.checksum = mixed(this.checksum ^ value);
  }
}

/** Fills in defaults and a preset. Throws RangeError for a knob or a preset that does not exist. */
export function withDefaults(workload: Workload, given: Readonly<Record<string, number | string>>): Parameters {
  const { preset, ...numbers } = given;
  const chosen = preset === undefined ? {} : workload.presets?.[preset];
  if (chosen === undefined) throw new RangeError(`${workload.name} has no preset ${JSON.stringify(preset)}`);
  const parameters: Record<string, number> = { ...COMMON_DEFAULTS, ...workload.defaults, ...chosen };
  for (const [name, value] of Object.entries(numbers)) {
    if (!(name in parameters)) throw new RangeError(`${workload.name} has no parameter ${name}; it has ${Object.keys(parameters).join(', ')}`);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new RangeError(`${workload.name}.${name} must be a number, 0 or more, not ${JSON.stringify(value)}`);
    }
    parameters[name] = value;
  }
  return parameters;
}

/** A knob that is known to be there. */
export function knob(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (value === undefined) throw new RangeError(`there is no parameter ${name}`);
  return value;
}
