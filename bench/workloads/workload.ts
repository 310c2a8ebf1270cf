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

/** Tables that main reads once and all threads share. */
export type Material = Readonly<Record<string, Uint32Array>> & {
  readonly firstEdge: Uint32Array;
  readonly edgeTarget: Uint32Array;
  readonly selfBytes: Uint32Array;
};

/** How many steps are taken before the measured part, and in it. */
export interface Plan {
  readonly warmUp: number;
  readonly operations: number;
  /** Steps after which the workload does the same again. */
  readonly iteration?: number;
  /** Where the workload's own knobs set the pace; else the parameter of that name does. */
  readonly operationsPerSecond?: number;
}

/** Operations of one mutator that begin in a second; 0: a closed loop. */
export function rateOf(plan: Plan, parameters: Parameters): number {
  return plan.operationsPerSecond || knob(parameters, 'operationsPerSecond');
}

/** Parameters that are text, by name. */
export type Texts = Readonly<Record<string, string | undefined>>;

export interface Workload {
  readonly name: string;
  /** The unit of `operations`, in the plural. */
  readonly unit: string;
  /**
   * Every knob and its default; those that `bench/invocation.ts` adds to all of them are in {@link COMMON_DEFAULTS}. Sizes are
   * bytes, times as the name says.
   */
  readonly defaults: Parameters;
  /** Knobs with which an invocation takes about a second, for `--quick`. */
  readonly quick: Parameters;
  /** Named sets of knobs, chosen by the parameter `preset`. */
  readonly presets?: Readonly<Record<string, Parameters>>;
  /** Whether an operation is a request whose latency is recorded. */
  readonly hasRequests: boolean;
  /**
   * Requests a second that only read, which its mutators go on with while main collects once after the measured part; absent: they wait
   * parked.
   */
  readonly looksPerSecond?: number;
  /** Parameters that are text; any of them may be left out. */
  readonly texts?: readonly string[];
  /** In the main thread, before mutators are started. */
  prepare?(texts: Texts): Promise<Material>;
  plan(parameters: Parameters): Plan;
  onHeap(mutator: BenchMutator, parameters: Parameters, seed: number, material: Material | undefined): Work;
  plain(parameters: Parameters, seed: number, material: Material | undefined): Work;
}

/** Knobs of every workload. */
export const COMMON_DEFAULTS: Parameters = {
  /** Starts of requests a second and mutator at a fixed schedule (open loop); 0: each follows the one before (closed loop). */
  operationsPerSecond: 0,
  /** After so many measured operations live values are spoilt, to see that checks can fail; 0: never. */
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
  /** A request that only reads, and counts mismatches but no checks: how many there are depends on the clock. Not a safepoint. */
  look(): void {}
  /** Checks everything that is alive, and adds it to the checksum. */
  abstract verify(): void;
  /** Spoils live values, in such a way that a later check must find one and nothing else goes wrong. */
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

/** A configuration asks for something that there is not. */
export class SettingsError extends RangeError {
  readonly code = 'unsupported';
}

/** What a configuration says, with defaults and the preset filled in. Throws {@link SettingsError} for what the workload does not have. */
export function settingsOf(workload: Workload, given: Readonly<Record<string, number | string>>): { parameters: Parameters; texts: Texts } {
  const { preset, ...own } = given;
  const chosen = preset === undefined ? {} : workload.presets?.[preset];
  if (chosen === undefined) throw new SettingsError(`${workload.name} has no preset ${JSON.stringify(preset)}`);
  const parameters: Record<string, number> = { ...COMMON_DEFAULTS, ...workload.defaults, ...chosen };
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (workload.texts?.includes(name)) {
      texts[name] = String(value);
      continue;
    }
    if (!(name in parameters)) {
      throw new SettingsError(`${workload.name} has no parameter ${name}; it has ${Object.keys(parameters).join(', ')}`);
    }
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new SettingsError(`${workload.name}.${name} must be a number, 0 or more, not ${JSON.stringify(value)}`);
    }
    parameters[name] = value;
  }
  return { parameters, texts };
}

/** A knob that is known to be there. */
export function knob(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (value === undefined) throw new RangeError(`there is no parameter ${name}`);
  return value;
}
