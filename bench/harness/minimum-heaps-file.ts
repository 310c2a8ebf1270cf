/**
 * The file of minimum heaps and censuses: found once, then kept for all results, because a sweep only compares with another one if both
 * mean the same bytes by 2×. Its version is that of its format; each entry says at which commit it was found.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Nominal } from './contract.ts';

const FORMAT_VERSION = 2;

export interface MinimumHeapEntry {
  readonly bytes: number;
  /** Of the repository, when it was found. */
  readonly commit: string;
  readonly invocations: number;
}

/** What a run tells of the workload itself. */
export interface CensusEntry {
  readonly commit: string;
  /** By all mutators, from the begin of the process to the end of the measured part: what a heap without a collector must hold. */
  readonly allocatedBytes: number;
  readonly nominal?: Nominal;
  /** From the start of the process to its end. */
  readonly processMs: number;
}

interface FileContent {
  readonly version: number;
  /** By `minimumHeapKey`. */
  readonly heaps: Record<string, MinimumHeapEntry>;
  /** By `censusKey`. */
  readonly censuses: Record<string, CensusEntry>;
}

export class MinimumHeapsFile {
  readonly #path: string;
  readonly #content: FileContent;

  /** Reads what is there. Throws if the file is of another version. */
  constructor(path: string) {
    this.#path = path;
    this.#content = existsSync(path) ? read(path) : { version: FORMAT_VERSION, heaps: {}, censuses: {} };
  }

  get(key: string): MinimumHeapEntry | undefined {
    return this.#content.heaps[key];
  }

  census(key: string): CensusEntry | undefined {
    return this.#content.censuses[key];
  }

  /** Adds an entry and writes the file as a whole, or not at all. */
  set(key: string, entry: MinimumHeapEntry): void {
    this.#content.heaps[key] = entry;
    this.#write();
  }

  setCensus(key: string, entry: CensusEntry): void {
    this.#content.censuses[key] = entry;
    this.#write();
  }

  #write(): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.draft`, `${JSON.stringify(this.#content, undefined, 2)}\n`);
    renameSync(`${this.#path}.draft`, this.#path);
  }
}

function read(path: string): FileContent {
  const content = JSON.parse(readFileSync(path, 'utf8')) as FileContent;
  if (content.version !== FORMAT_VERSION)
    throw new Error(`${path} has version ${content.version}, not ${FORMAT_VERSION}: move it away to find minimum heaps anew`);
  return content;
}
