/**
 * Waits that are cut short, each kind of them, while the thread is a mutator of two heaps: the thread or the process ends promptly, and
 * where the thread lives on, its mutators run as before.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { RAW_LOAD_MODES } from '../support/modes.ts';
import { WAITS } from '../support/waits.mjs';

const kinds = Object.keys(WAITS);
const ENDINGS = { 'a time limit': 'the mutators run', terminate: 'there', 'process.exit': 'there' };

describe('a thread that waits for', () => {
  for (const [at, wait] of kinds.entries()) {
    // A mode for each; what a wait does is the same in all of them.
    const fault = RAW_LOAD_MODES[at % RAW_LOAD_MODES.length]!;
    it.concurrent.each(Object.entries(ENDINGS))(
      `${wait} is cut short by %s, and nobody is left parked or hangs`,
      async (how, says) => {
        const child = await runProgram('interrupted-wait', [how, wait, fault], { limitMs: 50_000 });
        expect(child, child.stderr).toMatchObject({ hung: false, signal: null, code: 0 });
        expect(child.stdout).toContain(says);
      },
      60_000,
    );
  }
});
