/**
 * clang-tidy, if installed, reports nothing for the native part: `npm run lint:native`, and the long form of the tests.
 * CLANG_TIDY names a binary to use instead of the one in PATH. The list of checks is .clang-tidy.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SHORT } from './support/modes.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TIDY = process.env['CLANG_TIDY'] ?? 'clang-tidy';
const isThere = spawnSync(TIDY, ['--version']).status === 0;
/** Loading the program takes longer than a file. */
const FILES_AT_ONCE = 8;

async function complaintsAbout(files: readonly string[]): Promise<string> {
  try {
    await promisify(execFile)(TIDY, ['-p', 'build', '--quiet', ...files], { cwd: ROOT, maxBuffer: 1 << 26 });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout || (error as Error).message;
  }
}

it.skipIf(SHORT || !isThere)(
  'clang-tidy finds nothing',
  async () => {
    const commands = JSON.parse(readFileSync(join(ROOT, 'build/compile_commands.json'), 'utf8')) as { file: string }[];
    const files = [...new Set(commands.map(({ file }) => file))];
    const complaints: string[] = [];
    const look = async (): Promise<void> => {
      while (files.length > 0) complaints.push(await complaintsAbout(files.splice(0, FILES_AT_ONCE)));
    };
    await Promise.all([look(), look()]);
    expect(complaints.join('')).toBe('');
  },
  20 * 60_000,
);
