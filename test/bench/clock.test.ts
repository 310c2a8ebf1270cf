/** One clock: events of the heap, intervals of native code and times taken in JavaScript, in every thread. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../cli/command.ts';
import { runProgramFile } from '../support/children.ts';

const LIMIT_MS = 120_000;
const APART_NS = 60_000;

describe('the clock of an invocation', () => {
  it('is the same in events, in native code and in JavaScript of every thread, within 60 us', { timeout: LIMIT_MS }, async () => {
    const program = join(ROOT, 'test/support/programs/clock-relations.mjs');
    const { code, stdout, stderr } = await runProgramFile(program, [String(APART_NS)], { limitMs: LIMIT_MS });
    expect(code, stderr).toBe(0);
    const { threads, pauses } = JSON.parse(stdout) as { threads: number[]; pauses: number };
    expect(Math.max(...threads)).toBeLessThan(APART_NS);
    expect(pauses).toBeLessThan(APART_NS);
  });
});
