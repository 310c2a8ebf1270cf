/**
 * How processes and threads end while a heap is in use: promptly, with the exit code that they would have had without it, whatever
 * the collector is doing. A program that has not ended after the time limit hangs, and that is a failure.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { RAW_LOAD_MODES, SHORT, third } from '../support/modes.ts';

const SITUATIONS = [
  'idle',
  'the control thread starting',
  'a pause asked for',
  'pages not built yet',
  'a thread waiting for memory',
  'threads in the middle of allocations',
  'main computing while a stop is asked for',
];
const ENDINGS = { 'process.exit': 7, 'an uncaught error': 1, 'a natural end': 0 };

describe.each(RAW_LOAD_MODES.map((fault, number) => [fault, number] as const))('a process (fault mode %s)', (fault, number) => {
  for (const [index, situation] of SITUATIONS.entries()) {
    for (const [at, [ending, code]] of Object.entries(ENDINGS).entries()) {
      // Every situation with every ending, in a mode or two.
      if (SHORT && (index + 2 * at + number) % 4 !== 0) continue;
      it.concurrent(`ends promptly by ${ending} with ${situation}`, async () => {
        const child = await runProgram('process-ending', [fault, situation, ending]);
        expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code });
        expect(child.stdout).toContain('there');
        if (situation === 'pages not built yet' && fault !== 'stw') expect(child.stdout).toContain('phase compacting');
        if (ending === 'an uncaught error') expect(child.stderr).toContain('on purpose');
        else expect(child.stderr).toBe('');
      });
    }
  }
});

describe.each(third(RAW_LOAD_MODES))('a thread (fault mode %s)', (fault) => {
  it('that ends without detaching holds nobody up, whatever it was doing', async () => {
    const child = await runProgram('thread-ending', [fault, SHORT ? 'short' : 'long'], { limitMs: 60_000 });
    expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code: 0 });
    expect(child.stdout).toContain('closed');
  }, 70_000);
});
