/**
 * What a user gets: the package is made from a copy of the tree (making it cleans dist/, which other tests are using), its list of
 * files is checked, and it is installed into an empty folder with install scripts off, as npm 12 does by default, and used there.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localLinks } from '../docs/markdown.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_COPIED = /^(node_modules|\.git|prebuilds|build(?!$|\/Release(?!\/test)))(\/|$)/;
const PROGRAM = `
import { Heap } from 'faultline';
const heap = Heap.create({ capacityBytes: '16M' });
const pair = heap.defineShape({ name: 'pair', fields: { next: 'ref', value: 'u32' } });
const mutator = heap.attachMutator();
const handle = mutator.handle(mutator.allocate(pair));
mutator.u32[mutator.get(handle) * 2 + pair.field('value').offset] = 42;
await heap.collect();
console.log(mutator.u32[mutator.get(handle) * 2 + pair.field('value').offset]);
mutator.detach();
await heap.close();
`;

const work = mkdtempSync(join(tmpdir(), 'faultline-pack-'));
const copy = join(work, 'tree');
const app = join(work, 'app');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const tarball = join(work, `faultline-${version}.tgz`);
let files: string[] = [];

function run(cwd: string, command: string, ...words: string[]) {
  // What npm hands its scripts (npm test is one) would point the npm in here at the outer tree.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'INIT_CWD'));
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8', timeout: 240_000, killSignal: 'SIGKILL', env });
  return { status, stdout, stderr };
}

function expectSuccess(result: ReturnType<typeof run>): string {
  expect(result.status, result.stderr + result.stdout).toBe(0);
  return result.stdout;
}

beforeAll(() => {
  cpSync(ROOT, copy, { recursive: true, preserveTimestamps: true, filter: (path) => !NOT_COPIED.test(relative(ROOT, path)) });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }\n');
  expectSuccess(run(copy, 'npm', 'pack', '--silent', `--pack-destination=${work}`));
  files = expectSuccess(run(work, 'tar', '-tzf', tarball))
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  expectSuccess(run(app, 'npm', 'install', ...flags, tarball));
}, 600_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the package', () => {
  it('has the compiled library, the command and the addon', () => {
    const needed = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js'];
    expect(files).toEqual(expect.arrayContaining([...needed, `prebuilds/linux-${process.arch}/faultline.node`]));
  });

  it('has what compiling the addon on another machine needs', () => {
    expect(files).toEqual(expect.arrayContaining(['native/build.mjs', 'native/prelude.h']));
    const sources = ['os', 'pages', 'heap', 'gc', 'node'].flatMap((layer) =>
      readdirSync(join(ROOT, 'native', layer), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(cc|h)$/.test(name))
        .map((name) => `native/${layer}/${name}`),
    );
    expect(files).toEqual(expect.arrayContaining(sources));
  });

  it('has nothing else', () => {
    const allowed = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|CONTRIBUTING\.md|native\/(build\.mjs|prelude\.h))$/,
      /^docs\/[\w-]+\.md$/,
      /^examples\/.+\.(json|mjs|ts|patch)$/,
      /^dist\/.+\.(c?js|js\.map|d\.c?ts)$/,
      /^native\/(os|pages|heap|gc|node)\/.+\.(cc|h)$/,
      /^prebuilds\/linux-\w+\/faultline\.node$/,
    ];
    expect(files.filter((name) => !allowed.some((pattern) => pattern.test(name)))).toEqual([]);
  });

  it('has what its README, and the documents that leads to, link to', () => {
    // Benchmarks are made in a clone.
    const elsewhere = ['bench/experiments'];
    const folders = new Set(files.flatMap((name) => name.split('/').map((_, i, parts) => parts.slice(0, i).join('/'))));
    const missing = files
      .filter((name) => name === 'README.md' || /^docs\//.test(name))
      .flatMap((name) => localLinks(readFileSync(join(ROOT, name), 'utf8')).map((link) => [name, link.split('#')[0]!]))
      .filter(([, link]) => link !== '')
      .map(([name, link]) => normalize(join(dirname(name!), link!)).replace(/\/$/, ''))
      .filter((path) => !files.includes(path) && !folders.has(path) && !elsewhere.includes(path));
    expect(missing).toEqual([]);
  });

  it('has the sources in its source maps', () => {
    const installed = join(app, 'node_modules/faultline');
    const maps = files.filter((name) => name.endsWith('.js.map'));
    expect(maps.length).toBeGreaterThan(50);
    for (const name of maps) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, name), 'utf8')) as Record<string, string[]>;
      expect(sourcesContent, name).toHaveLength(sources!.length);
    }
  });

  it('has no compiled file whose source is gone', () => {
    const compiled = files.filter((name) => /^dist\/.+\.js$/.test(name));
    expect(compiled.filter((name) => !existsSync(join(ROOT, name.replace(/^dist/, 'src').replace(/\.js$/, '.ts'))))).toEqual([]);
  });

  it('is found by every resolver, as package.json promises', async () => {
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('has the types of what is imported, whichever way it is resolved', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
    // It is a module only. The oldest Node that it works in can require one.
    const expected = { kind: 'CJSResolvesToESM', resolutionKind: 'node16-cjs' };
    // What resolves as Node did before version 12 knows no parts of a package.
    const old = { entrypoint: './userfaultfd', kind: 'NoResolution', resolutionKind: 'node10' };
    expect(result).toMatchObject({
      types: { kind: 'included' },
      problems: [{ ...expected, entrypoint: '.' }, old, { ...expected, entrypoint: './userfaultfd' }],
    });
  });

  it('names no folder of the machine that made it', () => {
    const installed = join(app, 'node_modules/faultline');
    const addon = readFileSync(join(installed, `prebuilds/linux-${process.arch}/faultline.node`));
    expect([ROOT, work].filter((folder) => addon.includes(folder))).toEqual([]);
    expect(files.filter((name) => readFileSync(join(installed, name)).includes(work))).toEqual([]);
  });
});

describe('installed with install scripts off', () => {
  it('runs a program that allocates, collects and reads', () => {
    writeFileSync(join(app, 'program.js'), PROGRAM);
    expect(expectSuccess(run(app, process.execPath, 'program.js'))).toBe('42\n');
  });

  it('gives its types to a strict program', () => {
    writeFileSync(join(app, 'program.ts'), PROGRAM);
    const options = { noEmit: true, strict: true, module: 'NodeNext', target: 'ES2023', types: ['node'] };
    const typeRoots = [join(ROOT, 'node_modules/@types')];
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, typeRoots }, files: ['program.ts'] }));
    expectSuccess(run(app, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc')));
  });

  it('has the command faultline, which tells its version', () => {
    expect(expectSuccess(run(app, 'npx', '--no-install', 'faultline', '--version')).trim()).toBe(version);
  });

  it('has it as a file that may be run, as a clone has after a clean build', () => {
    for (const folder of [copy, join(app, 'node_modules/faultline')]) {
      expect(statSync(join(folder, 'dist/cli/main.js')).mode & 0o111, folder).toBe(0o111);
    }
    expect(expectSuccess(run(copy, join(copy, 'dist/cli/main.js'), '--version')).trim()).toBe(version);
  });

  it('has types that TypeScript 5.2 understands: neither NoInfer, nor a typed array with a parameter, which came with 5.4 and 5.7', () => {
    const installed = join(app, 'node_modules/faultline');
    const declarations = files.filter((name) => name.endsWith('.d.ts') && !name.startsWith('dist/cli/'));
    expect(declarations.length).toBeGreaterThan(50);
    const later = /\b(Big)?(Ui|I)nt\d+(Clamped)?Array<|\bFloat\d+Array<|\bDataView<|\bNoInfer</;
    expect(declarations.filter((name) => later.test(readFileSync(join(installed, name), 'utf8')))).toEqual([]);
  });

  it('has types of what is meant for programs alone', () => {
    const installed = join(app, 'node_modules/faultline');
    const declarations = files.filter((name) => /\.d\.c?ts$/.test(name));
    expect(declarations.filter((name) => readFileSync(join(installed, name), 'utf8').includes('@internal'))).toEqual([]);
  });

  it('says where the benchmarks are', () => {
    const { status, stderr } = run(app, 'npx', '--no-install', 'faultline', 'bench', 'a-a', '--quick');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^faultline: ERR_BENCH_MISSING: .*clone the repository/m),
    });
  });

  it('tells what this machine allows', () => {
    expectSuccess(run(app, 'npx', '--no-install', 'faultline', 'doctor'));
  });
});
