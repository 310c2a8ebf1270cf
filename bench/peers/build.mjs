#!/usr/bin/env node
/**
 * Builds the peer programs into build/peers/, each with its own tool chain from Debian's packages. A peer whose tools are missing is
 * skipped by name, with the command that installs them; it is never left out silently.
 *
 *   node bench/peers/build.mjs [--install]
 *     --install    first installs the missing packages with apt-get (root, Debian or Ubuntu)
 *
 * The exit code is 1 when a program could not be compiled, 0 when peers were only skipped.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SOURCES = dirname(fileURLToPath(import.meta.url));
const PROGRAMS = resolve(SOURCES, '../../build/peers');
/** Has any_heap/, the workloads in C++; the heap's own headers cannot be found from there. */
const WORKLOADS = resolve(SOURCES, '../../native/bench');

const files = (folder, ending) =>
  readdirSync(join(SOURCES, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(SOURCES, folder, name));

const succeeds = (command) => spawnSync(command[0], command.slice(1), { stdio: 'ignore' }).status === 0;

/** Whether the C++ compiler finds a header and a library. */
const links = (header, flags) =>
  spawnSync('c++', ['-x', 'c++', '-', ...flags, '-o', '/dev/null'], {
    input: `#include <${header}>\nint main() {}`,
    stdio: ['pipe', 'ignore', 'ignore'],
  }).status === 0;

const loads = (library) => {
  const { stdout, status } = spawnSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return status === 0 && stdout.includes(library);
};

const cpp = (output, collections, ...flags) => {
  const sources = files('cpp', '.cc').filter((path) => !/collections_/.test(path));
  return [
    'c++',
    '-std=c++20',
    '-O2',
    '-ffp-contract=off',
    '-Wall',
    '-Wextra',
    '-pthread',
    '-I',
    WORKLOADS,
    '-o',
    join(PROGRAMS, output),
    ...sources,
    join(SOURCES, 'cpp', `collections_${collections}.cc`),
    ...flags,
  ];
};

const STEPS = [
  {
    peers: 'openjdk-*',
    packages: ['openjdk-17-jdk-headless'],
    present: () => succeeds(['javac', '-version']) && succeeds(['java', '-version']),
    command: () => ['javac', '-Xlint:all', '-Werror', '-d', join(PROGRAMS, 'java'), ...files('java', '.java')],
  },
  {
    peers: 'go, go-limit',
    packages: ['golang-go'],
    present: () => succeeds(['go', 'version']),
    command: () => ['go', 'build', '-buildvcs=false', '-o', join(PROGRAMS, 'go-peer'), '.'],
    folder: 'go',
  },
  {
    peers: 'bdwgc',
    packages: ['g++', 'libgc-dev'],
    present: () => links('gc.h', ['-lgc']),
    command: () => cpp('bdwgc-peer', 'bdwgc', '-DFAULTLINE_BDWGC', '-lgc'),
  },
  {
    peers: 'malloc-*',
    packages: ['g++'],
    present: () => succeeds(['c++', '--version']),
    command: () => cpp('malloc-peer', 'malloc'),
  },
  {
    peers: 'sbcl',
    packages: ['sbcl'],
    present: () => succeeds(['sbcl', '--version']),
    command: () => {
      const compiled = `(compile-file "program.lisp" :output-file ${JSON.stringify(join(PROGRAMS, 'sbcl-peer.fasl'))})`;
      const quietly = `(let ((*compile-verbose* nil)) (when (nth-value 2 ${compiled}) (sb-ext:exit :code 1)))`;
      return ['sbcl', '--noinform', '--non-interactive', '--eval', quietly];
    },
    folder: 'lisp',
  },
  {
    peers: 'ocaml',
    packages: ['ocaml-nox'],
    present: () => succeeds(['ocamlopt', '-version']),
    command: () => {
      // The compiler writes its objects beside the sources.
      const copies = join(PROGRAMS, 'ocaml');
      cpSync(join(SOURCES, 'ocaml'), copies, { recursive: true });
      return ['sh', '-c', `cd '${copies}' && ocamlopt -o ../ocaml-peer observation.c program.ml`];
    },
  },
  {
    peers: 'chez',
    packages: ['chezscheme'],
    present: () => succeeds(['chezscheme', '--version']),
    command: () => ['chezscheme', '--script', 'compile.ss', 'program.ss', join(PROGRAMS, 'chez-peer.so')],
    folder: 'scheme',
  },
  { peers: 'malloc-jemalloc', packages: ['libjemalloc2'], present: () => loads('libjemalloc.so.2') },
  { peers: 'malloc-mimalloc', packages: ['libmimalloc2.0'], present: () => loads('libmimalloc.so.2') },
];

function install(packages) {
  console.error(`installing ${packages.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env: environment }).status === 0;
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  return run(...wait, 'update') && run(...wait, 'install', '-y', '--no-install-recommends', ...packages);
}

const { values: options } = parseArgs({ options: { install: { type: 'boolean', default: false } } });
const absent = [...new Set(STEPS.filter((step) => !step.present()).flatMap((step) => step.packages))];
if (options.install && absent.length > 0) {
  if (process.getuid() !== 0 || !succeeds(['apt-get', '--version'])) console.error('cannot install: this needs root and apt-get');
  else if (!install(absent)) console.error('apt-get could not install all of them');
}

mkdirSync(join(PROGRAMS, 'java'), { recursive: true });
for (const { peers, packages, present, command, folder = '.' } of STEPS) {
  if (!present()) {
    console.error(`peers: ${peers} skipped: apt-get install ${packages.join(' ')}`);
    continue;
  }
  if (command === undefined) {
    console.error(`peers: ${peers} is there`);
    continue;
  }
  const [file, ...args] = command();
  const { status, error } = spawnSync(file, args, { cwd: join(SOURCES, folder), stdio: ['ignore', 2, 2] });
  if (status === 0) {
    console.error(`peers: ${peers} built`);
    continue;
  }
  console.error(`peers: ${peers} could not be built${error ? `: ${error.message}` : ''}`);
  process.exitCode = 1;
}
