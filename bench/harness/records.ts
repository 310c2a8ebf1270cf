/**
 * Records: one JSON line for each invocation, appended when it has ended. Whatever interrupts the harness, at most the line it
 * was writing is lost; a line that is cut off is not read.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Configuration, Failed } from './contract.ts';
import type { Digest } from './digest.ts';
import type { Setting } from './machine.ts';
import type { ProcessorShare } from './processor-time.ts';
import { keyOf, type Point } from './point.ts';

export interface InvocationRecord {
  readonly point: Point;
  readonly round: number;
  readonly configuration: Configuration;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** What it ran on; its build is that of its own tree. */
  readonly on: Setting;
  readonly processMs: number;
  readonly cpu: ProcessorShare;
  readonly result: Digest | Failed;
  /** The answer with all its lists, compressed; relative to the folder of results. */
  readonly raw?: string;
  /** Start and end of each request, pairs of doubles in ns, compressed; relative likewise. */
  readonly requests?: string;
}

export class RecordFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    // What is appended must not become the tail of a line that was cut off.
    if (existsSync(path) && !readFileSync(path, 'utf8').endsWith('\n')) appendFileSync(path, '\n');
  }

  append(record: InvocationRecord): void {
    appendFileSync(this.#path, `${JSON.stringify(record)}\n`);
  }

  /** All complete records, oldest first. */
  read(): InvocationRecord[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, 'utf8')
      .split('\n')
      .flatMap((line): InvocationRecord[] => {
        try {
          return [JSON.parse(line) as InvocationRecord];
        } catch {
          return [];
        }
      });
  }
}

/** What a record is the result of: the same point in the same round. */
export function slotOf(point: Point, round: number): string {
  return `${round} ${keyOf(point)}`;
}
