/**
 * Build: everything that a project's tests load is built before the first of them runs. A stamp of all sources saves checking each output
 * if nothing changed; native/build.mjs and tsc find out what did change.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The sanitizers that the native tests are built with, as native/build.mjs names them, or nothing. */
export const SANITIZER = process.env['FAULTLINE_SANITIZE'] ?? '';

/** Where the executables of the native tests are, from the root. */
export const EXECUTABLES = join('build', SANITIZER.replaceAll(',', '-') || 'Release', 'test');

interface Part {
  readonly command: readonly [string, ...string[]];
  /** Without these the stamp means nothing. */
  readonly makes: readonly string[];
}

const LIBRARY: Part = {
  command: ['npm', 'run', '-s', 'build'],
  makes: ['build/Release/faultline.node', 'dist/index.js', 'dist/cli/main.js'],
};

const PARTS: Readonly<Record<string, Part>> = {
  // Programs and benchmarks are typed by the declarations of the built library.
  tools: { command: ['npm', 'run', '-s', 'build:ts'], makes: ['dist/index.js'] },
  heap: LIBRARY,
  wide: LIBRARY,
  process: LIBRARY,
  bench: {
    command: ['npm', 'run', '-s', 'build:bench'],
    makes: [...LIBRARY.makes, 'build/Release/bench/faultline.node', 'build/bench/invocation.js'],
  },
  native: {
    command: [process.execPath, 'native/build.mjs', '--tests', ...(SANITIZER ? [`--sanitize=${SANITIZER}`] : [])],
    makes: [EXECUTABLES],
  },
};

/** Whatever the outputs depend on: the sources by name, size and time, and what the compilers are told. */
function stampOf({ command }: Part): string {
  const told = ['CXX', 'CXXFLAGS', 'LDFLAGS'].map((name) => process.env[name] ?? '');
  const hash = createHash('sha256').update(JSON.stringify([command, told]));
  const sources = ['native', 'src', 'bench'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  for (const path of [...sources.sort(), ...['package-lock.json', 'tsconfig.json'].map((name) => join(ROOT, name))]) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

export default function build({ name }: TestProject): void {
  const part = PARTS[name]!;
  const file = join(ROOT, 'build', [name, SANITIZER, 'stamp'].filter(Boolean).join('.'));
  const stamp = stampOf(part);
  const isMade = existsSync(file) && part.makes.every((path) => existsSync(join(ROOT, path)));
  if (isMade && readFileSync(file, 'utf8') === stamp) return;
  rmSync(file, { force: true });
  const [program, ...words] = part.command;
  const { status } = spawnSync(program, words, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`what the tests of ${name} need does not build: see above`);
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(file, stamp);
}
