/**
 * Whole programs around a heap: threads that come and go, children, signals, pools. Each has a time limit; a hang is a failure.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { BEST_MODE, RAW_LOAD_MODES, rounds, SHORT, third } from '../support/modes.ts';

const LIMIT_MS = 60_000;

async function runToEnd(name: string, args: readonly (string | number)[], flags: readonly string[] = []): Promise<string> {
  const child = await runProgram(name, args, { limitMs: LIMIT_MS, flags });
  expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code: 0 });
  return child.stdout;
}

/** All of them in the first mode, one in every third of the others in the short form. */
function endings(fault: (typeof RAW_LOAD_MODES)[number]): string[] {
  if (!third(RAW_LOAD_MODES).includes(fault)) return [];
  if (fault !== RAW_LOAD_MODES[0]) return SHORT ? ['terminate'] : ['terminate', 'a natural end'];
  return SHORT ? ['terminate', 'a natural end'] : ['terminate', 'process.exit', 'an uncaught error', 'a natural end'];
}

describe.each(RAW_LOAD_MODES.map((fault, number) => [fault, number] as const))('a program (fault mode %s)', (fault, number) => {
  /** All of them in the first mode, each in every third of the others in the short form. */
  const when = (test: number): boolean => !SHORT || number === 0 || (number + test) % 3 === 0;

  it.concurrent.each(endings(fault))(
    'goes on collecting when the thread that made the heap ends by %s, in any phase',
    async (ending) => {
      const stdout = await runToEnd('creator-ends', [fault, ending]);
      expect(stdout).toContain('done');
      if (fault !== 'stw' && ending === 'terminate') expect(stdout).toMatch(/compacting: ended in (compacting|finishing|idle)/);
    },
    LIMIT_MS + 5_000,
  );

  it.runIf(when(0)).concurrent(
    'that makes and closes many heaps keeps no descriptor, thread or mapping of them',
    async () => {
      const stdout = await runToEnd('many-heaps', [fault, fault === RAW_LOAD_MODES[0] ? rounds(50, 12) : 12], ['--expose-gc']);
      const { before, after } = JSON.parse(stdout) as Record<string, Record<string, number>>;
      expect(after!['descriptors']).toBeLessThanOrEqual(before!['descriptors']!);
      expect(after!['threads']).toBeLessThanOrEqual(before!['threads']!);
      expect(after!['heapFiles']).toBe(0);
      // V8's own heap breathes by some; one mapping kept of each heap would be more.
      expect(after!['mappings']! - before!['mappings']!).toBeLessThan(25);
    },
    LIMIT_MS + 5_000,
  );

  it.runIf(when(1)).concurrent(
    'survives that the library was loaded only by workers that have ended',
    async () => {
      expect(await runToEnd('worker-only', [fault])).toContain('done');
    },
    LIMIT_MS + 5_000,
  );

  it.runIf(when(2)).concurrent(
    'keeps its own listener for the signal of its faults, installed before, between and during cycles',
    async () => {
      expect(await runToEnd('own-signal-listener', [fault])).toMatch(/signals 1\ndone/);
    },
    LIMIT_MS + 5_000,
  );

  it.runIf(when(3)).concurrent(
    'starts children while its heap is compacted',
    async () => {
      expect(await runToEnd('children', [fault])).toContain('done');
    },
    LIMIT_MS + 5_000,
  );

  it.runIf(when(4)).concurrent(
    'aborts tasks of a pool in which mutators work',
    async () => {
      expect(await runToEnd('pool', [fault])).toContain('done');
    },
    LIMIT_MS + 5_000,
  );
});

it.concurrent(
  'ends at the first collection that finds an object with references in the buffer for leaves',
  async () => {
    const child = await runProgram('leaf-mistake', [BEST_MODE], { limitMs: LIMIT_MS });
    expect(child).toMatchObject({ hung: false, signal: 'SIGABRT', stdout: 'taken\n' });
    expect(child.stderr).toContain('(R) no object in a leaf region holds references');
  },
  LIMIT_MS + 5_000,
);
