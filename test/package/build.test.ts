/**
 * The build driver, in a small tree of its own with its own sources: what it makes, what it leaves alone, and that each thing that
 * stops it is one sentence and not a stack trace.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD = 'native/build.mjs';
const ADDON = 'build/Release/faultline.node';
/** Node's `--import` of this makes a script believe that it runs on another system. */
const ON_DARWIN = ['--import', 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})'];

const ADDON_SOURCE = `
#include <node_api.h>
#include "os/answer.h"
NAPI_MODULE_INIT() {
  napi_value number;
  napi_create_int32(env, answer(), &number);
  napi_set_named_property(env, exports, "answer", number);
  return exports;
}
`;

let tree: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

function node(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: tree, encoding: 'utf8', env: { ...process.env, ...env } });
  return { status, stdout, stderr };
}

function expectOneSentence(result: ReturnType<typeof node>, sentence: RegExp): void {
  expect(result.stderr.trim().split('\n')).toEqual([expect.stringMatching(sentence)]);
  expect(result.stdout).toBe('');
  expect(result.status).toBe(1);
}

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'faultline-build-'));
  cpSync(join(ROOT, BUILD), join(tree, BUILD));
  cpSync(join(ROOT, 'package.json'), join(tree, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  write('native/os/answer.h', 'int answer();\n');
  write('native/os/answer.cc', '#include "os/answer.h"\nint answer() { return 42; }\n');
  write('native/heap/other.cc', 'int other() { return 1; }\n');
  write('native/node/addon.cc', ADDON_SOURCE);
  write('native/test/answer_test.cc', '#include "os/answer.h"\nint main() { return answer() - 42; }\n');
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

describe('a build', () => {
  it('makes an addon that Node loads', () => {
    expect(node([BUILD])).toMatchObject({ status: 0, stderr: expect.stringContaining('3 of 3 files compiled, 1 of 1 linked') });
    const load = `const m = { exports: {} }; process.dlopen(m, './${ADDON}'); console.log(m.exports.answer)`;
    expect(node(['-e', load])).toMatchObject({ status: 0, stdout: '42\n' });
  });

  it('makes the native tests only when asked, without the Node layer', () => {
    node([BUILD]);
    expect(existsSync(join(tree, 'build/Release/test/answer_test'))).toBe(false);
    expect(node([BUILD, '--tests']).status).toBe(0);
    expect(spawnSync(join(tree, 'build/Release/test/answer_test')).status).toBe(0);
  });

  it('does nothing, and says nothing, when everything is up to date', () => {
    node([BUILD]);
    expect(node([BUILD])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('compiles again exactly what includes a changed header', () => {
    node([BUILD]);
    write('native/os/answer.h', 'int answer();\n\n');
    expect(node([BUILD]).stderr).toContain('2 of 3 files compiled');
  });

  it('compiles everything again when the flags change', () => {
    node([BUILD]);
    expect(node([BUILD], { CXXFLAGS: '-DOTHER' }).stderr).toContain('3 of 3 files compiled');
  });

  it('replaces the addon by a new file, so that a process that has it mapped keeps the old one', () => {
    node([BUILD]);
    const before = statSync(join(tree, ADDON)).ino;
    write('native/os/answer.cc', '#include "os/answer.h"\nint answer() { return 43; }\n');
    node([BUILD]);
    expect(statSync(join(tree, ADDON)).ino).not.toBe(before);
  });

  it('keeps sanitized objects apart', () => {
    node([BUILD]);
    const sanitized = node([BUILD, '--tests', '--sanitize=undefined']);
    expect(sanitized).toMatchObject({ status: 0, stderr: expect.stringContaining('build/undefined') });
    expect(node([BUILD])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('tells editors the command line of each source, of those too that were not asked for', () => {
    mkdirSync(join(tree, 'src'));
    node([BUILD]);
    const entries = JSON.parse(readFileSync(join(tree, 'build/compile_commands.json'), 'utf8')) as { file: string; arguments: string[] }[];
    const files = ['native/os/answer.cc', 'native/heap/other.cc', 'native/node/addon.cc', 'native/test/answer_test.cc'];
    expect(entries.map(({ file }) => file)).toEqual(files);
    for (const { file, arguments: words } of entries) expect(words).toEqual(expect.arrayContaining(['-std=c++20', '-Inative', file]));
  });

  it('shows what the compiler said and names the file that failed', () => {
    write('native/os/answer.cc', 'int answer() { return; }\n');
    const { status, stderr } = node([BUILD]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/native\/os\/answer\.cc:1:\d+: error/);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^faultline: the native part does not build: native\/os\/answer\.cc failed/);
    expect(stderr).not.toContain('at async');
    expect(existsSync(join(tree, ADDON))).toBe(false);
  });
});

describe('one sentence and exit code 1', () => {
  it('without a C++ compiler', () => {
    mkdirSync(join(tree, 'empty'));
    const noTools = { PATH: join(tree, 'empty'), CXX: '' };
    expectOneSentence(node([BUILD], noTools), /^faultline: no C\+\+ compiler found: install g\+\+ 10 or newer/);
    write('dist/cli/main.js', '');
    expectOneSentence(node([BUILD, '--check'], noTools), /^faultline: the addon is not built, and no C\+\+ compiler found: install g\+\+/);
  });

  it('when CXX names something that does not run', () => {
    expectOneSentence(node([BUILD], { CXX: 'no-such-compiler' }), /CXX names \(no-such-compiler\): install g\+\+/);
  });

  it('when the compiler is too old', () => {
    write('old-g++', '#!/bin/sh\n[ "$1" = --version ] && echo "g++ (GCC) 9.4.0" || echo 9\n');
    chmodSync(join(tree, 'old-g++'), 0o755);
    expectOneSentence(node([BUILD], { CXX: join(tree, 'old-g++') }), /too old \(g\+\+ \(GCC\) 9\.4\.0; needed: gcc 10 or newer\)/);
  });

  it('on another system than Linux', () => {
    for (const flags of [[], ['--install'], ['--check']]) {
      expectOneSentence(node([...ON_DARWIN, BUILD, ...flags]), /^faultline: Faultline runs on Linux only \(this is darwin\)/);
    }
  });

  it('for an unknown option or sanitizer', () => {
    expectOneSentence(node([BUILD, '--bogus']), /--bogus/);
    expectOneSentence(node([BUILD, '--sanitize=memory']), /--sanitize=memory is not one of address, undefined, thread/);
    expectOneSentence(node([BUILD, '--sanitize=address,thread']), /cannot be combined/);
  });

  it('when the package is started before it is built', () => {
    expectOneSentence(node([BUILD, '--check']), /^faultline: the TypeScript part is not built: run npm ci/);
    write('dist/cli/main.js', '');
    expectOneSentence(node([BUILD, '--check']), /^faultline: the addon is not built: run npm ci/);
  });
});

describe('the install script', () => {
  it('leaves a checkout to the prepare script', () => {
    mkdirSync(join(tree, 'src'));
    expect(node([BUILD, '--install'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(tree, 'build'))).toBe(false);
  });

  it('compiles where no addon was shipped, and only once', () => {
    expect(node([BUILD, '--install'])).toMatchObject({ status: 0, stderr: expect.stringContaining('linked') });
    rmSync(join(tree, 'build/Release/obj'), { recursive: true });
    expect(node([BUILD, '--install'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(tree, 'build/Release/obj'))).toBe(false);
  });

  it('compiles nothing, and needs no compiler, where the shipped addon can be loaded', () => {
    node([BUILD]);
    mkdirSync(join(tree, `prebuilds/linux-${process.arch}`), { recursive: true });
    cpSync(join(tree, ADDON), join(tree, `prebuilds/linux-${process.arch}/faultline.node`));
    rmSync(join(tree, 'build'), { recursive: true });
    expect(node([BUILD, '--install'], { PATH: '' })).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(tree, 'build'))).toBe(false);
  });

  it('compiles where the shipped addon cannot be loaded', () => {
    write(`prebuilds/linux-${process.arch}/faultline.node`, 'for another machine');
    expect(node([BUILD, '--install'])).toMatchObject({ status: 0, stderr: expect.stringContaining('linked') });
    expect(existsSync(join(tree, ADDON))).toBe(true);
  });

  it('does not fail on a warning, as a build in a checkout does', () => {
    write('native/os/answer.cc', '#include "os/answer.h"\nint answer() { int unused; return 42; }\n');
    expect(node([BUILD]).status).toBe(1);
    expect(node([BUILD, '--install']).status).toBe(0);
  });
});
