/**
 * The file of minimum heaps: found once, then kept beside the results, because a sweep only compares with another one if both mean
 * the same bytes by 2×. Its version is that of its format; each entry says at which commit it was found.
 */
import type { Nominal } from './contract.ts';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const FORMAT_VERSION = 1;

export interface MinimumHeapEntry {
  readonly bytes: number;
  /** Of the repository, when it was found. */
  readonly commit: string;
  readonly invocations: number;
  /** By all mutators, from the begin of the process to the end of the measured part: what a heap without a collector must hold. */
  readonly allocatedBytes?: number;
  /** Of a run in that heap. */
  readonly nominal?: Nominal;
  /** How long such a run took, from the start of the process to its end. */
  readonly processMs?: number;
}

interface FileContent {
  readonly version: number;
  /** By `minimumHeapKey`. */
  readonly heaps: Record<string, MinimumHeapEntry>;
}

export class MinimumHeapsFile {
  readonly #path: string;
  readonly #heaps: Record<string, MinimumHeapEntry>;

  /** Reads what is there. Throws if the file is of another version. */
  constructor(path: string) {
    this.#path = path;
    this.#heaps = existsSync(path) ? read(path) : {};
  }

  get(key: string): MinimumHeapEntry | undefined {
    return this.#heaps[key];
  }

  /** Adds an entry and writes the file as a whole, or not at all. */
  set(key: string, entry: MinimumHeapEntry): void {
    this.#heaps[key] = entry;
    const content: FileContent = { version: FORMAT_VERSION, heaps: this.#heaps };
    writeFileSync(`${this.#path}.draft`, `${JSON.stringify(content, undefined, 2)}\n`);
    renameSync(`${this.#path}.draft`, this.#path);
  }
}

function read(path: string): Record<string, MinimumHeapEntry> {
  const { version, heaps } = JSON.parse(readFileSync(path, 'utf8')) as FileContent;
  if (version !== FORMAT_VERSION)
    throw new Error(`${path} has version ${version}, not ${FORMAT_VERSION}: move it away to find minimum heaps anew`);
  return heaps;
}
