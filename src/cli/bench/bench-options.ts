/**
 * Bench options: the options of `faultline bench`, as text from the command line and as checked values.
 */
import { type Command, Option } from 'commander';
import { argumentRangeError } from '../../errors.ts';

/** bench/harness/options.ts has the same, with the meaning of each. Options that were not given are absent. */
export interface BenchRequest {
  readonly experiment?: string;
  readonly against?: string;
  readonly quick: boolean;
  readonly filter?: string;
  readonly invocations?: number;
  readonly heapFactors?: readonly number[];
  readonly seed?: number;
  readonly out?: string;
  readonly resume: boolean;
  readonly add: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly minimumHeaps?: string;
  readonly program?: string;
}

const MAX_INVOCATIONS = 1000;
const MAX_FACTOR = 100;
const MAX_SEED = 2 ** 31 - 1 - MAX_INVOCATIONS;
/** Options that are passed on as text. */
const TEXTS = ['against', 'out', 'minimumHeaps', 'program'] as const;

export function addBenchOptions(command: Command): Command {
  return command
    .argument('[EXPERIMENT]', 'a YAML file, or one of bench/experiments: barriers, peers, a-a, … (default: all)')
    .option('--against <commit>', 'run the rows in another tree too (a commit, or a folder), in pairs, and compare')
    .option('--quick', 'toy sizes and few invocations, two minutes at most: shows that everything works, measures nothing')
    .option('--dry-run', 'print the rows and about how long they take, and run nothing')
    .option('--filter <pattern>', 'only rows that a regular expression matches, such as "gcbench .* sigbus"')
    .option('--invocations <n>', `processes a row, 1 to ${MAX_INVOCATIONS} (default: the experiment's, or 10; with --quick 2)`)
    .option('--heap-factors <list>', 'multiples of the minimum heap, such as 1.5,2,3 (default: those of the experiment)')
    .option('--resume', 'go on with the results in --out, by the options they were begun with')
    .option('--add', 'add the rows of this experiment, or more invocations, to the results in --out')
    .option('--seed <n>', 'seed of the workloads, of the order and of the statistics (default: a new one, which is printed)')
    .option('--out <folder>', 'folder of results (default: build/bench-results/NAME, or NAME-quick)')
    .option('--minimum-heaps <file>', 'where minimum heaps are kept (default: build/bench-results/minimum-heaps.json)')
    .option('--json', 'print one JSON object on standard output, and nothing else there')
    .addOption(new Option('--program <file>').hideHelp());
}

/** Checks everything that can be checked before anything is loaded. Throws ERR_OPTION. */
export function benchRequest(experiment: string | undefined, text: Readonly<Record<string, unknown>>): BenchRequest {
  const said = (name: string): boolean => text[name] === true;
  if (said('resume') && said('add')) throw argumentRangeError('--add', 'without --resume, which adds nothing', '--resume');
  return {
    ...(experiment === undefined ? {} : { experiment }),
    ...Object.fromEntries(TEXTS.flatMap((name) => (text[name] === undefined ? [] : [[name, String(text[name])]]))),
    ...(text['filter'] === undefined ? {} : { filter: pattern(String(text['filter'])) }),
    ...(text['invocations'] === undefined ? {} : { invocations: integer('--invocations', text['invocations'], 1, MAX_INVOCATIONS) }),
    ...(text['heapFactors'] === undefined ? {} : { heapFactors: factors(String(text['heapFactors'])) }),
    ...(text['seed'] === undefined ? {} : { seed: integer('--seed', text['seed'], 0, MAX_SEED) }),
    ...{ quick: said('quick'), resume: said('resume'), add: said('add'), dryRun: said('dryRun'), json: said('json') },
  };
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
