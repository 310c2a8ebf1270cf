/** `faultline bench` as a command, with the fake invocation: what it prints, how it ends, and that it can be interrupted and resumed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Analysis } from '../../bench/harness/report/analysis.ts';
import { expectRefusal, faultline, ROOT } from '../cli/command.ts';

/** A guard against a hang, never a measurement. */
const LIMIT_MS = 120_000;
const FAKE = fileURLToPath(new URL('fake-invocation.mjs', import.meta.url));

const work = mkdtempSync(join(tmpdir(), 'faultline-command-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The first run finds the minimum heap, the others know it. */
const words = (name: string, filter: string): string[] => [
  'bench',
  'barriers',
  '--quick',
  '--seed',
  '1',
  '--filter',
  filter,
  '--out',
  join(work, name),
  ...(name === 'summary' ? [] : ['--minimum-heaps', join(work, 'summary/minimum-heaps.json')]),
  '--program',
  FAKE,
];

describe('faultline bench', { timeout: LIMIT_MS }, () => {
  it('prints a summary, keeps results, and talks on standard error only', async () => {
    const { status, stdout, stderr } = await faultline(words('summary', ' (sigbus|stw) '));
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^barriers \(quick: .*\): 10 invocations of 4 rows, seed 1$/m);
    expect(stdout).toMatch(/C\+\+ sigbus +2× +2 .* base /);
    expect(stderr).toContain('faultline bench: gcbench needs');
    const kept = [
      'histograms',
      'invocations.csv',
      'invocations.jsonl',
      'minimum-heaps.json',
      'raw',
      'report.html',
      'report.md',
      'session.json',
      'summary.txt',
    ];
    expect(readdirSync(join(work, 'summary')).sort()).toEqual(kept);
  });

  it('--json prints one object', async () => {
    const { status, stdout } = await faultline([...words('json', ' sigbus '), '--json', '--invocations', '1']);
    expect(status).toBe(0);
    const rows = (JSON.parse(stdout) as Analysis).rows.map(({ series, count }) => [series, count]).sort();
    expect(rows).toEqual([
      ['C++ none', 1],
      ['C++ sigbus', 1],
      ['malloc-mimalloc', 1],
    ]);
  });

  it('fails when live data was wrong, after it has told everything', async () => {
    const { status, stdout, stderr } = await faultline(words('mismatch', ' (sigbus|load-barrier) '));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^faultline: ERR_RUN_MISMATCH: in 1 invocations|^faultline: ERR_RUN_MISMATCH: in 2 invocations/m);
    expect(stdout).toContain('mismatch: gcbench C++ load-barrier');
  });

  it('keeps what there is when it is interrupted, and goes on with --resume', async () => {
    // Mode move hangs, so the interruption comes while its invocation runs.
    const child = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...words('interrupted', ' (stw|move) '), '--invocations', '1'], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text.stdout += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      text.stderr += piece;
      if (!child.killed && /now gcbench faultline native move/.test(text.stderr)) child.kill('SIGINT');
    });
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    expectRefusal({ status, stdout: '', stderr: text.stderr }, 'ERR_RUN_INTERRUPTED');
    expect(text.stdout).toContain('left out: interrupted');
    const again = ['bench', '--resume', '--json', '--out', join(work, 'interrupted'), '--program', FAKE];
    const { stdout } = await faultline(again, { env: { FAKE_MOVES: '1' } });
    const { rows, head } = JSON.parse(stdout) as Analysis;
    expect(head.options.filter).toBe(' (stw|move) ');
    const told = rows.map(({ series, count, failures }) => [series, count, failures]);
    expect(told).toEqual(
      expect.arrayContaining([
        ['C++ move', 1, {}],
        ['C++ stw', 1, {}],
      ]),
    );
  });

  it('refuses a folder that has results of another run', async () => {
    expectRefusal(await faultline(words('summary', ' sigbus ')), 'ERR_OPTION');
  });
});
