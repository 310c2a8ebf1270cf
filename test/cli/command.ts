/** Starts the built command as a user does, and gives what it printed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');
const TIME_LIMIT_MS = 60_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Record<string, string>;
}

export function faultline(words: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(process.execPath, [MAIN, ...words], options);
}

export async function start(command: string, words: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const child = spawn(command, words, {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text.stdout += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text.stderr += piece));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, ...text };
}

/** A refusal: its code and a sentence on standard error, nothing on standard output, no stack trace. */
export function expectRefusal({ status, stdout, stderr }: Ended, code: string, exitCode = 1): void {
  expect(stderr).toMatch(new RegExp(`^faultline: ${code}: `, 'm'));
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(status).toBe(exitCode);
}
