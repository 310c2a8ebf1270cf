/**
 * Bench options: what `faultline bench` can be told, as text from the command line and as checked values.
 */
import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { argumentRangeError } from '../../errors.ts';

/** The same list as in bench/harness/matrix.ts, which the package does not have. */
export const BENCH_SUITES = [
  'barriers',
  'markers',
  'fault-around',
  'heap-sweep',
  'latency',
  'fragmentation',
  'peers',
  'a-a',
  'all',
] as const;

/** bench/harness/options.ts has the same, with what each means. */
export interface BenchRequest {
  readonly suite: (typeof BENCH_SUITES)[number];
  readonly quick: boolean;
  readonly filter?: string;
  readonly invocations: number;
  readonly heapFactors?: readonly number[];
  readonly seed: number;
  readonly out: string;
  readonly resume: boolean;
  readonly json: boolean;
  readonly program?: string;
}

const INVOCATIONS = 10;
const QUICK_INVOCATIONS = 2;
/** Two rows only, and the interval is to be narrower than 1 %. */
const A_A_INVOCATIONS = 100;
const MAX_INVOCATIONS = 1000;
const MAX_FACTOR = 100;
const MAX_SEED = 2 ** 31 - 1 - MAX_INVOCATIONS;

export function addBenchOptions(command: Command): Command {
  return command
    .argument('[SUITE]', `what to measure: ${BENCH_SUITES.join(', ')}`, 'all')
    .option('--quick', 'toy sizes and few invocations, two minutes at most: shows that everything works, measures nothing')
    .option('--filter <pattern>', 'only rows that a regular expression matches, such as "gcbench .* sigbus"')
    .option('--invocations <n>',
      `processes a row, 1 to ${MAX_INVOCATIONS} (default: ${INVOCATIONS}, for a-a ${A_A_INVOCATIONS}, with --quick ${QUICK_INVOCATIONS})`,
    )
    .option('--heap-factors <list>', 'multiples of the minimum heap, such as 1.5,2,3 (default: those of the suite)')
    .option('--resume', 'go on with the results in --out, by the options they were begun with')
    .option('--seed <n>', 'seed of the workloads, of the order and of the statistics (default: a new one, which is printed)')
    .option('--out <folder>', 'folder of results (default: build/bench-results/SUITE, or SUITE-quick)')
    .option('--json', 'print one JSON object on standard output, and nothing else there')
    .addOption(new Option('--program <file>').hideHelp());
}

/** Checks everything that can be checked before anything is loaded. Throws ERR_OPTION. */
export function benchRequest(suite: string | undefined, text: Readonly<Record<string, unknown>>): BenchRequest {
  const name = suite ?? 'all';
  if (!isSuite(name)) throw argumentRangeError('SUITE', `one of ${BENCH_SUITES.join(', ')}`, name);
  const quick = text['quick'] === true;
  const invocations =
    text['invocations'] === undefined
      ? quick
        ? QUICK_INVOCATIONS
        : name === 'a-a'
          ? A_A_INVOCATIONS
          : INVOCATIONS
      : integer('--invocations', text['invocations'], 1, MAX_INVOCATIONS);
  return {
    ...{ suite: name, quick, invocations },
    ...(text['filter'] === undefined ? {} : { filter: pattern(String(text['filter'])) }),
    ...(text['heapFactors'] === undefined ? {} : { heapFactors: factors(String(text['heapFactors'])) }),
    ...(text['program'] === undefined ? {} : { program: String(text['program']) }),
    seed: text['seed'] === undefined ? randomInt(1, MAX_SEED) : integer('--seed', text['seed'], 0, MAX_SEED),
    out: text['out'] === undefined ? `build/bench-results/${name}${quick ? '-quick' : ''}` : String(text['out']),
    resume: text['resume'] === true,
    json: text['json'] === true,
  };
}

function isSuite(name: string): name is BenchRequest['suite'] {
  return BENCH_SUITES.includes(name as BenchRequest['suite']);
}

function pattern(text: string): string {
  try {
    return new RegExp(text).source;
  } catch {
    throw argumentRangeError('--filter', 'a regular expression', text);
  }
}

function factors(text: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every((value) => value >= 1 && value <= MAX_FACTOR)) {
    throw argumentRangeError('--heap-factors', `numbers from 1 to ${MAX_FACTOR} with commas between them`, text);
  }
  return [...new Set(values)].sort((a, b) => a - b);
}

function integer(option: string, given: unknown, least: number, most: number): number {
  const text = String(given);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw argumentRangeError(option, `an integer from ${least} to ${most}`, text);
  return value;
}
