/**
 * Builds: other trees than this one, to be compared with it. A commit is built aside, once, in build/bench-trees/, by the compiler of this
 * tree and with its benchmarks: both sides are measured by the same instrument, and differ in the library alone. A library that this tree's
 * benchmarks do not compile with keeps its own, and that is said.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argumentError } from './argument-error.ts';
import { PROJECT } from './project.ts';
import { say } from './progress.ts';

const TREES = join(PROJECT, 'build/bench-trees');
/** The measuring half: a tree that is built aside gets this tree's. */
const INSTRUMENT = ['bench', 'native/bench'];
/** What runs in an invocation. */
const OUTPUTS = ['build/Release/bench/faultline.node', 'dist', 'build/bench'];
/** The harness decides what is run and what is made of it, and runs in no invocation. */
const NOT_IN_AN_INVOCATION = /^build\/bench\/harness\/(?!contract|matrix)/;

/** Of this process: a branch may move while it runs. */
const commits = new Map<string, string>();
let instrumentHash: string | undefined;

/**
 * The folder of a build: a folder as it is, a commit where it is built; this tree without one. A tree that other benchmarks were built into
 * is another one. Throws ERR_OPTION for what is neither a folder nor a commit.
 */
export function treeOf(build: string | undefined): string {
  if (build === undefined || build === '.') return PROJECT;
  return isFolder(build) ? resolve(build) : join(TREES, `${resolved(build)}-${instrument()}`);
}

/** The commit that a build is of: `unknown` outside a clone; with `+` if something was not committed. */
export function commitOf(build: string | undefined): string {
  if (build !== undefined && build !== '.' && !isFolder(build)) return resolved(build);
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', treeOf(build), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}

/** Builds those that are commits and are not built yet. Throws ERR_OPTION for what does not build. */
export function prepareBuilds(builds: readonly (string | undefined)[]): void {
  for (const build of new Set(builds)) {
    if (build === undefined || isFolder(build) || existsSync(treeOf(build))) continue;
    const commit = resolved(build);
    say(`building ${build} (${commit}) in ${TREES}`);
    const draft = `${treeOf(build)}.draft`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    const archive = execFileSync('git', ['-C', PROJECT, 'archive', commit], { maxBuffer: 2 ** 30 });
    execFileSync('tar', ['-x', '-C', draft], { input: archive });
    symlinkSync(join(PROJECT, 'node_modules'), join(draft, 'node_modules'));
    const own = join(draft, 'own');
    for (const folder of INSTRUMENT) {
      cpSync(join(draft, folder), join(own, folder), { recursive: true });
      rmSync(join(draft, folder), { recursive: true });
      cpSync(join(PROJECT, folder), join(draft, folder), { recursive: true });
    }
    if (!isBuilt(draft)) {
      say(`${build} does not compile with the benchmarks of this tree: it is measured with its own`);
      for (const folder of INSTRUMENT) {
        rmSync(join(draft, folder), { recursive: true });
        cpSync(join(own, folder), join(draft, folder), { recursive: true });
      }
      if (!isBuilt(draft)) throw argumentError('build', 'a commit that builds (npm run build:bench)', build);
    }
    rmSync(own, { recursive: true });
    renameSync(draft, treeOf(build));
  }
}

/** What runs in an invocation of that build, in twelve hexadecimal digits: two builds of one commit may differ. */
export function fingerprintOf(build: string | undefined): string {
  return hashOf(treeOf(build), OUTPUTS, (name) => /\.(js|node)$/.test(name) && !NOT_IN_AN_INVOCATION.test(name));
}

/** The benchmarks that are built into other trees. */
function instrument(): string {
  return (instrumentHash ??= hashOf(PROJECT, INSTRUMENT, (name) => !name.startsWith('bench/harness/report/')));
}

function hashOf(tree: string, places: readonly string[], isIn: (name: string) => boolean): string {
  const hash = createHash('sha256');
  for (const path of places.flatMap((place) => filesOf(join(tree, place)))) {
    const name = path.slice(tree.length + 1);
    if (isIn(name)) hash.update(name).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function isBuilt(tree: string): boolean {
  const { status, stderr } = spawnSync('npm', ['run', '-s', 'build:bench'], { cwd: tree, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) say(stderr.trim().split('\n').slice(0, 5).join('\n'));
  return status === 0;
}

function isFolder(build: string): boolean {
  return /[./]/.test(build) && existsSync(join(resolve(build), 'package.json'));
}

function resolved(build: string): string {
  const known = commits.get(build);
  if (known !== undefined) return known;
  const words = ['-C', PROJECT, 'rev-parse', '--verify', '--quiet', '--short=12', `${build}^{commit}`];
  const { status, stdout } = spawnSync('git', words, { encoding: 'utf8' });
  if (status !== 0) throw argumentError('build', 'a commit of this repository, or a folder with a build of it', build);
  commits.set(build, stdout.trim());
  return stdout.trim();
}
