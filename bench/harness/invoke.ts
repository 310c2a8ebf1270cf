/**
 * Invoke: one invocation as a process, from its start to its answer. Nothing it does can stop the harness: a crash, a hang and
 * nonsense on standard output become results (`Failed`) like any other.
 *
 * The process leads a group of its own, so that what it started dies with it. While it runs the harness sleeps.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Configuration, Failed, InvocationResult } from './contract.ts';
import { type ProcessorShare, processorTime, shareBetween } from './processor-time.ts';
import type { ProgramOf } from './programs.ts';

export interface InvokeOptions {
  readonly programOf: ProgramOf;
  /** After which it is killed, and the answer is `timeout`. */
  readonly timeLimitMs: number;
  /** Its folder for temporary files. */
  readonly scratch: string;
  /** Kills it; the promise is rejected with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface Invoked {
  readonly result: InvocationResult;
  /** From the start of the process to its end. */
  readonly processMs: number;
  readonly cpu: ProcessorShare;
}

const STDERR_KEPT = 2000;

export async function invoke(configuration: Configuration, { programOf, timeLimitMs, scratch, signal }: InvokeOptions): Promise<Invoked> {
  signal.throwIfAborted();
  const program = programOf(configuration);
  if ('missing' in program) return { result: failed('unsupported', program.missing), processMs: 0, cpu: { foreign: 0, harness: 0 } };
  const [command, ...words] = program;
  const before = processorTime();
  const child = spawn(command, words, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...configuration.environment, TMPDIR: scratch },
  });
  const stop = (): void => killGroup(child);
  const ended = endOf(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, timeLimitMs);
  signal.addEventListener('abort', stop);
  process.on('exit', stop);
  try {
    const { stdout, stderr, cause } = await ended;
    signal.throwIfAborted();
    const after = processorTime();
    const result = isLate ? failed('timeout', `not done after ${timeLimitMs} ms`) : answerOf(stdout, stderr, cause);
    return { result, processMs: after.wallMs - before.wallMs, cpu: shareBetween(before, after) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    process.off('exit', stop);
    stop();
  }
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** How it ended, as a phrase; empty if with exit code 0. */
  readonly cause: string;
}

function endOf(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout!.on('data', (piece: Buffer) => stdout.push(piece));
  child.stderr!.setEncoding('utf8').on('data', (piece: string) => (stderr = (stderr + piece).slice(-STDERR_KEPT)));
  return new Promise((resolve) => {
    const end = (cause: string): void => resolve({ stdout: Buffer.concat(stdout).toString(), stderr: stderr.trim(), cause });
    child.on('error', (error) => end(error.message));
    child.on('close', (code, killer) => end(killer !== null ? `killed by ${killer}` : code === 0 ? '' : `exit code ${code}`));
  });
}

function answerOf(stdout: string, stderr: string, cause: string): InvocationResult {
  const lastLine = stdout.trimEnd().split('\n').at(-1) ?? '';
  const told = stderr === '' ? '' : `: ${stderr}`;
  let answer: unknown;
  try {
    answer = JSON.parse(lastLine);
  } catch {
    return failed('crash', `${cause === '' ? 'no result on the last line' : cause}${told}`);
  }
  if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return failed('crash', `the last line is no result${told}`);
  // A process that answered and then crashed has not ended well: what it said may be as wrong as its end.
  if (cause !== '' && answer.ok === true) return failed('crash', `${cause} after its result${told}`);
  return answer as InvocationResult;
}

function failed(code: Failed['code'], message: string): Failed {
  return { ok: false, code, message };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
