/**
 * The folder of results:
 *
 *     session.json             options, points and machine
 *     invocations.jsonl        one record a line, in the order in which they ended
 *     raw/N.json.gz            the whole answer of invocation N
 *     raw/N.requests.f64.gz    start and end of each of its requests
 *     histograms/NAME.hgrm     latency of each row, all invocations together
 *     invocations.csv summary.txt report.html report.md   made from these, over and over
 *     scratch/                 of the invocation that runs
 *
 * docs/benchmark-data.md describes what is in them.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { argumentError } from './argument-error.ts';
import type { Finished } from './contract.ts';
import { type Machine, type Setting, settingOf, thisMachine } from './machine.ts';
import { MinimumHeapsFile } from './minimum-heaps-file.ts';
import type { BenchRequest } from './options.ts';
import { experimentOf, type Plan, planOf } from './plan.ts';
import { keyOf, labelOf, type Point } from './point.ts';
import { PROJECT } from './project.ts';
import { RecordFile } from './records.ts';

const FORMAT_VERSION = 2;
/** Speed before size: it happens between two invocations. */
const GZIP_LEVEL = 1;
const RESULTS = join(PROJECT, 'build/bench-results');
/** Options that belong to a folder from its begin. */
const KEPT = ['experiment', 'against', 'filter', 'invocations', 'heapFactors', 'seed'] as const;

export interface SessionHead extends Plan {
  readonly version: number;
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

export class ResultsFolder {
  readonly path: string;
  readonly head: SessionHead;
  readonly records: RecordFile;
  readonly minimumHeaps: MinimumHeapsFile;
  readonly scratch: string;

  /**
   * Begins a folder, or opens one to go on or to add to it. Throws ERR_OPTION if it holds results and nothing of the kind was said, the
   * other way round, and if options, build or machine are others than those it was begun with.
   */
  constructor(request: BenchRequest) {
    const { resume, add } = request;
    const machine = thisMachine();
    const begun = resume ? undefined : planOf(request);
    this.path = request.out ?? join(RESULTS, `${basename(experimentOf(request), '.yaml')}${request.quick ? '-quick' : ''}`);
    const headPath = join(this.path, 'session.json');
    const exists = existsSync(headPath);
    if (exists && !resume && !add)
      throw argumentError('--out', 'a folder without results, or --resume or --add to go on with them', this.path);
    if (!exists && (resume || add)) throw argumentError('--out', 'a folder with results, to go on with them', this.path);
    const before = exists ? (JSON.parse(readFileSync(headPath, 'utf8')) as SessionHead) : undefined;
    if (before !== undefined) refuseOtherMachine(before, machine);
    if (before !== undefined && resume) refuseOtherOptions(before, request);
    this.head = before === undefined ? headOf(begun!, machine) : begun === undefined ? before : joined(before, begun, request);
    mkdirSync(join(this.path, 'raw'), { recursive: true });
    mkdirSync(join(this.path, 'histograms'), { recursive: true });
    this.scratch = join(this.path, 'scratch');
    this.records = new RecordFile(join(this.path, 'invocations.jsonl'));
    this.minimumHeaps = new MinimumHeapsFile(minimumHeapsPath(request, this.path));
    writeFileSync(headPath, `${JSON.stringify(this.head, undefined, 2)}\n`);
  }

  /** An empty folder for the temporary files of one invocation. */
  freshScratch(): string {
    this.dropScratch();
    mkdirSync(this.scratch, { recursive: true });
    return this.scratch;
  }

  dropScratch(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Keeps a whole answer and its requests; gives their paths within the folder. */
  keepRaw(index: number, result: Finished): { raw: string; requests?: string } {
    const raw = `raw/${index}.json.gz`;
    const { requests: file } = result;
    const requests = file === undefined ? undefined : `raw/${index}.requests.f64.gz`;
    if (file !== undefined) writeFileSync(join(this.path, requests!), gzipSync(readFileSync(file.path), { level: GZIP_LEVEL }));
    const kept = file === undefined ? result : { ...result, requests: { ...file, path: requests } };
    writeFileSync(join(this.path, raw), gzipSync(JSON.stringify(kept), { level: GZIP_LEVEL }));
    return { raw, ...(requests === undefined ? {} : { requests }) };
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }
}

/** One file for all results of a clone; beside its own results where a program of a test takes the place of the systems. */
export function minimumHeapsPath({ minimumHeaps, program }: BenchRequest, out: string): string {
  return minimumHeaps ?? join(program === undefined ? RESULTS : out, 'minimum-heaps.json');
}

function headOf({ options, points }: Plan, machine: Machine): SessionHead {
  return { version: FORMAT_VERSION, options, points, machine, startedAt: new Date().toISOString() };
}

/** Rows of both, and as many invocations as the larger number; the seed stays, so that old and new rows have the same ones. */
function joined(before: SessionHead, { options, points }: Plan, request: BenchRequest): SessionHead {
  const known = new Set(before.points.map(keyOf));
  if (request.seed !== undefined && request.seed !== before.options.seed) refuse('--seed', before.options.seed, request.seed);
  if (request.quick !== before.options.quick) refuse('--quick', before.options.quick, request.quick);
  return {
    ...before,
    options: { ...before.options, invocations: Math.max(before.options.invocations, options.invocations) },
    points: [...before.points, ...points.filter((point: Point) => !known.has(keyOf(point)))],
  };
}

function refuseOtherOptions({ options, points }: SessionHead, request: BenchRequest): void {
  for (const name of KEPT) {
    if (request[name] !== undefined && !isDeepStrictEqual(request[name], options[name])) refuse(name, options[name], request[name]);
  }
  if (request.quick && !options.quick) refuse('--quick', options.quick, request.quick);
  if (request.experiment === undefined) return;
  const known = new Set(points.map(keyOf));
  const other = planOf({ ...request, ...options }).points.find((point) => !known.has(keyOf(point)));
  if (other !== undefined) throw argumentError('EXPERIMENT', 'as it was when these results were begun (--add adds rows)', labelOf(other));
}

function refuseOtherMachine(before: SessionHead, machine: Machine): void {
  const [then, now] = [settingOf(before.machine), settingOf(machine)];
  for (const name of Object.keys(now) as (keyof Setting)[]) {
    if (!isDeepStrictEqual(then[name], now[name])) refuse(`the ${name} of results that are gone on with`, then[name], now[name]);
  }
}

function refuse(option: string, then: unknown, now: unknown): never {
  throw argumentError(
    option,
    `what these results were begun with (${JSON.stringify(then)}), or the results go to a folder of their own (--out)`,
    now,
  );
}
