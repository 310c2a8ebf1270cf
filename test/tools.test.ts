/**
 * The tools for rules that no test of ours can check: types, lint, format, unused code. Each is a program, and its output is
 * the failure's message; `npm run format` fixes what the formatters complain about. `npm run check` runs these and test/tidy.test.ts. The
 * compiler sees src/ twice: the build before this test has compiled it as it is shipped.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CPP = ['native', 'bench']
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  .filter((path) => /\.(cc|h)$/.test(path) && !/(^|\/)build\//.test(path));

function complaintsOf(tool: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    execFile(join(ROOT, 'node_modules/.bin', tool), words, { cwd: ROOT, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve(error ? stdout + stderr || error.message : ''),
    );
  });
}

describe('no complaints', () => {
  it.concurrent.for([
    ['of the compiler', 'tsc', '-p', 'test/tsconfig.json'],
    ['of the linter', 'biome', 'lint', '--error-on-warnings', '.'],
    ['of the formatter of TypeScript, JavaScript and JSON', 'biome', 'format', '.'],
    ['of the formatter of C++', 'clang-format', '--dry-run', '-Werror', ...CPP],
    ['about files, exports and dependencies that nothing uses', 'knip', '--no-progress'],
  ])('%s', { timeout: 600_000 }, async ([, tool = '', ...words], { expect }) => {
    expect(await complaintsOf(tool, words)).toBe('');
  });
});
