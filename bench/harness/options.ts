/** What `faultline bench` hands to the harness, checked. src/cli/bench.ts makes it from the command line. What was not given is absent. */
export interface BenchRequest {
  /** A YAML file, or one of bench/experiments/ by its name. */
  readonly experiment?: string;
  /** A commit or a folder: the rows run there and here, in pairs. */
  readonly against?: string;
  /** Toy sizes, few points, two minutes in all. */
  readonly quick: boolean;
  /** A regular expression over labels (point.ts). */
  readonly filter?: string;
  /** Of each point, 1 or more. */
  readonly invocations?: number;
  /** Each 1 or more; instead of the experiment's own. */
  readonly heapFactors?: readonly number[];
  readonly seed?: number;
  /** The folder of results. */
  readonly out?: string;
  /** Goes on with what is in the folder, by the options it was begun with. */
  readonly resume: boolean;
  /** Adds rows and invocations to what is in the folder. */
  readonly add: boolean;
  /** Tells the rows and how long they would take, and runs nothing. */
  readonly dryRun: boolean;
  /** Prints the analysis as one JSON object on standard output. */
  readonly json: boolean;
  /** Where minimum heaps are kept. */
  readonly minimumHeaps?: string;
  /** Runs this program of Node instead of every system's own. */
  readonly program?: string;
}

/** What a folder of results is begun with. */
export interface BenchOptions {
  readonly experiment: string;
  readonly against?: string;
  readonly quick: boolean;
  readonly filter?: string;
  readonly invocations: number;
  readonly heapFactors?: readonly number[];
  readonly seed: number;
}
