/**
 * Pages: what tests of `faultline/userfaultfd` share. Threads that touch pages are workers, which may wait in the kernel; whatever a test
 * has opened is closed at its end, and closing lets them go on.
 */
import { Worker } from 'node:worker_threads';
import { afterAll, expect } from 'vitest';
import {
  type EndOptions,
  type Feature,
  type Mapping,
  MemoryFile,
  type PageFault,
  privateMemory,
  type RegisterMode,
  type Registration,
  UserfaultFd,
  type UserfaultEvent,
} from '../../dist/userfaultfd.js';
import { workerFile } from './children.ts';

export * from '../../dist/userfaultfd.js';

export const PAGE = 4096;

export const SUPPORT = UserfaultFd.probe();

/** Why a test cannot run here, for `skip`; undefined if it can. */
export function lacks(...features: readonly Feature[]): string | undefined {
  if (SUPPORT.ways.length === 0) return `no userfaultfd: ${SUPPORT.advice}`;
  const missing = features.filter((feature) => !SUPPORT.features.has(feature));
  return missing.length === 0 ? undefined : `this kernel has no ${missing.join(', ')}`;
}

/** A guard, never a measurement. */
const LIMIT_MS = 20_000;

type Touch = { kind: 'read' | 'write' | 'pages' | 'writePages' | 'page' | 'writeTo' | 'count' } & Partial<
  Record<'at' | 'value' | 'count' | 'file' | 'rounds' | 'seed', number>
>;

/** A thread that touches pages when it is told to. */
export class Toucher {
  readonly #worker = new Worker(workerFile('page-toucher'));
  readonly #answers: ((answer: { result?: unknown; error?: string }) => void)[] = [];
  readonly ready: Promise<unknown>;

  constructor() {
    this.#worker.on('message', (answer) => this.#answers.shift()!(answer));
    this.ready = this.#next();
  }

  /** What came of it; `Error` if it threw. */
  touch({ buffer, byteOffset, byteLength }: Mapping, touch: Touch): Promise<unknown> {
    this.#worker.postMessage({ ...touch, buffer, byteOffset, byteLength });
    return this.#next();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answers.push(({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
    });
  }
}

const touchers: Toucher[] = [];
afterAll(async () => {
  await Promise.all(touchers.map((toucher) => toucher.end()));
});

/** So many threads, the same for all tests of a file. */
export async function threads(count: number): Promise<Toucher[]> {
  while (touchers.length < count) touchers.push(new Toucher());
  await Promise.all(touchers.map(({ ready }) => ready));
  return touchers.slice(0, count);
}

/** Kinds of memory, with what a test needs of each. */
export const KINDS = {
  private: (pages: number) => ({ window: privateMemory({ bytes: pages * PAGE }) }),
  memfd: (pages: number) => ofFile(MemoryFile.create({ bytes: pages * PAGE })),
  'private-file': (pages: number) => ofFile(MemoryFile.create({ bytes: pages * PAGE }), { private: true }),
  zero: (pages: number) => ofFile(MemoryFile.zero({ bytes: pages * PAGE })),
} as const;
export type Kind = keyof typeof KINDS;

interface Memory {
  readonly window: Mapping;
  readonly alias?: Mapping;
  readonly file?: MemoryFile;
}

function ofFile(file: MemoryFile, options: { private?: boolean } = {}): Memory {
  return { file, window: file.map(options), alias: file.map() };
}

interface SceneOptions {
  readonly kind?: Kind;
  readonly pages?: number;
  readonly modes?: readonly RegisterMode[];
  readonly features?: readonly Feature[];
  /** Whether the messages are left for another process to read. */
  readonly elsewhere?: boolean;
}

/** A window of some kind of memory, registered, and what fills it. */
export interface Scene extends Memory {
  readonly fd: UserfaultFd;
  readonly range: Registration;
  readonly alias: Mapping;
  readonly file: MemoryFile;
}

/** Runs a test on a window; afterwards nobody waits any more, and everything is closed. */
export async function onScene(
  { kind = 'memfd', pages = 8, modes = ['missing', 'minor'], features = [], elsewhere = false }: SceneOptions,
  test: (scene: Scene) => Promise<void> | void,
): Promise<void> {
  const memory: Memory = KINDS[kind](pages);
  const fd = UserfaultFd.open({ features, messages: elsewhere ? 'elsewhere' : 'here' });
  try {
    const range = fd.register(memory.window, modes);
    await within(Promise.resolve(test({ fd, range, ...memory } as Scene)), fd);
  } finally {
    const released: EndOptions = { waited: 'release' };
    fd.close(released);
    memory.window.close();
    memory.alias?.close();
    memory.file?.close();
  }
}

/** Rejects with who waits, if it takes too long. */
async function within<T>(promise: Promise<T>, fd: UserfaultFd): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happens: ${JSON.stringify(fd.closed ? 'closed' : fd.waiting())}`)), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The next event. */
export async function next(fd: UserfaultFd): Promise<UserfaultEvent> {
  const iteration = fd[Symbol.asyncIterator]();
  const { value, done } = await within(iteration.next(), fd);
  if (done === true) throw new Error('the descriptor is closed');
  return value;
}

/** The next event, which must be a fault. */
export async function nextFault(fd: UserfaultFd): Promise<PageFault> {
  const event = await next(fd);
  expect(event.kind).toBe('page-fault');
  return event as PageFault;
}

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`it does not become true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A page whose bytes are all the same. */
export const pageOf = (value: number, pages = 1): Uint8Array => new Uint8Array(pages * PAGE).fill(value);
