#!/usr/bin/env node
/**
 * Builds the native half: the addon build/Release/faultline.node and, with --tests, one executable for each *_test.cc and
 * *_bench.cc in native/test.
 *
 * It calls the C++ compiler itself. Everything needed is the compiler, node-addon-api and node-api-headers: no Python, no node-gyp,
 * no download of headers, and one binary that every Node from 20 on loads (Node-API 8).
 *
 * One object file per source, compiled in parallel. An object is up to date when its command line (and the compiler's version) is
 * the one it was made with and no file that went into it, as listed by -MMD, is newer. Outputs are written beside their place and
 * renamed into it: a process that has the old addon mapped keeps it, and two builds at once do no harm. All paths are relative to
 * the root, so that nothing of the machine gets into the binary and a copied tree stays up to date.
 *
 *   node native/build.mjs [options]
 *     --tests               also the native test and benchmark executables, in build/Release/test/
 *     --bench               also the addon with the native mutators of native/bench, build/Release/bench/faultline.node
 *     --debug               -O0, in build/Debug/
 *     --sanitize=LIST       address, undefined or thread, joined by commas, in build/<LIST joined by ->/.
 *                           With thread no addon is made: Node itself is not instrumented
 *     --check               builds nothing; one sentence and exit code 1 if `npm start` could not work
 *     --install             the package's install script: compiles only where no shipped or built addon can be loaded, and leaves
 *                           a checkout to the prepare script, so that a fresh clone's `npm ci` builds once
 *   A build of a checkout also writes build/compile_commands.json, for clangd.
 *   CXX names the compiler (default c++). CXXFLAGS and LDFLAGS are added at the end of the command lines.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const LAYERS = ['os', 'pages', 'heap', 'gc']; // what the native tests link; node/ is the addon's own
const SANITIZERS = ['address', 'undefined', 'thread'];
const OLDEST = { gcc: 10, clang: 12 };
const PRELUDE = join('native', 'prelude.h');
const GET_COMPILER = 'install g++ 10 or newer, for example apt-get install g++';

/** What the user can act upon: one sentence, no stack trace. */
class BuildError extends Error {}

// ---------------------------------------------------------------------------------------------------- compiler

/** Returns the words of the command (CXX may be "ccache g++") and what identifies the compiler, or throws. */
function findCompiler() {
  const asked = process.env.CXX?.trim();
  for (const name of asked ? [asked] : ['c++', 'g++', 'clang++']) {
    const words = name.split(/\s+/);
    const said = spawnSync(words[0], [...words.slice(1), '--version'], { encoding: 'utf8' });
    if (said.error || said.status !== 0) continue;
    const banner = said.stdout.split('\n', 1)[0];
    const kind = /clang/i.test(banner) ? 'clang' : 'gcc';
    const major = Number(spawnSync(words[0], [...words.slice(1), '-dumpversion'], { encoding: 'utf8' }).stdout.split('.')[0]);
    if (major < OLDEST[kind]) {
      throw new BuildError(`the C++ compiler is too old (${banner}; needed: ${kind} ${OLDEST[kind]} or newer): ${GET_COMPILER}`);
    }
    return { words, banner, kind };
  }
  const missing = asked ? `cannot run the C++ compiler that CXX names (${asked})` : 'no C++ compiler found';
  throw new BuildError(`${missing}: ${GET_COMPILER}`);
}

/** Node-API's and node-addon-api's headers, relative to the root; by way of our node_modules even if that is a link. */
function headerFolders() {
  const require = createRequire(import.meta.url);
  try {
    return ['node-api-headers', 'node-addon-api'].map((name) => {
      const folder = require(name).include_dir.replaceAll('"', ''); // node-addon-api gives its path in quotes
      const near = join('node_modules', name);
      return existsSync(near) ? join(near, relative(realpathSync(near), folder)) : relative(ROOT, folder);
    });
  } catch {
    throw new BuildError('the packages node-api-headers and node-addon-api are missing: run npm ci first');
  }
}

/** Names in build/ say how a thing was built, so that no two ways share an object file. */
function plan({ sanitize, debug, install, tests, bench }) {
  const sanitizers = sanitize ? sanitize.split(',').filter(Boolean) : [];
  const unknown = sanitizers.find((name) => !SANITIZERS.includes(name));
  if (unknown !== undefined) throw new BuildError(`--sanitize=${unknown} is not one of ${SANITIZERS.join(', ')}`);
  if (sanitizers.includes('thread') && sanitizers.includes('address')) {
    throw new BuildError('--sanitize: thread and address cannot be combined');
  }
  const checked = debug || sanitizers.length > 0;
  const folder = join('build', [debug ? 'Debug' : sanitizers.length ? '' : 'Release', ...sanitizers].filter(Boolean).join('-'));
  const instrument = sanitizers.length ? [`-fsanitize=${sanitizers.join(',')}`, '-fno-sanitize-recover=all'] : [];
  // biome-ignore format: flags that belong together stand in one line.
  const compile = [
    '-std=c++20', debug ? '-O0' : sanitizers.length ? '-O1' : '-O2', debug ? '-g' : '-g1', '-fPIC', '-fvisibility=hidden', '-fno-exceptions', '-fno-rtti',
    '-Wall', '-Wextra', ...(install ? [] : ['-Werror']), // a later compiler's new warning must not break an installation
    '-pthread', `-ffile-prefix-map=${ROOT}=.`,
    ...(checked ? ['-fno-omit-frame-pointer'] : []),
    ...instrument,
    '-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_GYP_MODULE_NAME=faultline',
    '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', // a worker that is terminated while it loads the addon cannot throw
    '-Inative', ...headerFolders().flatMap((folder) => ['-isystem', folder]),
    ...(process.env.CXXFLAGS?.split(/\s+/).filter(Boolean) ?? []),
  ];
  const link = ['-pthread', ...instrument, ...(process.env.LDFLAGS?.split(/\s+/).filter(Boolean) ?? [])];
  return { folder, compile, link, tests, bench, addon: !sanitizers.includes('thread') };
}

// ---------------------------------------------------------------------------------------------------- what is up to date

function sourcesIn(folder) {
  const path = join('native', folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.cc'))
    .sort()
    .map((name) => join(path, name));
}

/** The prerequisites in a make rule "object: a b \ c"; a backslash protects a blank inside a name. */
function readDependencies(file) {
  const rule = readFileSync(file, 'utf8').replaceAll('\\\n', ' ');
  return (
    rule
      .slice(rule.indexOf(':') + 1)
      .match(/(?:\\ |\S)+/g)
      ?.map((name) => name.replaceAll('\\ ', ' ')) ?? []
  );
}

/** When a file came to be what it is. An object is dated back (see make), so what counts is when it was put in its place. */
const changed = (file) => (file.endsWith('.o') ? statSync(file).ctimeMs : statSync(file).mtimeMs);

function isUpToDate(output, stamp, inputs) {
  try {
    if (readFileSync(`${output}.stamp`, 'utf8') !== stamp) return false;
    const made = statSync(output).mtimeMs;
    return inputs().every((input) => changed(input) <= made);
  } catch {
    return false; // something is missing: make it
  }
}

/** The machine's own path in -ffile-prefix-map says nothing about the output, and would tie it to this folder. */
const stampOf = (compiler, words) =>
  createHash('sha256')
    .update([compiler.banner, ...words.filter((word) => !word.startsWith('-ffile-prefix-map'))].join('\0'))
    .digest('hex');

// ---------------------------------------------------------------------------------------------------- running commands

function run(words) {
  return new Promise((done) => {
    const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (error) => done({ ok: false, output: `${error.message}\n` }));
    child.on('close', (status) => done({ ok: status === 0, output }));
  });
}

/** Makes one output: `words` plus `-o` a neighbour of it, then renamed. Dated back to the start, so that an edit meanwhile counts. */
async function make(output, words, stamp) {
  const draft = `${output}.${process.pid}.tmp`;
  const started = (performance.timeOrigin + performance.now()) / 1000;
  mkdirSync(dirname(output), { recursive: true });
  const { ok, output: said } = await run([...words, '-o', draft]);
  if (said) process.stderr.write(said);
  if (!ok) {
    rmSync(draft, { force: true });
    return false;
  }
  rmSync(`${output}.stamp`, { force: true });
  utimesSync(draft, started, started);
  renameSync(draft, output);
  writeFileSync(`${output}.stamp`, stamp);
  return true;
}

/** Runs jobs as many at once as there are CPUs; after a failure no new one starts, but the running ones may still speak. */
async function inParallel(jobs) {
  const failed = [];
  const waiting = [...jobs];
  const worker = async () => {
    for (let job = waiting.shift(); job && failed.length === 0; job = waiting.shift()) {
      if (!(await job.start())) failed.push(job.name);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
  if (failed.length) throw new BuildError(`the native part does not build: ${failed.join(', ')} failed, see above`);
}

// ---------------------------------------------------------------------------------------------------- the build

/**
 * The words that let g++ parse the most used headers once for all sources, where that can be had: clang has other words, and ccache
 * would keep nothing. No source relies on it; each includes what it uses.
 */
async function precompile({ words, banner, kind }, compile, folder) {
  if (kind !== 'gcc' || words.some((word) => word.includes('ccache'))) return [];
  const header = join(folder, 'obj', 'prelude.h');
  const command = [...words, ...compile, '-x', 'c++-header', PRELUDE];
  const stamp = stampOf({ banner }, command);
  mkdirSync(dirname(header), { recursive: true });
  writeFileSync(header, '#include "prelude.h"\n'); // for a g++ that does not take what was made
  if (!isUpToDate(`${header}.gch`, stamp, () => [PRELUDE]) && !(await make(`${header}.gch`, command, stamp))) return [];
  return ['-include', header];
}

async function build(options) {
  const compiler = findCompiler();
  const { folder, compile, link, tests, bench, addon } = plan(options);
  const started = performance.now();

  const objectOf = (source) => join(folder, 'obj', `${relative('native', source).slice(0, -'.cc'.length)}.o`);
  const core = LAYERS.flatMap(sourcesIn);
  const glue = addon ? sourcesIn('node') : [];
  const checks = tests ? sourcesIn('test') : [];
  const benches = bench && addon ? sourcesIn('bench') : [];
  const commandOf = (file) => ({
    file,
    output: objectOf(file),
    words: [
      ...compiler.words,
      ...compile,
      ...(file.startsWith(join('native', 'bench')) ? ['-fexceptions', '-ffp-contract=off'] : []),
      '-c',
      file,
    ],
  });
  const commands = [...core, ...glue, ...checks, ...benches].map(commandOf);

  const stale = commands.filter(
    ({ output, words }) => !isUpToDate(output, stampOf(compiler, words), () => readDependencies(`${output}.d`)),
  );
  const prelude = stale.length ? await precompile(compiler, compile, folder) : [];
  await inParallel(
    stale.map(({ file, output, words }) => ({
      name: file,
      start: () =>
        make(
          output,
          [...words, ...(words.includes('-fexceptions') ? [] : prelude), '-MMD', '-MF', `${output}.d`, '-MQ', output],
          stampOf(compiler, words),
        ),
    })),
  );

  const isProgram = (file) => /_(test|bench)\.cc$/.test(file);
  const support = checks.filter((file) => !isProgram(file));
  const products = checks.filter(isProgram).map((file) => ({
    output: join(folder, 'test', relative(join('native', 'test'), file).slice(0, -'.cc'.length)),
    objects: [file, ...support, ...core].map(objectOf),
    flags: [],
  }));
  if (glue.length) {
    // nodelete: an addon that only a worker loaded would be unmapped when the worker ends, under V8's and our own threads' feet
    const flags = ['-shared', '-Wl,-z,nodelete'];
    products.unshift({ output: join(folder, 'faultline.node'), objects: [...core, ...glue].map(objectOf), flags });
    if (benches.length) {
      const shared = glue.filter((file) => file !== join('native', 'node', 'addon.cc'));
      products.push({ output: join(folder, 'bench', 'faultline.node'), objects: [...core, ...shared, ...benches].map(objectOf), flags });
    }
  }
  const links = products
    .map((product) => ({ ...product, words: [...compiler.words, ...product.flags, ...link, ...product.objects] }))
    .filter(({ output, words, objects }) => !isUpToDate(output, stampOf(compiler, words), () => objects));
  await inParallel(links.map(({ output, words }) => ({ name: output, start: () => make(output, words, stampOf(compiler, words)) })));

  if (folder === join('build', 'Release')) writeCompileCommands(commandOf);
  if (stale.length || links.length) {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.error(
      `native: ${stale.length} of ${commands.length} files compiled, ` +
        `${links.length} of ${products.length} linked in ${folder} (${seconds} s)`,
    );
  }
}

/** For clangd, which looks in build/ too, and other tools: the command line of every source, whatever was asked to be built. */
function writeCompileCommands(commandOf) {
  if (!isCheckout()) return;
  const path = join('build', 'compile_commands.json');
  const entries = [...LAYERS, 'node', 'test', 'bench']
    .flatMap(sourcesIn)
    .map(commandOf)
    .map(({ file, output, words }) => ({ directory: ROOT, file, output, arguments: [...words, '-o', output] }));
  const text = `${JSON.stringify(entries, null, 1)}\n`;
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}

// ---------------------------------------------------------------------------------------------------- --install and --check

/** The published package ships without src/. */
const isCheckout = () => existsSync('src');

/** Tries the addon where src/binding.ts looks for it. Returns what stands in the way, or undefined. */
function addonProblem() {
  const places = [join('prebuilds', `linux-${process.arch}`, 'faultline.node'), join('build', 'Release', 'faultline.node')];
  let problem = 'the addon is not built';
  for (const place of places.filter(existsSync)) {
    try {
      process.dlopen({ exports: {} }, resolve(place));
      return undefined;
    } catch (error) {
      problem = `the addon ${place} cannot be loaded (${error.message.split('\n', 1)[0]})`;
    }
  }
  return problem;
}

async function install(options) {
  if (isCheckout() || addonProblem() === undefined) return;
  await build(options);
  const problem = addonProblem();
  if (problem !== undefined) throw new BuildError(problem);
}

function check() {
  const problem = existsSync(join('dist', 'cli', 'main.js')) ? addonProblem() : 'the TypeScript part is not built';
  if (problem === undefined) return;
  try {
    findCompiler();
  } catch (error) {
    throw new BuildError(`${problem}, and ${error.message}, then run npm ci`);
  }
  throw new BuildError(`${problem}: run npm ci, or npm run build if it ran already`);
}

// ---------------------------------------------------------------------------------------------------- command line

try {
  if (process.platform !== 'linux') {
    throw new BuildError(`Faultline runs on Linux only (this is ${process.platform}): its barrier is the Linux kernel's page fault`);
  }
  const { values } = parseArgs({
    options: {
      tests: { type: 'boolean', default: false },
      bench: { type: 'boolean', default: false },
      debug: { type: 'boolean', default: false },
      sanitize: { type: 'string', default: '' },
      install: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  process.chdir(ROOT);
  if (values.check) check();
  else if (values.install) await install(values);
  else await build(values);
} catch (error) {
  if (!(error instanceof BuildError) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`faultline: ${error.message}`);
  process.exitCode = 1;
}
