/**
 * Observation: runs a peer program and watches it from outside: CPU time by thread, resident memory, the machine's hiccups.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { nowNs } from '../invocation/clock.ts';
import { useBenchAddon } from '../invocation/native.ts';
import { HICCUP_PHASE } from './hiccup-thread.ts';
import { cpuBetween, processCpuNs, readThreadClocks, residentBytes, type ThreadClock } from './process-clocks.ts';
import type { Launch } from './systems.ts';

export interface Observation {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line of standard output; empty when there was none. */
  readonly lastLine: string;
  readonly standardError: string;
  /** Whether the program came to the end of its measured part. */
  readonly isMeasured: boolean;
  /** CPU time of the measured part: of the whole process, with threads that have ended meanwhile. */
  readonly cpuNs: number;
  /** The same of living threads whose name `select` takes. */
  threadsCpuNs(select: (name: string) => boolean): number;
  readonly hiccupNs: readonly number[];
  readonly resident: readonly (readonly [timeNs: number, bytes: number])[];
}

const SAMPLE_EVERY_MS = 10;

class HiccupThread {
  readonly #phase = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #report: Promise<readonly number[]>;

  constructor() {
    this.#worker = new Worker(new URL('./hiccup-thread.js', import.meta.url), { workerData: this.#phase.buffer, execArgv: [] });
    this.#report = this.#message((message) => message !== 'ready') as Promise<readonly number[]>;
    this.#report.catch(() => {});
  }

  async ready(): Promise<void> {
    await this.#message((message) => message === 'ready');
  }

  enter(phase: number): void {
    Atomics.store(this.#phase, 0, phase);
    Atomics.notify(this.#phase, 0);
  }

  report(): Promise<readonly number[]> {
    return this.#report;
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }

  #message(select: (message: unknown) => boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: unknown) => select(message) && resolve(message));
      this.#worker.on('error', reject);
    });
  }
}

/** Ends the child when this process is told to end. */
function endTogether(child: ChildProcess): () => void {
  const end = (signal: NodeJS.Signals): void => {
    child.kill('SIGKILL');
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGTERM', end).once('SIGINT', end);
  return () => void process.off('SIGTERM', end).off('SIGINT', end);
}

/** Rejects with the error of `spawn` when the program cannot be started at all. */
export async function observe({ file, args, environment }: Launch, words: readonly string[]): Promise<Observation> {
  useBenchAddon();
  const hiccups = new HiccupThread();
  await hiccups.ready();
  const child = spawn(file, [...args, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // What the caller's environment says to any of the runtimes would change what is measured.
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C', ...environment },
  });
  const unhook = endTogether(child);
  let before: Map<string, ThreadClock> | undefined;
  let after: Map<string, ThreadClock> | undefined;
  let cpuNs = 0;
  let sampling: NodeJS.Timeout | undefined;
  let lastLine = '';
  let standardError = '';
  const resident: [number, number][] = [];
  const sample = (): void => void resident.push([nowNs(), residentBytes(child.pid!)]);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (standardError += text));
  child.stdin.on('error', () => {}); // it may have ended already: its exit code says more
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'begin') {
      hiccups.enter(HICCUP_PHASE.measuring);
      sampling = setInterval(sample, SAMPLE_EVERY_MS);
      sample();
      before = readThreadClocks(child.pid!);
      cpuNs = -processCpuNs(child.pid!);
      child.stdin.write('\n');
    } else if (line === 'end') {
      cpuNs += processCpuNs(child.pid!);
      after = readThreadClocks(child.pid!);
      sample();
      clearInterval(sampling);
      hiccups.enter(HICCUP_PHASE.done);
      child.stdin.write('\n');
    } else {
      lastLine = line;
    }
  });
  try {
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, name) => resolve([code, name]));
    });
    const isMeasured = before !== undefined && after !== undefined;
    return {
      exitCode,
      signal,
      lastLine,
      standardError,
      isMeasured,
      cpuNs: isMeasured ? cpuNs : 0,
      threadsCpuNs: (select) => (isMeasured ? cpuBetween(before!, after!, select) : 0),
      hiccupNs: isMeasured ? await hiccups.report() : [],
      resident,
    };
  } finally {
    clearInterval(sampling);
    unhook();
    await hiccups.end();
  }
}
