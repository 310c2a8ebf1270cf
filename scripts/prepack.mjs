/**
 * Runs before `npm pack` and `npm publish`: a clean TypeScript build (a file whose source is gone must not be shipped) and the addon,
 * without its debug information, in prebuilds/linux-<arch>/. npm 12 runs no install scripts of dependencies unless told to, so the
 * package has to work as unpacked; the install script compiles only if this binary cannot be loaded.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** Our own stdout is npm's: `npm pack` prints the name of the package there. */
const run = (command, ...words) => execFileSync(command, words, { stdio: ['ignore', 2, 2] });

rmSync('dist', { recursive: true, force: true });
run('npm', 'run', '-s', 'build');

const folder = `prebuilds/linux-${process.arch}`;
const draft = `${folder}/faultline.node.tmp`;
mkdirSync(folder, { recursive: true });
copyFileSync('build/Release/faultline.node', draft);
run('strip', '--strip-unneeded', draft);
renameSync(draft, `${folder}/faultline.node`);
process.dlopen({ exports: {} }, resolve(folder, 'faultline.node'));
