/**
 * The folder of results:
 *
 *     session.json             options and machine
 *     minimum-heaps.json       by workload and knobs
 *     invocations.jsonl        one record a line, in the order in which they ended
 *     raw/N.json.gz            the whole answer of invocation N
 *     histograms/NAME.hgrm     latency of each row, all invocations together
 *     summary.txt report.html report.md   made from these, over and over
 *     scratch/                 of the invocation that runs
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { argumentError } from './argument-error.ts';
import type { InvocationResult } from './contract.ts';
import { type Machine, thisMachine } from './machine.ts';
import { MinimumHeapsFile } from './minimum-heaps-file.ts';
import type { BenchOptions, BenchRequest } from './options.ts';
import { RecordFile } from './records.ts';

const FORMAT_VERSION = 1;
/** Speed before size: it happens between two invocations. */
const GZIP_LEVEL = 1;

export interface SessionHead {
  readonly version: number;
  readonly options: BenchOptions;
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

  /** Begins a folder, or opens one to go on. Throws ERR_OPTION if it holds results and is not to be resumed, or the other way round. */
  constructor({ out, resume, suite, quick, filter, invocations, heapFactors, seed }: BenchRequest) {
    const headPath = join(out, 'session.json');
    const exists = existsSync(headPath);
    if (exists && !resume) throw argumentError('--out', 'a folder without results, or --resume to go on with them', out);
    if (!exists && resume) throw argumentError('--out', 'a folder with results, to resume them', out);
    mkdirSync(join(out, 'raw'), { recursive: true });
    mkdirSync(join(out, 'histograms'), { recursive: true });
    this.path = out;
    this.scratch = join(out, 'scratch');
    this.records = new RecordFile(join(out, 'invocations.jsonl'));
    this.minimumHeaps = new MinimumHeapsFile(join(out, 'minimum-heaps.json'));
    if (exists) {
      this.head = JSON.parse(readFileSync(headPath, 'utf8')) as SessionHead;
      return;
    }
    const options = {
      ...{ suite, quick, invocations, seed },
      ...(filter === undefined ? {} : { filter }),
      ...(heapFactors === undefined ? {} : { heapFactors }),
    };
    this.head = { version: FORMAT_VERSION, options, machine: thisMachine(), startedAt: new Date().toISOString() };
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

  /** Keeps a whole answer; gives its path within the folder. */
  keepRaw(index: number, result: InvocationResult): string {
    const path = `raw/${index}.json.gz`;
    writeFileSync(join(this.path, path), gzipSync(JSON.stringify(result), { level: GZIP_LEVEL }));
    return path;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }
}
