/**
 * The API reference: everything that is exported, and every method of it, has a doc comment, and every link in one leads somewhere.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ROOT } from './markdown.ts';

it('the API reference is made without a warning', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--emit', 'none'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 110_000,
  });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout + stderr).not.toMatch(/warning/i);
}, 120_000);
