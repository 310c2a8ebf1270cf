/**
 * `faultline bench --quick` as a user starts it, with real invocations: it ends in time, no invocation crashes, hangs or finds a
 * mismatch, and everything it promises to write is there. The short form takes two rows only.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Analysis } from '../../bench/harness/report/analysis.ts';
import { ROOT } from '../cli/command.ts';
import { runProgramFile } from '../support/children.ts';
import { MODES, SHORT } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';

/** The command's own limit is two minutes, and what it has begun then. */
const RUN_MS = 5 * 60_000;

const folder = mkdtempSync(join(tmpdir(), 'faultline-quick-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('faultline bench --quick', () => {
  it(
    'runs what this machine can run, and writes a report',
    async () => {
      const seed = seedOfTest() % 1e9;
      const rows = SHORT ? ['--filter', `gcbench faultline native (${MODES[0]}|stw) barrier-free adaptive 2×`] : [];
      const words = ['bench', 'all', '--quick', '--seed', String(seed), '--out', folder, '--json', ...rows];
      const { code, hung, stdout, stderr } = await runProgramFile(join(ROOT, 'dist/cli/main.js'), words, { limitMs: RUN_MS });
      const repeat = `faultline ${words.join(' ')}`;
      expect({ code, hung }, `${repeat}\n${stderr}`).toEqual({ code: 0, hung: false });
      const analysis = JSON.parse(stdout) as Analysis;
      const bad = analysis.rows.filter(({ failures }) =>
        Object.keys(failures).some((code) => ['crash', 'mismatch', 'timeout'].includes(code)),
      );
      expect(
        bad.map(({ workload, series, heap, failures, failureMessage }) => ({ workload, series, heap, failures, failureMessage })),
        repeat,
      ).toEqual([]);
      const measured = analysis.rows.filter(({ figures }) => figures !== undefined);
      for (const mode of [MODES[0]!, 'stw']) {
        const found = measured.filter(({ configuration: { barrier } }) => barrier?.mode === mode);
        expect(found.length, `${mode} in ${repeat}`).toBeGreaterThan(0);
        for (const { figures } of found) {
          expect(figures!.wallNs.median).toBeGreaterThan(0);
          expect(figures!.checks).toBeGreaterThan(0);
          expect(figures!.mmu.every((share) => share >= 0 && share <= 1)).toBe(true);
        }
      }
      for (const { overhead } of measured) if (overhead !== undefined) expect(overhead.cpu.median).toBeGreaterThan(0);
      expect(readdirSync(folder)).toEqual(
        expect.arrayContaining(['invocations.jsonl', 'invocations.csv', 'report.html', 'report.md', 'summary.txt']),
      );
      expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('Made with --quick');
    },
    RUN_MS,
  );
});
