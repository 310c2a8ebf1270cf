/**
 * Snapshots: writing what is alive to a file. A thread asks through the heap's channel, the control thread serves:
 *
 *     snapshot ─▶ (between collections: a pause in which the graph is copied) ─▶ snapshot-progress … ─▶ snapshot-ended
 *
 * One at a time: a copy takes memory. The text goes to a draft beside the file, which takes the file's place when it is whole, so that
 * nobody finds half a snapshot; a draft that is not finished is removed. A pipe or a device has no place to take.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Binding, HeapHandle } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, type HeapErrorCode } from '../errors.ts';
import { ShapeTable } from '../heap/shapes.ts';
import { ONE_BYTE_STRING, TWO_BYTE_STRING } from '../objects/strings.ts';
import type { HeapGraph, TextOptions } from './heap-graph.ts';
import { type SnapshotCounts, SnapshotText } from './snapshot-text.ts';

const PROGRESS_EVERY_MS = 100;
const DEFAULT_TEXT_UNITS = 1024;
const MAX_TEXT_UNITS = 2 ** 20;
/** Answers that are kept for those who ask again because they have not heard yet. */
const ANSWERS_KEPT = 1000;

export interface SnapshotProgress {
  /** Objects and references that are written. */
  readonly written: number;
  readonly total: number;
}

export interface SnapshotOptions {
  /** UTF-16 code units of each string that are written at most, 0 to 1,048,576. Default 1,024. */
  maxTextLength?: number;
  /** Called in this thread's event loop while the file grows, about ten times a second. */
  onProgress?: (progress: SnapshotProgress) => void;
}

export interface SnapshotSummary extends Readonly<SnapshotCounts> {
  /** Absolute. */
  readonly path: string;
  readonly fileBytes: number;
  /** How long mutators stood still. */
  readonly pauseUs: number;
  /** From taking up the request to the end. */
  readonly durationMs: number;
}

/** @internal */
export interface SnapshotOrder {
  readonly path: string;
  readonly textUnits: number;
}

/** @internal What went wrong, as it travels between threads. */
export interface SnapshotFailure {
  readonly code: HeapErrorCode;
  readonly message: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** @internal */
export type SnapshotAnswer = { readonly summary: SnapshotSummary } | { readonly failure: SnapshotFailure };

/** @internal Checks what the program asks for. */
export function snapshotOrder(path: string | URL, options: SnapshotOptions): SnapshotOrder {
  const isFile = path instanceof URL && path.protocol === 'file:';
  if (!isFile && (typeof path !== 'string' || path === '')) throw argumentTypeError('path of a snapshot', 'a path or a file: URL', path);
  if (typeof options !== 'object' || options === null) throw argumentTypeError('options of a snapshot', 'an object', options);
  const { maxTextLength = DEFAULT_TEXT_UNITS, onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function') throw argumentTypeError('onProgress', 'a function', onProgress);
  if (!Number.isInteger(maxTextLength) || maxTextLength < 0 || maxTextLength > MAX_TEXT_UNITS) {
    throw argumentRangeError('maxTextLength', `an integer from 0 to ${MAX_TEXT_UNITS}`, maxTextLength);
  }
  return { path: resolve(isFile ? fileURLToPath(path) : (path as string)), textUnits: maxTextLength };
}

/** @internal */
export interface SnapshotServiceSetUp {
  readonly native: Binding;
  readonly heap: HeapHandle;
  /** Copies the graph between two collections. */
  readonly copyGraph: (texts: TextOptions) => Promise<HeapGraph>;
  readonly onProgress: (id: string, progress: SnapshotProgress) => void;
  readonly onEnd: (id: string, answer: SnapshotAnswer) => void;
}

/** @internal The control thread's side. */
export class SnapshotService {
  readonly #setUp: SnapshotServiceSetUp;
  readonly #shapes: ShapeTable;
  readonly #waiting = new Set<string>();
  readonly #answers = new Map<string, SnapshotAnswer>();
  readonly #abort = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(setUp: SnapshotServiceSetUp) {
    this.#setUp = setUp;
    this.#shapes = new ShapeTable(setUp.native, setUp.heap);
  }

  /** Takes up an order; whoever waits asks more than once. */
  request(id: string, order: SnapshotOrder): void {
    const answer = this.#answers.get(id);
    if (answer !== undefined) this.#setUp.onEnd(id, answer);
    if (answer !== undefined || this.#waiting.has(id)) return;
    this.#waiting.add(id);
    this.#last = this.#last.then(() => this.#serve(id, order));
  }

  /** No more of them; the one that is being written is given up. Whoever waits is told by the end of the heap. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#last;
  }

  async #serve(id: string, order: SnapshotOrder): Promise<void> {
    if (this.#abort.signal.aborted) return;
    let answer: SnapshotAnswer;
    try {
      answer = { summary: await this.#write(id, order) };
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      answer = { failure: failureOf(error, order.path) };
    }
    this.#waiting.delete(id);
    this.#answers.set(id, answer);
    if (this.#answers.size > ANSWERS_KEPT) this.#answers.delete(this.#answers.keys().next().value!);
    this.#setUp.onEnd(id, answer);
  }

  async #write(id: string, { path, textUnits }: SnapshotOrder): Promise<SnapshotSummary> {
    const { native, heap } = this.#setUp;
    const begin = performance.now();
    const oneByteString = native.findShape(heap, ONE_BYTE_STRING.name)?.id ?? 0;
    const twoByteString = native.findShape(heap, TWO_BYTE_STRING.name)?.id ?? 0;
    const { draft, place } = await draftOf(path, id);
    // Before the pause: where nothing can be written nobody needs to stand still.
    const file = createWriteStream(draft ?? place);
    let graph: HeapGraph | undefined;
    try {
      // Given up when the heap is closed: a pipe that nobody reads is never open.
      await once(file, 'open', { signal: this.#abort.signal });
      graph = await this.#setUp.copyGraph({ oneByteString, twoByteString, textUnits });
      const text = new SnapshotText({
        graph,
        textUnits,
        shapeOf: (shape) => this.#shapes.numbered(shape),
        unitBytes: (shape) => (shape === oneByteString ? 1 : shape === twoByteString ? 2 : 0),
      });
      const { objects, references, pauseUs } = graph.counts;
      const tell = (): void => this.#setUp.onProgress(id, { written: text.written, total: objects + references });
      await pipeline(Readable.from(withProgress(text.chunks(), tell)), file, { signal: this.#abort.signal });
      if (draft !== undefined) await rename(draft, place);
      return { path, ...text.counts, fileBytes: file.bytesWritten, pauseUs, durationMs: performance.now() - begin };
    } catch (error) {
      file.destroy();
      if (draft !== undefined) await rm(draft, { force: true }).catch(() => {});
      throw error;
    } finally {
      graph?.drop();
    }
  }
}

/** @internal The error of whoever has asked. */
export function snapshotError({ code, message, ...details }: SnapshotFailure): HeapError {
  return new HeapError(code, message, details);
}

function failureOf(error: unknown, path: string): SnapshotFailure {
  const { message, errno, syscall } = error as NodeJS.ErrnoException;
  const system = {
    ...(errno === undefined ? {} : { errno: Math.abs(errno) }),
    ...(syscall === undefined ? {} : { syscall }),
  };
  if (error instanceof HeapError) return { code: error.code, message, ...system };
  return {
    code: 'ERR_SNAPSHOT_WRITE',
    message: `the snapshot ${path} cannot be written (${message}). Check that its folder exists, may be written to and has room.`,
    ...system,
  };
}

/** Where the file will be, links followed, and the draft beside it; none for a pipe or a device, which is written to as it is. */
async function draftOf(path: string, id: string): Promise<{ place: string; draft: string | undefined }> {
  const status = await stat(path).catch(() => undefined);
  if (status !== undefined && !status.isFile()) return { place: path, draft: undefined };
  const place = status === undefined ? path : await realpath(path);
  return { place, draft: `${place}.${id}.draft` };
}

function* withProgress(chunks: Iterable<string>, tell: () => void): Generator<string> {
  let toldMs = performance.now();
  for (const chunk of chunks) {
    yield chunk;
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) continue;
    toldMs = performance.now();
    tell();
  }
  tell();
}
