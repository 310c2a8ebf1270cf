/**
 * Child: runs one round with a time limit, and reports what the threads of a hanging process are doing.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROUND = fileURLToPath(new URL('./round.mjs', import.meta.url));

/** `{ ok, figures, ending, stderr, hang }`: `ending` says in words how it ended. */
export function runRound(configuration, { seconds, limitSeconds }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [ROUND, JSON.stringify(configuration), String(seconds)], {
      detached: true, // its own process group, so that whatever it started ends with it
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let stdout = '';
    let stderr = '';
    let seen = '';
    let hang;
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.stdio[3].on('data', (text) => (seen = `${seen}${text}`.slice(-8_000)));
    const limit = setTimeout(() => {
      hang = [
        ...seen
          .trim()
          .split('\n')
          .slice(-3)
          .map((line) => `the heaps: ${line}`),
        ...describeProcess(child.pid),
      ];
      process.kill(-child.pid, 'SIGKILL');
    }, limitSeconds * 1000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const line = stdout.trim().split('\n').at(-1) ?? '';
      const figures = line.startsWith('{') ? JSON.parse(line) : undefined;
      const ending = hang ? `hung for ${limitSeconds} s` : signal !== null ? `ended by ${signal}` : `ended with code ${code}`;
      resolve({ ok: hang === undefined && code === 0 && figures !== undefined, figures, ending, stderr, hang });
    });
  });
}

/** What each thread sleeps in, and the waiters of each userfaultfd; whatever of it may be read. */
function describeProcess(pid) {
  const read = (path) => {
    try {
      return readFileSync(`/proc/${pid}/${path}`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  const list = (path) => {
    try {
      return readdirSync(`/proc/${pid}/${path}`);
    } catch {
      return [];
    }
  };
  const lines = list('task').map((task) => {
    const stack = read(`task/${task}/stack`).split('\n').slice(0, 4).join(' | ');
    const state = /^State:\s*(\S)/m.exec(read(`task/${task}/status`))?.[1] ?? '?';
    return `thread ${task} ${read(`task/${task}/comm`)}: ${state} ${read(`task/${task}/wchan`)} ${stack}`.trimEnd();
  });
  for (const descriptor of list('fd')) {
    let target = '';
    try {
      target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    } catch {
      continue;
    }
    if (target.includes('userfaultfd')) lines.push(`descriptor ${descriptor}: ${read(`fdinfo/${descriptor}`).replaceAll(/\s+/g, ' ')}`);
  }
  return lines;
}
