/**
 * Snapshots: writing the live heap to a file. A thread asks through the heap's channel, and the control thread serves:
 *
 *     snapshot ─▶ (between collections: a pause in which the graph is copied) ─▶ snapshot-progress … ─▶ snapshot-ended
 *
 * One at a time, because a copy takes memory. snapshot-file.ts decides how the file is written.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clockMs } from '../clock.ts';
import type { Binding, NativeHeap } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, type HeapErrorCode } from '../errors.ts';
import { ShapeTable } from '../heap/shapes.ts';
import { ONE_BYTE_STRING, TWO_BYTE_STRING } from '../objects/strings.ts';
import type { HeapGraph, TextOptions } from './heap-graph.ts';
import { SnapshotFile } from './snapshot-file.ts';
import { type SnapshotCounts, SnapshotText } from './snapshot-text.ts';

const PROGRESS_EVERY_MS = 100;
const DEFAULT_TEXT_UNITS = 1024;
const MAX_TEXT_UNITS = 2 ** 20;
/** Answers that are kept for threads that ask again because they have not received theirs yet. */
const ANSWERS_KEPT = 1000;

/** The progress of writing a snapshot, as passed to `onProgress`. */
export interface SnapshotProgress {
  /** Objects and references written so far. */
  readonly written: number;
  readonly total: number;
}

/** Options of `heap.writeSnapshot`. */
export interface SnapshotOptions {
  /** The most UTF-16 code units that are written of each string, 0 to 1,048,576. Default 1,024. */
  maxTextLength?: number;
  /** Called in this thread's event loop while the file grows, about ten times a second. */
  onProgress?: (progress: SnapshotProgress) => void;
}

/** The result of `heap.writeSnapshot`: what the snapshot contains, and how long it took. */
export interface SnapshotSummary extends Readonly<SnapshotCounts> {
  /** Absolute. */
  readonly path: string;
  readonly fileBytes: number;
  /** How long mutators were stopped. */
  readonly pauseUs: number;
  /** From the start of the request to the end. */
  readonly durationMs: number;
}

/** @internal */
export interface SnapshotOrder {
  readonly path: string;
  readonly textUnits: number;
}

/** @internal What went wrong, in a form that can be sent between threads. */
export interface SnapshotFailure {
  readonly code: HeapErrorCode;
  readonly message: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** @internal */
export type SnapshotAnswer = { readonly summary: SnapshotSummary } | { readonly failure: SnapshotFailure };

/** @internal Checks the arguments. */
export function snapshotOrder(path: string | URL, options: SnapshotOptions): SnapshotOrder {
  // Not instanceof: a URL may be from another realm.
  const isFile = typeof path === 'object' && path !== null && path.protocol === 'file:' && typeof path.href === 'string';
  if (!isFile && (typeof path !== 'string' || path === '')) throw argumentTypeError('path of a snapshot', 'a path or a file: URL', path);
  const name = isFile ? pathOf(path) : (path as string);
  if (name.includes('\0')) throw argumentTypeError('path of a snapshot', 'a path without zero characters', name);
  if (typeof options !== 'object' || options === null) throw argumentTypeError('options of a snapshot', 'an object', options);
  const { maxTextLength = DEFAULT_TEXT_UNITS, onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function') throw argumentTypeError('onProgress', 'a function', onProgress);
  if (!Number.isInteger(maxTextLength) || maxTextLength < 0 || maxTextLength > MAX_TEXT_UNITS) {
    throw argumentRangeError('maxTextLength', `an integer from 0 to ${MAX_TEXT_UNITS}`, maxTextLength);
  }
  return { path: resolve(name), textUnits: maxTextLength };
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw argumentTypeError('path of a snapshot', 'a path or a file: URL of this machine, without an encoded /', url.href);
  }
}

/** @internal */
export interface SnapshotServiceSetUp {
  readonly native: Binding;
  readonly heap: NativeHeap;
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
    this.#shapes = new ShapeTable(setUp.native, setUp.heap, false); // Nothing is allocated here.
  }

  /** Begins an order; a waiting thread may ask more than once. */
  request(id: string, order: SnapshotOrder): void {
    const answer = this.#answers.get(id);
    if (answer !== undefined) this.#setUp.onEnd(id, answer);
    if (answer !== undefined || this.#waiting.has(id)) return;
    this.#waiting.add(id);
    this.#last = this.#last.then(() => this.#serve(id, order));
  }

  /** Begins no more; the one being written is abandoned. Waiting threads learn of that when the heap is closed. */
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
    const begin = clockMs();
    const oneByteString = native.findShape(heap, ONE_BYTE_STRING.name)?.id ?? 0;
    const twoByteString = native.findShape(heap, TWO_BYTE_STRING.name)?.id ?? 0;
    // The file is opened before the pause: no thread has to stop if nothing can be written. Abandoned when the heap is closed.
    const { signal } = this.#abort;
    const file = await SnapshotFile.open(path, signal);
    let graph: HeapGraph | undefined;
    try {
      graph = await this.#setUp.copyGraph({ oneByteString, twoByteString, textUnits });
      const text = new SnapshotText({
        graph,
        textUnits,
        shapeOf: (shape) => this.#shapes.numbered(shape),
        unitBytes: (shape) => (shape === oneByteString ? 1 : shape === twoByteString ? 2 : 0),
      });
      const { objects, references, pauseUs } = graph.counts;
      const tell = (): void => this.#setUp.onProgress(id, { written: text.written, total: objects + references });
      await file.write(withProgress(text.chunks(), tell), signal);
      return { path, ...text.counts, fileBytes: file.bytes, pauseUs, durationMs: clockMs() - begin };
    } catch (error) {
      await file.discard();
      throw error;
    } finally {
      graph?.drop();
    }
  }
}

/** @internal The error for the thread that asked. */
export function snapshotError({ code, message, ...details }: SnapshotFailure): HeapError {
  return new HeapError(code, message, details);
}

function failureOf(error: unknown, path: string): SnapshotFailure {
  const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
  const system = {
    ...(errno === undefined ? {} : { errno: Math.abs(errno) }),
    ...(syscall === undefined ? {} : { syscall }),
  };
  if (error instanceof HeapError) return { code: error.code, message, ...system };
  // Without the name that was passed to the system call: it may be the draft's.
  const reason = message.replace(/ '[\s\S]*'$/, '');
  return {
    code: 'ERR_SNAPSHOT_WRITE',
    message: `the snapshot ${path} cannot be written (${reason}). ${REMEDIES[code ?? ''] ?? 'Write it elsewhere.'}`,
    ...system,
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Make its folder first.',
  ENOTDIR: 'Part of its path is a file: name a folder instead.',
  EISDIR: 'It is a folder: name a file in it.',
  EACCES: 'Let this user write to its folder, or write elsewhere.',
  EPERM: 'Let this user write to its folder, or write elsewhere.',
  EROFS: 'That file system is mounted read-only: write to another.',
  ENOSPC: 'Make room on that file system, or write to another.',
  EDQUOT: 'Make room in the quota of this user, or write elsewhere.',
  EFBIG: 'The process or the file system allows no file of this size: raise the limit (ulimit -f), or write to another.',
  ENAMETOOLONG: 'A name has 255 bytes at most, a path 4,095: give it a shorter one.',
  ELOOP: 'Its links lead in a circle: name the file itself.',
  EMFILE: 'Close files, or raise the limit of this process (ulimit -n).',
  EPIPE: 'The reader closed the pipe: keep it open until the promise is fulfilled.',
};

function* withProgress(chunks: Iterable<string>, tell: () => void): Generator<Buffer> {
  let toldMs = clockMs();
  for (const chunk of chunks) {
    yield Buffer.from(chunk);
    if (clockMs() - toldMs < PROGRESS_EVERY_MS) continue;
    toldMs = clockMs();
    tell();
  }
  tell();
}
