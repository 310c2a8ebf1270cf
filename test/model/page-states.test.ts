/**
 * The protocol of page states and of the end of a cycle, explored: every interleaving of small systems. The page word's transitions are
 * those of native/heap/page_states.h; threads.ts, building.ts and fault-service.ts have what the threads do with them, step by step
 * after native/gc.
 *
 *   FAULTLINE_TRACES=1   prints the shortest trace of each deliberate mistake
 *   FAULTLINE_LONG=1     explores larger systems too
 */
import { describe, expect, it } from 'vitest';
import { binding } from '../support/faultline.ts';
import { SHORT } from '../support/modes.ts';
import { CONFIGURATIONS, LARGE_CONFIGURATIONS, MISTAKES } from './configurations.ts';
import { explore } from './exploration.ts';
import { type Configuration, type Mistake, STATES } from './machine.ts';
import { BLOCKED, Layout, Program } from './program.ts';
import { makeSystem } from './threads.ts';

const LIMIT_MS = 300_000;
const rows = binding().pageTransitions();

describe('the table of transitions', () => {
  it('names the states of the model, and every operation of it', () => {
    expect([...new Set(rows.flatMap(({ from, to }) => [from, to]))].sort()).toEqual([...STATES].sort());
    expect([...new Set(rows.map(({ operation }) => operation))]).toEqual(['claim', 'await', 'publish', 'note mapped', 'hand out']);
  });

  it('lets a page go forward only, and leave a state by one operation of one owner', () => {
    for (const { from, to } of rows) expect(STATES.indexOf(to)).toBeGreaterThanOrEqual(STATES.indexOf(from));
    expect(rows.filter(({ to }) => to === 'building').map(({ from }) => from)).toEqual(['untouched', 'building']);
    expect(rows.filter(({ to }) => to === 'built').map(({ operation }) => operation)).toEqual(['publish']);
  });
});

describe('in every interleaving no page is seen before it is built, each is built once, and all threads come to their end', () => {
  const configurations: [string, Configuration][] = Object.entries({ ...CONFIGURATIONS, ...(SHORT ? {} : LARGE_CONFIGURATIONS) });

  it.each(configurations)(
    '%s',
    (_name, configuration) => {
      const { failure, states, ends } = explore(makeSystem(configuration, rows));
      expect(failure, failure?.trace.join('\n')).toBeUndefined();
      expect(states).toBeGreaterThan(10_000);
      expect(ends).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

describe('the exploration finds that', () => {
  it.each(Object.entries(MISTAKES) as [Mistake, (typeof MISTAKES)[Mistake]][])(
    '%s',
    (mistake, { law, in: name }) => {
      const configuration: Configuration = { ...CONFIGURATIONS[name], mistake };
      const { failure, states } = explore(makeSystem(configuration, rows));
      expect(failure?.law).toBe(law);
      expect(failure!.trace.length).toBeGreaterThan(10);
      if (process.env['FAULTLINE_TRACES'] === '1') {
        console.log(`${mistake}\n  found after ${states} states: ${failure!.what}\n${failure!.trace.join('\n')}`);
      }
    },
    LIMIT_MS,
  );

  it(
    'a table with a claim that leads straight to built is wrong',
    () => {
      const wrong = rows.map((row) => (row.operation === 'claim' ? { ...row, to: 'built' as const } : row));
      const { failure } = explore(makeSystem(CONFIGURATIONS['two mutators and a worker (sigbus)'], wrong));
      expect(failure).toBeDefined();
    },
    LIMIT_MS,
  );
});

describe('an exploration', () => {
  /** Two threads that add 1 to a number by a load and a store. */
  const counting = (step: 'apart' | 'at once') => {
    const layout = new Layout();
    const sum = layout.cell('sum');
    const programs = [0, 1].map((thread) => {
      const program = new Program(layout, `thread ${thread}`);
      const copy = program.variable('copy');
      if (step === 'apart') program.step('load', (s) => void (s[copy] = s[sum]!));
      program.step('store', (s) => {
        s[sum] = (step === 'apart' ? s[copy]! : s[sum]!) + 1;
        s[copy] = 0;
      });
      program.finish();
      return program;
    });
    return { layout, programs, check: () => {}, isEnd: (s: Uint8Array) => s[sum] === 2 && programs.every((p) => p.hasEnded(s)) };
  };

  it('knows every state, and the shortest way to one that leads nowhere', () => {
    expect(explore(counting('at once'))).toMatchObject({ states: 4, transitions: 4, ends: 1 });
    const { failure } = explore(counting('apart'));
    expect(failure).toMatchObject({ law: 'progress' });
    expect(failure!.trace.slice(0, -1)).toEqual(['  1  thread 0: load', '  2  thread 1: load']);
  });

  it('takes a thread that waits for ever for a failure', () => {
    const layout = new Layout();
    const program = new Program(layout, 'thread');
    program.step('wait', () => BLOCKED);
    program.finish();
    const system = { layout, programs: [program], check: () => {}, isEnd: (s: Uint8Array) => program.hasEnded(s) };
    expect(explore(system)).toMatchObject({ states: 1, failure: { law: 'progress' } });
  });
});
