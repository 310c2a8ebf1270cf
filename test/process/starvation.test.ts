/**
 * Starvation is not exhaustion: threads that make nothing but garbage never hear that the heap is full, and each of them gets on.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { rounds } from '../support/modes.ts';

interface Made {
  readonly small: number;
  readonly large: number;
  readonly pinnable: number;
  readonly error?: string;
}

async function garbage(fault: string, marker: string, threads: number, capacity: string): Promise<Made[]> {
  const child = await runProgram('starvation', [fault, marker, threads, capacity, rounds(2000, 800)]);
  expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code: 0 });
  return JSON.parse(child.stdout) as Made[];
}

describe('threads that make garbage', () => {
  it.each([
    ['auto', 'auto', 8, '8M'],
    ['auto', 'stopped', 12, '16M'],
    ['stw', 'auto', 12, '16M'],
  ])('are never told that the heap is full (fault %s, marker %s, %i threads in %s)', async (fault, marker, threads, capacity) => {
    const made = await garbage(fault, marker, threads, capacity);
    expect(made.flatMap(({ error }) => error ?? [])).toEqual([]);
    // Each is served in its turn.
    for (const { small } of made) expect(small).toBeGreaterThan(0);
    expect(made.reduce((sum, { large }) => sum + large, 0)).toBeGreaterThan(0);
    expect(made.reduce((sum, { pinnable }) => sum + pinnable, 0)).toBeGreaterThan(0);
  });
});
