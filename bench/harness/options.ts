/** What `faultline bench` hands to the harness, checked. src/cli/bench.ts makes it from the command line. */
import type { SuiteName } from './matrix.ts';

export interface BenchOptions {
  readonly suite: SuiteName;
  /** Toy sizes, few points, two minutes in all. */
  readonly quick: boolean;
  /** A regular expression over labels (point.ts). */
  readonly filter?: string;
  /** Of each point, 1 or more. */
  readonly invocations: number;
  /** Each 1 or more; instead of the suite's own. */
  readonly heapFactors?: readonly number[];
  readonly seed: number;
}

export interface BenchRequest extends BenchOptions {
  /** The folder of results. */
  readonly out: string;
  /** Goes on with what is in the folder, by the options it was begun with. */
  readonly resume: boolean;
  /** Prints the analysis as one JSON object on standard output. */
  readonly json: boolean;
  /** Runs this program of Node instead of every system's own. */
  readonly program?: string;
}
