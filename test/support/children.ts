/**
 * Children: programs that run in their own process, with a time limit. A process that reaches it is killed and reported as a hang,
 * together with all its output: the limit is a guard, never a measurement.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly hung: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const DEFAULT_LIMIT_MS = 60_000;

interface Limits {
  readonly limitMs?: number;
  readonly flags?: readonly string[];
}

/** Runs test/support/programs/NAME.mjs under Node. */
export function runProgram(name: string, args: readonly (string | number)[], limits: Limits = {}): Promise<Ending> {
  return runProgramFile(fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url)), args, limits);
}

/** Runs any program under Node. */
export function runProgramFile(
  path: string,
  args: readonly (string | number)[],
  { limitMs = DEFAULT_LIMIT_MS, flags = [] }: Limits = {},
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, path, ...args.map(String)], {
      detached: true, // its own process group, so that whatever it started ends with it
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let stdout = '';
    let stderr = '';
    let hung = false;
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    const limit = setTimeout(() => {
      hung = true;
      process.kill(-child.pid!, 'SIGKILL');
    }, limitMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, hung, stdout, stderr });
    });
  });
}

/** The worker entry file test/support/programs/NAME.mjs. */
export function workerFile(name: string): URL {
  return new URL(`./programs/${name}.mjs`, import.meta.url);
}
