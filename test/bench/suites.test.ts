/** What is run: suites, their order, and the heap sizes they are multiples of. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Configuration } from '../../bench/harness/contract.ts';
import { DEFAULT_ROW, HEAP_FACTORS, MARKERS, MODES, QUICK_PEERS, SUITES, WORKLOADS } from '../../bench/harness/matrix.ts';
import { findMinimumHeap, GRAIN_BYTES } from '../../bench/harness/minimum-heap.ts';
import { MinimumHeapsFile } from '../../bench/harness/minimum-heaps-file.ts';
import { keyOf, labelOf, minimumHeapKey } from '../../bench/harness/point.ts';
import { randomFrom } from '../../bench/harness/random.ts';
import { scheduleOf } from '../../bench/harness/schedule.ts';
import { pointsOf } from '../../bench/harness/suites.ts';
import { BARRIERS } from '../../src/gc/barriers.ts';
import { MARKERS as HEAP_MARKERS } from '../../src/gc/markers.ts';
import { PEERS } from '../../bench/peers/systems.ts';
import { BENCH_SUITES } from '../../src/cli/bench/bench-options.ts';

const MIB = 2 ** 20;
const work = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const configuration = (mode: string, more: Partial<Configuration> = {}): Configuration => ({
  ...{ workload: 'gcbench', parameters: {}, system: 'faultline', driver: 'native', barrier: { ...DEFAULT_ROW, mode } },
  ...{ heapBytes: 64 * MIB, mutators: 1, seed: 1, ...more },
});

describe('suites', () => {
  it('are the same for the command and for the harness', () => {
    expect(BENCH_SUITES).toEqual(SUITES);
  });

  it.each(SUITES)('%s has points with names of their own, and the same ones every time', (suite) => {
    for (const quick of [false, true]) {
      const points = pointsOf(suite, { quick });
      expect(points.length).toBeGreaterThan(0);
      expect(new Set(points.map(keyOf)).size).toBe(points.length);
      expect(new Set(points.map((point) => `${labelOf(point)} ${JSON.stringify(point.configuration.parameters)}`)).size).toBe(
        points.length,
      );
      expect(pointsOf(suite, { quick })).toEqual(points);
    }
  });

  it('the matrix has the modes and the markers of the heap', () => {
    expect([...MODES].sort()).toEqual(BARRIERS.map(({ mode }) => mode).sort());
    expect([...MARKERS].sort()).toEqual([...HEAP_MARKERS].sort());
  });

  it('barriers has every mode on the same workloads, heaps and drivers', () => {
    const points = pointsOf('barriers', { quick: false });
    const byMode = new Map(MODES.map((mode) => [mode, points.filter(({ configuration: { barrier } }) => barrier?.mode === mode)]));
    const without = (mode: string): string[] => byMode.get(mode as 'sigbus')!.map((point) => keyOf(point).replaceAll(mode, 'MODE'));
    for (const mode of MODES.filter((name) => name !== 'none')) expect(without(mode)).toEqual(without('sigbus'));
    expect(byMode.get('none')!.every(({ heap }) => 'bytes' in heap)).toBe(true);
  });

  it('heap-sweep has every factor, or those that were asked for', () => {
    const factors = (points: ReturnType<typeof pointsOf>): unknown[] => [
      ...new Set(points.flatMap(({ heap }) => ('factor' in heap ? [heap.factor] : []))),
    ];
    expect(factors(pointsOf('heap-sweep', { quick: false }))).toEqual(HEAP_FACTORS);
    expect(factors(pointsOf('heap-sweep', { quick: false, heapFactors: [1.7] }))).toEqual([1.7]);
  });

  it('all is every other suite, each point once', () => {
    const all = pointsOf('all', { quick: false });
    for (const suite of SUITES.filter((name) => name !== 'all')) {
      const keys = new Set(all.filter(({ suites }) => suites.includes(suite)).map(keyOf));
      expect(pointsOf(suite, { quick: false }).filter((point) => !keys.has(keyOf(point)))).toEqual([]);
    }
  });

  it('peers are asked for what they have', () => {
    for (const { name, peers } of WORKLOADS) {
      const able = [...PEERS.values()].filter(({ workloads }) => workloads.includes(name)).map((peer) => peer.name);
      expect([...peers].sort(), name).toEqual(able.sort());
    }
    expect(QUICK_PEERS.filter((name) => !PEERS.has(name))).toEqual([]);
  });

  it('a filter keeps the rows that it matches', () => {
    const kept = pointsOf('all', { quick: false, filter: /gcbench .* native stw .* 2×/ });
    expect(kept.length).toBeGreaterThan(0);
    for (const {
      configuration: { workload, barrier },
      heap,
    } of kept)
      expect([workload, barrier?.mode, heap]).toEqual(['gcbench', 'stw', { factor: 2 }]);
  });

  it('how long a workload runs does not change its minimum heap; other knobs do', () => {
    const key = (parameters: Configuration['parameters']): string => minimumHeapKey(configuration('stw', { parameters }));
    expect(key({ operationsPerSecond: 5, requests: 9, a: 1, b: 2 })).toBe(key({ b: 2, a: 1 }));
    expect(key({ a: 1 })).not.toBe(key({ a: 2 }));
  });
});

describe('schedule', () => {
  const points = pointsOf('markers', { quick: false });

  it('runs every point once a round, in another order each round, the same for the same seed', () => {
    const schedule = scheduleOf(points, 10, randomFrom(7));
    const rounds = Array.from({ length: 10 }, (_, round) => schedule.slice(round * points.length, (round + 1) * points.length));
    for (const [round, each] of rounds.entries()) {
      expect(each.every((scheduled) => scheduled.round === round)).toBe(true);
      expect(new Set(each.map(({ point }) => keyOf(point))).size).toBe(points.length);
    }
    expect(new Set(rounds.map((each) => each.map(({ point }) => keyOf(point)).join())).size).toBe(10);
    expect(scheduleOf(points, 10, randomFrom(7))).toEqual(schedule);
  });
});

describe('minimum heap', () => {
  it('is found to 64 KiB or the tolerance, never below what is needed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), async (neededMib) => {
        const needed = (neededMib - 0.4) * MIB;
        const { bytes } = await findMinimumHeap(async (heapBytes) => heapBytes >= needed, {
          confirmations: 2,
          limitBytes: 8192 * MIB,
        });
        expect(bytes!).toBeGreaterThanOrEqual(needed);
        expect(bytes!).toBeLessThanOrEqual(Math.max(needed + 2 * GRAIN_BYTES, needed * 1.021));
      }),
    );
  });

  it('is unknown if the largest heap is too small', async () => {
    const tried: number[] = [];
    const completes = async (heapBytes: number): Promise<boolean> => (tried.push(heapBytes / MIB), false);
    expect(await findMinimumHeap(completes, { confirmations: 1, limitBytes: 20 * MIB })).toEqual({ bytes: undefined, invocations: 4 });
    expect(tried).toEqual([4, 8, 16, 20]);
  });

  it('does not believe a size that completes only sometimes', async () => {
    let calls = 0;
    const completes = async (heapBytes: number): Promise<boolean> => heapBytes >= 32 * MIB || (heapBytes >= 16 * MIB && calls++ % 2 === 0);
    const { bytes } = await findMinimumHeap(completes, { confirmations: 2, limitBytes: 512 * MIB });
    expect(bytes).toBe(32 * MIB);
  });

  it('is kept in a file, whose version is checked', () => {
    const path = join(work, 'minimum-heaps.json');
    new MinimumHeapsFile(path).set('a', { bytes: 5, commit: 'c', invocations: 3 });
    expect(new MinimumHeapsFile(path).get('a')).toEqual({ bytes: 5, commit: 'c', invocations: 3 });
    const text = readFileSync(path, 'utf8').replace('"version": 1', '"version": 2');
    rmSync(path);
    appendFileSync(path, text);
    expect(() => new MinimumHeapsFile(path)).toThrow(/version 2, not 1/);
  });
});
