/**
 * The integrity matrix during a cycle: every operation works in every phase that a program can meet.
 */
import { describe, expect, it } from 'vitest';
import { MODES, third } from '../support/modes.ts';
import { type Operations, outcomeOf } from './matrix.ts';
import { REPEATABLE } from './operations.ts';
import { makeSubject, type Subject } from './subject.ts';

const LONG = ['marking', 'compacting'];
/** Over so soon that a thread often misses them: no count is expected of them. */
const SHORT = ['marked', 'planned', 'finishing'];

/** Without what waits for a collection: those have their own tests, and no phase would be met by the time they are over. */
const SLOW = /collect,|\.collect$|verify|heap\.shape, unknown|Heap\.attach|allocate, large|measureBareFault|finalizeLater/;
const QUICK: Operations = Object.fromEntries(Object.entries(REPEATABLE).filter(([name]) => !SLOW.test(name)));

/** A machine with much other work may let a phase pass unseen: of so many collections some show it. */
const COLLECTIONS = 40;
/** Of the operations, in a phase that lasts: so many are waited for, however many collections it takes. */
const MOST = Object.keys(QUICK).length / 2;

/** The operations that were run in the phase, `least` or more. The collections go on by themselves. */
async function runDuring(phase: string, subject: Subject, least: number): Promise<Set<string>> {
  const { heap, mutator } = subject;
  const met = new Set<string>();
  const names = Object.keys(QUICK);
  const collections = (): number => heap.statistics().cycles.count;
  const begin = collections();
  const isOver = (): boolean => met.size >= names.length || (met.size > least && collections() - begin >= COLLECTIONS);
  while (!isOver()) {
    for (const name of names) {
      if (met.has(name)) continue;
      for (let turns = 0; heap.phase !== phase && turns < 2_000; turns++) mutator.poll();
      if (heap.phase !== phase) {
        await new Promise((resolve) => setImmediate(resolve));
        if (isOver()) break;
        continue;
      }
      const running = outcomeOf(() => QUICK[name]!.run(subject, subject));
      if (heap.phase === phase) met.add(name);
      expect(`${name}: ${await running}`).toBe(`${name}: works`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return met;
}

async function runWhileCollecting(
  phases: readonly string[],
  options: Parameters<typeof makeSubject>[0],
): Promise<Map<string, Set<string>>> {
  const subject = makeSubject({ capacityBytes: '24M', workers: 0, ...options }, 80_000);
  let over = false;
  const collections = (async () => {
    while (!over) await subject.heap.collect({ kind: 'full' });
  })();
  collections.catch(() => {}); // of a test that has failed already
  const met = new Map<string, Set<string>>();
  for (const phase of phases) met.set(phase, await runDuring(phase, subject, SHORT.includes(phase) ? -1 : MOST));
  over = true;
  await collections;
  expect(await subject.heap.verify()).toBeGreaterThan(40_000);
  return met;
}

describe.each(third(MODES, 2))('the integrity matrix while the heap collects (fault mode %s)', (fault) => {
  it('every operation works in every phase', async () => {
    const isConcurrent = fault !== 'stw';
    const met = await runWhileCollecting([...(isConcurrent ? LONG : ['marking']), ...SHORT], { fault });
    expect(met.get('marking')!.size).toBeGreaterThan(MOST);
    if (isConcurrent) expect(met.get('compacting')!.size).toBeGreaterThan(MOST);
  }, 120_000);
});

describe('the integrity matrix while a checked heap collects', () => {
  it('every operation works in every phase', async () => {
    const met = await runWhileCollecting(['marking'], { checked: true });
    expect(met.get('marking')!.size).toBeGreaterThan(MOST);
  }, 120_000);
});
