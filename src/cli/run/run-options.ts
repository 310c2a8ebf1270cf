/**
 * Run options: the options of `faultline run`, as text from the command line and as checked values.
 */
import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { argumentRangeError } from '../../errors.ts';
import { FAULT_MODES } from '../../gc/fault-modes.ts';
import type { RequestedFaultMode } from '../../gc/fault-mode-choice.ts';
import { MARKERS, type RequestedMarker } from '../../gc/markers.ts';
import { type HeapOptions, resolveOptions } from '../../options.ts';

/** The modes that a run can use: those that collect and need no barrier for loads, because its threads load references without one. */
const RUN_MODES = ['auto', ...FAULT_MODES.flatMap(({ mode, collects, barrieredLoads }) => (collects && !barrieredLoads ? [mode] : []))];

/** Ways to damage the graph after loading, so that a test can see that a run notices. */
const CORRUPTIONS = ['identity', 'slot', 'payload', 'lost'] as const;
export type Corruption = (typeof CORRUPTIONS)[number];

export interface RunOptions {
  readonly seconds: number;
  readonly mutators: number;
  readonly workers: number | undefined;
  /** `auto`, or a size such as `512M`. */
  readonly heap: string;
  readonly fault: RequestedFaultMode;
  readonly workerNiceness: number | undefined;
  readonly faultAround: number | undefined;
  readonly marker: RequestedMarker;
  readonly seed: number;
  readonly json: boolean;
  readonly verify: boolean;
  readonly corrupt: Corruption | undefined;
}

const MAX_SECONDS = 7 * 24 * 3600;
const MAX_MUTATORS = 64;
const MAX_SEED = 2 ** 31 - 1;
/** The heap's own option names, as the command line spells them. */
const SPELLINGS: Readonly<Record<string, string>> = {
  capacityBytes: '--heap',
  faultAroundPages: '--fault-around',
  workers: '--workers',
  workerNiceness: '--worker-niceness',
  fault: '--fault',
  marker: '--marker',
};

export function addRunOptions(command: Command): Command {
  return command
    .argument('[INPUT]', 'a V8 heap snapshot, .gz too, or - for standard input; without it, one of a sample program is taken')
    .option('--seconds <n>', 'how long the mutator threads work', '10')
    .option('--mutators <n>', 'mutator threads, 1 to 64', '2')
    .option('--workers <n>', 'GC workers, 0 to 62 (default: one less than the CPUs, between 1 and 4)')
    .option('--worker-niceness <n>', 'how much they step back for other threads, 0 to 19 (default: 0)')
    .option('--heap <size>', 'capacity such as 512M or 4G, or auto: about 2.2 times the graph', 'auto')
    .option('--fault <mode>', `how early touches are held: ${RUN_MODES.join(', ')}`, 'auto')
    .option('--fault-around <pages>', 'pages shown at a fault, a power of two up to 64 (default: adaptive)')
    .option('--marker <name>', `how live objects are found: auto, ${MARKERS.join(', ')}`, 'auto')
    .option('--seed <n>', 'seed of everything random (default: a new one, which is printed)')
    .option('--json', 'print one JSON object on standard output, and nothing else there')
    .option('--verify', 'walk the whole heap after every marking too, inside the pause')
    .addOption(new Option('--corrupt <kind>').hideHelp());
}

/** Checks everything that can be checked before the input is read. Throws ERR_OPTION. */
export function runOptions(text: Readonly<Record<string, unknown>>): RunOptions {
  const options: RunOptions = {
    seconds: number(text, 'seconds', 0.1, MAX_SECONDS),
    mutators: integer(text, 'mutators', 1, MAX_MUTATORS),
    workers: text['workers'] === undefined ? undefined : integer(text, 'workers', 0, 62),
    workerNiceness: text['workerNiceness'] === undefined ? undefined : integer(text, 'worker-niceness', 0, 19),
    heap: String(text['heap']),
    fault: oneOf('--fault', RUN_MODES, text['fault']) as RequestedFaultMode,
    faultAround: text['faultAround'] === undefined ? undefined : integer(text, 'fault-around', 1, 64),
    marker: text['marker'] as RequestedMarker,
    seed: text['seed'] === undefined ? randomInt(1, MAX_SEED) : integer(text, 'seed', 0, MAX_SEED),
    json: text['json'] === true,
    verify: text['verify'] === true,
    corrupt: oneOf('--corrupt', CORRUPTIONS, text['corrupt']),
  };
  try {
    resolveOptions(heapOptions(options, options.heap === 'auto' ? 2 ** 20 : options.heap));
  } catch (error) {
    throw asSpelled(error);
  }
  return options;
}

export function heapOptions(options: RunOptions, capacityBytes: number | string): HeapOptions {
  return {
    capacityBytes,
    fault: options.fault,
    marker: options.marker,
    verify: options.verify,
    trackUtilization: true,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.workerNiceness === undefined ? {} : { workerNiceness: options.workerNiceness }),
    ...(options.faultAround === undefined ? {} : { faultAroundPages: options.faultAround }),
  };
}

/** The command that repeats the run. */
export function commandOf(input: string | undefined, options: RunOptions): string {
  const words = ['faultline run', ...(input === undefined ? [] : [JSON.stringify(input)])];
  words.push(`--seconds ${options.seconds}`, `--mutators ${options.mutators}`, `--fault ${options.fault}`);
  if (options.workers !== undefined) words.push(`--workers ${options.workers}`);
  if (options.workerNiceness !== undefined) words.push(`--worker-niceness ${options.workerNiceness}`);
  if (options.heap !== 'auto') words.push(`--heap ${options.heap}`);
  if (options.faultAround !== undefined) words.push(`--fault-around ${options.faultAround}`);
  if (options.marker !== 'auto') words.push(`--marker ${options.marker}`);
  if (options.verify) words.push('--verify');
  return [...words, `--seed ${options.seed}`].join(' ');
}

function number(text: Readonly<Record<string, unknown>>, name: string, least: number, most: number): number {
  const given = valueOf(text, name);
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (!(value >= least && value <= most)) throw argumentRangeError(`--${name}`, `a number from ${least} to ${most}`, given);
  return value;
}

function integer(text: Readonly<Record<string, unknown>>, name: string, least: number, most: number): number {
  const given = valueOf(text, name);
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < least || value > most) {
    throw argumentRangeError(`--${name}`, `an integer from ${least} to ${most}`, given);
  }
  return value;
}

/** Commander spells `--fault-around` as `faultAround`. */
function valueOf(text: Readonly<Record<string, unknown>>, name: string): string {
  return String(text[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]);
}

function oneOf<T extends string>(option: string, values: readonly T[], given: unknown): T | undefined {
  if (given === undefined || values.includes(given as T)) return given as T | undefined;
  throw argumentRangeError(option, `one of ${values.join(', ')}`, given);
}

function asSpelled(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  error.message = error.message.replace(/^\w+/, (name) => SPELLINGS[name] ?? name);
  return error;
}
