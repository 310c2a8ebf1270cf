/**
 * Runs the tests under several Node versions, all with the same built addon: Node-API promises that it loads everywhere, and this
 * checks it. The native tests and the package tests do not depend on Node's version and are left out.
 *
 *   node scripts/node-matrix.mjs [major ...]        default: 20 22 24 26
 *
 * Each Node comes from npm as the package node-linux-<arch> (about 190 MB) and is kept in node_modules/.cache/faultline.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = `node-linux-${process.arch}`;
const majors = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];

function fetchNode(major) {
  const folder = join(ROOT, 'node_modules', '.cache', 'faultline', `node-${major}`);
  const node = join(folder, 'node_modules', PACKAGE, 'bin', 'node');
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const words = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    spawnSync('npm', [...words, `${PACKAGE}@${major}`], { cwd: folder, stdio: ['ignore', 2, 2] });
  }
  return existsSync(node) ? node : undefined;
}

function passes(major) {
  const node = fetchNode(major);
  if (node === undefined) return 'not available from npm';
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  console.log(`\n=== Node ${version}`);
  const words = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--exclude=test/package/**', '--exclude=test/native.test.ts'];
  const { status } = spawnSync(node, words, { cwd: ROOT, stdio: 'inherit' });
  return status === 0 ? `passes (${version})` : `FAILS (${version})`;
}

const results = majors.map((major) => [major, passes(major)]);
console.log(`\n${results.map(([major, result]) => `Node ${major}: ${result}`).join('\n')}`);
process.exitCode = results.every(([, result]) => result.startsWith('passes')) ? 0 : 1;
