/**
 * What docs/deployment.md says of bundlers, containers and `using` is so: the configurations that it quotes are run.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import ts from 'typescript';
import { parse } from 'yaml';
import { read, ROOT } from './markdown.ts';

const OUT = join(ROOT, 'build/bundles');
beforeAll(() => void mkdirSync(OUT, { recursive: true }));
afterAll(() => rmSync(OUT, { recursive: true, force: true }));

function run(words: readonly string[], input = ''): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  expect({ status, signal }, stderr + stdout).toEqual({ status: 0, signal: null });
  return stdout;
}

/** What `npx webpack` does; the package of that command needs a newer Node than this library. */
const WEBPACK = `
  import webpack from 'webpack';
  import config from './examples/bundlers/webpack.config.mjs';
  webpack(config, (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
  });`;

describe('a program that is bundled', () => {
  const BUNDLERS = {
    esbuild: { words: ['examples/bundlers/esbuild.mjs'], made: 'esbuild.mjs' },
    Rollup: {
      words: ['node_modules/rollup/dist/bin/rollup', '--silent', '--config', 'examples/bundlers/rollup.config.mjs'],
      made: 'rollup.mjs',
    },
    Vite: { words: ['node_modules/vite/bin/vite.js', 'build', '--config', 'examples/bundlers/vite.config.mjs'], made: 'vite/program.js' },
    webpack: { words: ['--input-type=module', '--eval', WEBPACK], made: 'webpack.mjs' },
  };

  it.each(Object.entries(BUNDLERS))('has the library outside and works: %s', (_, { words, made }) => {
    run(words);
    const path = join(OUT, made);
    expect(readFileSync(path, 'utf8')).toMatch(/from\s*["']faultline["']/);
    expect(run([path])).toBe('from the worker: 42\n');
  });
});

describe('the seccomp profile', () => {
  const made = (profile: object): { syscalls: object[] } =>
    JSON.parse(run(['examples/deployment/seccomp-profile.mjs'], JSON.stringify(profile))) as { syscalls: object[] };
  const rule = { names: ['userfaultfd'], action: 'SCMP_ACT_ALLOW' };
  const plain = { names: ['read'], action: 'SCMP_ACT_ALLOW' };

  it('is the one that is given, and allows userfaultfd besides', () => {
    const given = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [plain] };
    const profile = made(given);
    expect(profile).toEqual({ ...given, syscalls: [plain, rule] });
    expect(made(profile)).toEqual(profile);
  });

  it('does so for everybody where the one that is given does it for a few', () => {
    const privileged = { ...rule, includes: { caps: ['CAP_SYS_PTRACE'] } };
    expect(made({ syscalls: [privileged] }).syscalls).toEqual([privileged, rule]);
  });

  it('that is finished allows userfaultfd, whatever the library calls itself, and nothing that reaches beyond the container', () => {
    interface Rule {
      names: string[];
      action: string;
      args?: object[];
    }
    const finished = JSON.parse(read('examples/deployment/faultline.json')) as { defaultAction: string; syscalls: Rule[] };
    expect(finished.defaultAction).toBe('SCMP_ACT_ERRNO');
    const allowed = new Set(
      finished.syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined).flatMap(({ names }) => names),
    );
    const native = ['futex', 'threads', 'userfaultfd_calls', 'chained_action', 'bystander']
      .map((name) => read(`native/os/${name}.cc`))
      .join('');
    const called = [...native.matchAll(/syscall\(SYS_(\w+)/g)].map(([, name]) => name!);
    expect(called).toContain('userfaultfd');
    expect(called.filter((name) => !allowed.has(name))).toEqual([]);
    const beyond = ['bpf', 'clone', 'clone3', 'init_module', 'io_uring_setup', 'keyctl', 'mount', 'ptrace', 'setns', 'socket', 'unshare'];
    expect(beyond.filter((name) => allowed.has(name))).toEqual([]);
    expect(made(finished).syscalls).toEqual(finished.syscalls);
  });

  it('is where the pod looks for it', () => {
    const pod = parse(readFileSync(join(ROOT, 'examples/deployment/pod.yaml'), 'utf8')) as {
      spec: { securityContext: { seccompProfile: object } };
    };
    expect(pod.spec.securityContext.seccompProfile).toEqual({ type: 'Localhost', localhostProfile: 'profiles/faultline.json' });
  });
});

describe('using', () => {
  it('works for all that can be declared with it, translated for every version of Node', () => {
    const source = `
      import { Heap } from 'faultline';
      await using heap = Heap.create({ capacityBytes: '4M' });
      using mutator = heap.attachMutator();
      using range = mutator.createRootRange(2);
      using lock = heap.createLock();
      {
        using held = await lock.acquire();
        console.log(lock.owned);
      }
      using pin = heap.pin(heap.createPinnable(heap.defineShape({ name: 'bytes', elements: 'u8' }), 10));
      console.log(lock.owned, range.used);`;
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    expect(outputText).not.toContain('using lock');
    const path = join(OUT, 'using.mjs');
    writeFileSync(path, outputText);
    expect(run([path])).toBe('true\nfalse 0\n');
  });

  it('is said of every kind of thing that has it', () => {
    expect(read('docs/deployment.md')).toContain('Heaps (`await using`), mutators, views, pins, root ranges and held locks');
  });
});
