/** The machine of examples/vm: its programs come to what they should while everything moves, in every fault mode. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MODES, rounds } from '../support/modes.ts';

const MAIN = fileURLToPath(new URL('../../examples/vm/main.mjs', import.meta.url));

function run(...args: readonly (string | number)[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args.map(String)], { encoding: 'utf8', timeout: 120_000 });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

describe('the machine', () => {
  it('runs its programs', () => {
    const lines = run('auto').split('\n');
    expect(lines[0]).toBe('queens: 92, as expected; 29856 objects, 109539 calls');
    expect(lines[1]).toMatch(/^primes: \(541 523 .*\), as expected; /);
    expect(lines[2]).toMatch(/^words: \(\(three \. 400\) .*\), as expected; /);
  });

  it.each(MODES)('comes to the same under stress, with everything that it holds moving (fault mode %s)', (mode) => {
    const printed = run(mode, rounds(20, 100));
    expect(printed.match(/as expected/g)).toHaveLength(3);
    expect(printed).toContain('moved: true');
    // Nothing is kept by mistake.
    expect(printed).toContain('alive at the end: 0 bytes');
  }, 130_000);
});
