/**
 * The native tests: each native/test/NAME_test.cc is an executable that links os/, heap/ and gc/ but no Node, and passes if it exits
 * with 0. Exit code 77 means that this machine cannot run it (the reason is its last line) and counts as skipped.
 *
 *   FAULTLINE_SANITIZE=address,undefined | thread | undefined     builds and runs them under a sanitizer (npm run test:asan, …)
 *   FAULTLINE_LONG=1                                              is passed on: more rounds
 *   FAULTLINE_NATIVE=changed                                      only those that have not passed since they were linked
 *   FAULTLINE_NATIVE_SECONDS=n                                    the time limit of each; a hang is a failure
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXECUTABLES, SANITIZER as sanitize } from './support/build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'native', 'test');
const SKIPPED = 77;

const executables = join(ROOT, EXECUTABLES);
const limitMs = 1000 * Number(process.env['FAULTLINE_NATIVE_SECONDS'] ?? (sanitize ? 300 : 120));
const names = existsSync(SOURCES)
  ? readdirSync(SOURCES)
      .filter((file) => file.endsWith('_test.cc'))
      .map((file) => file.slice(0, -'.cc'.length))
  : [];

/** The sanitizers' shadow memory has a fixed place, which kernels with much address randomization may already use. */
function sanitizerLauncher(): string[] {
  const launcher = ['setarch', process.arch === 'arm64' ? 'aarch64' : 'x86_64', '-R'];
  return sanitize && spawnSync(launcher[0]!, [...launcher.slice(1), 'true']).status === 0 ? launcher : [];
}

interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

function run(command: readonly string[], timeoutMs: number): Promise<Ending> {
  return new Promise((done, fail) => {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: ROOT,
      detached: true, // its own process group, so that whatever it started ends with it
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { UBSAN_OPTIONS: 'print_stacktrace=1', TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1', ...process.env },
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    const clock = setTimeout(() => {
      output += `\nkilled after ${timeoutMs / 1000} s`;
      process.kill(-child.pid!, 'SIGKILL');
    }, timeoutMs);
    child.on('error', fail);
    child.on('close', (status, signal) => {
      clearTimeout(clock);
      done({ status, signal, output });
    });
  });
}

/** What stands beside an executable that has passed, and when that executable was linked. */
const passed = (name: string): string => join(executables, `${name}.passed`);
const linked = (name: string): string => String(statSync(join(executables, name)).mtimeMs);
const isWanted = (name: string): boolean =>
  process.env['FAULTLINE_NATIVE'] !== 'changed' || !existsSync(passed(name)) || readFileSync(passed(name), 'utf8') !== linked(name);

describe.concurrent(`native tests${sanitize && ` (${sanitize} sanitizer)`}`, () => {
  it('exist', () => expect(names).not.toEqual([]));

  for (const name of names.filter(isWanted)) {
    it(
      name,
      async (context) => {
        const version = linked(name);
        const { status, signal, output } = await run([...sanitizerLauncher(), join(executables, name)], limitMs);
        if (status === SKIPPED) context.skip(output.trim().split('\n').at(-1));
        expect({ status, signal }, output.slice(-8_000)).toEqual({ status: 0, signal: null });
        writeFileSync(passed(name), version);
      },
      limitMs + 5_000,
    );
  }
});
