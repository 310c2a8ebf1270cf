/**
 * The projects of vitest.config.ts: tests that are declared to need no build import nothing that is built, so that they give the same
 * result on a tree that was never built.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { UNIT_TESTS } from './support/unit-tests.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** All that a file imports, by any number of steps, and what of it is not there. */
function importsOf(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  if (!existsSync(path) || relative(ROOT, path).startsWith('dist')) return found;
  const statements = readFileSync(path, 'utf8').matchAll(/^(?:import|export|\} from)(?! type)[^;]*?'(\.[^']+)'/gm);
  for (const [, specifier] of statements) importsOf(join(dirname(path), specifier!), found);
  return found;
}

it.each(UNIT_TESTS)('needs no build: %s', (file) => {
  const imports = [...importsOf(join(ROOT, file))].map((path) => relative(ROOT, path));
  expect(imports).toContain(file);
  expect(imports.filter((path) => /^(dist|build)\/|\.node$|^test\/support\/(faultline|children)\./.test(path))).toEqual([]);
});
