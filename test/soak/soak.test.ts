/**
 * The soak command, in its short form: rounds of random programs on random heaps pass; a difference and a hang do not, and are reported
 * with what it takes to repeat them.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configurationOf, describe as describeConfiguration, HEAP_OPTIONS, LOAD } from '../../scripts/soak/configuration.mjs';
import { resolveOptions } from '../../src/options.ts';
import { MARKERS } from '../../src/gc/markers.ts';
import { MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';

const SOAK = fileURLToPath(new URL('../../scripts/soak.mjs', import.meta.url));
const LIMIT_MS = 400_000;

function soak(...args: (string | number)[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SOAK, ...args.map(String)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('a soak', () => {
  it(
    'finds no difference in a few rounds',
    async () => {
      const seed = seedOfTest();
      const { code, stdout, stderr } = await soak('--seed', seed, '--rounds', rounds(6, 3), '--round-seconds', 1.5, '--json');
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout) as { ok: boolean; rounds: number; summary: { operations: number }[] };
      expect(report).toMatchObject({ ok: true, rounds: rounds(6, 3) });
      expect(report.summary.reduce((sum, { operations }) => sum + operations, 0)).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  it(
    'stops at an object that is not what it was, and says how to repeat the round',
    async () => {
      const { code, stderr } = await soak(
        '--seed',
        7,
        '--round',
        3,
        '--round-seconds',
        20,
        '--set',
        'sabotage=corruption',
        '--set',
        'ending=close',
      );
      expect(code).toBe(1);
      expect(stderr).toContain('round 3 ended with code 1');
      expect(stderr).toContain('once more: npm run soak -- --seed 7 --round 3 --round-seconds 20 --set sabotage=corruption');
      expect(stderr).toMatch(/operation \d+: object .*identity/);
    },
    LIMIT_MS,
  );

  it.runIf(MODES.includes('thread'))(
    'takes a round that does not end for a failure, and says what its threads wait for',
    async () => {
      const { code, stderr } = await soak(
        '--seed',
        7,
        '--round',
        3,
        '--round-seconds',
        1,
        '--limit-seconds',
        4,
        '--set',
        'sabotage=hang',
        '--set',
        'fault=thread',
      );
      expect(code).toBe(1);
      expect(stderr).toContain('hung for 5 s');
      expect(stderr).toMatch(/the heaps: \{"phases":\["\w+"/);
      expect(stderr).toMatch(/thread \d+ faultline-fault: \w/);
      expect(stderr).toMatch(/descriptor \d+: .*pending: /);
    },
    LIMIT_MS,
  );

  it.each([
    ['--set', 'nothing=1'],
    ['--rounds', 'many'],
  ])('says what it does not understand: %s %s', async (...args) => {
    const { code, stderr } = await soak(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(args[1]!.split('=')[0]!);
  });
});

describe('a round', () => {
  const machine = { modes: MODES, markers: MARKERS };

  it('is the same again for the same seed and number, and another one otherwise', () => {
    expect(configurationOf(5, 17, machine)).toEqual(configurationOf(5, 17, machine));
    const others = [configurationOf(5, 18, machine), configurationOf(6, 17, machine)].map((each) => JSON.stringify(each));
    expect(others).not.toContain(JSON.stringify(configurationOf(5, 17, machine)));
  });

  it('keeps its other values when one is fixed', () => {
    const { heap, load } = configurationOf(5, 17, machine);
    const fixed = configurationOf(5, 17, machine, { workers: 3 });
    expect(fixed).toMatchObject({ heap: { ...heap, workers: 3 }, load });
  });

  it('is one that a heap accepts, and every value of the tables comes up', () => {
    const seen = new Map<string, Set<unknown>>();
    for (let round = 0; round < 400; round++) {
      const configuration = configurationOf(1, round, machine);
      resolveOptions(configuration.heap);
      expect(describeConfiguration(configuration)).toContain(configuration.heap.fault);
      for (const [name, value] of Object.entries({ ...configuration.heap, ...configuration.load })) {
        seen.set(name, (seen.get(name) ?? new Set()).add(value));
      }
    }
    expect([...seen.keys()]).toEqual([...Object.keys(HEAP_OPTIONS), ...Object.keys(LOAD)]);
    expect(seen.get('fault')).toEqual(new Set(MODES));
    const fixed = [...seen].filter(([, values]) => values.size === 1).map(([name]) => name);
    expect(fixed).toEqual(['verify', 'sabotage']);
  });

  it('of an hour has, in every fault mode, threads that share heaps and are cut short while others lose their CPU, and stress that faults', () => {
    const configurations = Array.from({ length: (60 * 60) / 5 }, (_, round) => configurationOf(seedOfTest(), round, machine));
    for (const mode of MODES) {
      const rounds = configurations.filter(({ heap }) => heap.fault === mode);
      expect(
        rounds.filter(({ heap, load }) => load['guests'] === true && load['cuts'] === true && heap.delaySeed !== 0).length,
      ).toBeGreaterThan(0);
      expect(rounds.filter(({ heap }) => heap.stressFaults === true).length).toBeGreaterThan(0);
    }
  });
});
