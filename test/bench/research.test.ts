/**
 * Changes for research, as docs/benchmarks.md has them: a workload, a policy and a barrier of one's own, each a patch that applies to this
 * tree and does what it says. The short form runs the workload; the others are compiled, native code too, in the long form.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Analysis } from '../../bench/harness/report/analysis.ts';
import { ROOT } from '../cli/command.ts';
import { runProgramFile } from '../support/children.ts';
import { MODES, SHORT } from '../support/modes.ts';

const LIMIT_MS = 15 * 60_000;
const PATCHES = ['workload', 'policy', 'barrier'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-research-'));
  for (const name of ['src', 'bench', 'native', 'dist', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, ...words: string[]): void {
  execFileSync(command, words, { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
}

const apply = (name: string): void => run('git', 'apply', join(ROOT, `examples/research/${name}.patch`));

async function bench(...words: string[]): Promise<Analysis['rows']> {
  const options = ['bench', ...words, '--quick', '--seed', '7', '--out', join(folder, 'results'), '--json'];
  const { code, hung, stdout, stderr } = await runProgramFile(join(folder, 'dist/cli/main.js'), options, { limitMs: LIMIT_MS });
  expect({ code, hung }, stderr).toEqual({ code: 0, hung: false });
  return (JSON.parse(stdout) as Analysis).rows;
}

it.each(PATCHES)('the %s applies, with the others and without', (name) => {
  apply(name);
  for (const other of PATCHES.filter((each) => each !== name)) apply(other);
});

it(
  'the workload runs on the heap and on plain objects',
  async () => {
    apply('workload');
    mkdirSync(join(folder, 'build'));
    symlinkSync(join(ROOT, 'build/Release'), join(folder, 'build/Release'));
    run(join(ROOT, 'node_modules/.bin/tsc'), '-p', 'bench/tsconfig.json');
    const rows = await bench('messages');
    expect(rows.map(({ workload, failures }) => [workload, failures])).toEqual([
      ['messages', {}],
      ['messages', {}],
    ]);
    for (const { figures } of rows) expect(figures!.checks).toBeGreaterThan(500_000);
  },
  LIMIT_MS,
);

it.skipIf(SHORT || !MODES.includes('sigbus'))(
  'policy and barrier build, and a slower fault is served',
  async () => {
    for (const name of PATCHES) apply(name);
    run('node', 'native/build.mjs');
    run('node', 'native/build.mjs', '--bench');
    run(join(ROOT, 'node_modules/.bin/tsc'), '-p', 'tsconfig.json');
    run(join(ROOT, 'node_modules/.bin/tsc'), '-p', 'bench/tsconfig.json');
    const rows = await bench('slow');
    const wallNs = (mode: string): number => rows.find(({ configuration }) => configuration.barrier?.mode === mode)!.figures!.wallNs.median;
    // The floor of malloc belongs to the rows, and may not be built here.
    const own = rows.filter(({ configuration }) => configuration.system === 'faultline');
    expect(own.flatMap(({ failures }) => Object.keys(failures))).toEqual([]);
    expect(wallNs('slow')).toBeGreaterThan(0);
  },
  LIMIT_MS,
);
