/** What is run: experiments, their order, and the heap sizes they are multiples of. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Configuration } from '../../bench/harness/contract.ts';
import { DEFAULT_ROW, MARKERS, MODES } from '../../bench/harness/matrix.ts';
import { findMinimumHeap } from '../../bench/harness/minimum-heap.ts';
import { MinimumHeapsFile } from '../../bench/harness/minimum-heaps-file.ts';
import { censusKey, keyOf, minimumHeapKey } from '../../bench/harness/point.ts';
import { randomFrom } from '../../bench/harness/random.ts';
import { scheduleOf } from '../../bench/harness/schedule.ts';
import { type Experiment, experimentNames, parseExperiment, readExperiment } from '../../bench/harness/experiment.ts';
import { isFloor, programOf } from '../../bench/harness/floors.ts';
import { type Choice, pointsOf } from '../../bench/harness/points.ts';
import { FAULT_MODES } from '../../src/gc/fault-modes.ts';
import { MARKERS as HEAP_MARKERS } from '../../src/gc/markers.ts';

const MIB = 2 ** 20;
const work = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const configuration = (mode: string, more: Partial<Configuration> = {}): Configuration => ({
  ...{ workload: 'gcbench', parameters: {}, system: 'faultline', driver: 'native', barrier: { ...DEFAULT_ROW, mode } },
  ...{ heapBytes: 64 * MIB, mutators: 1, seed: 1, ...more },
});

const choice = { quick: false };
const points = (name: string, more: Partial<Choice> = {}) => pointsOf(readExperiment(name), { ...choice, ...more });
const parsed = (text: string): Experiment => ({ ...parseExperiment(text, 'file.yaml'), name: 'file', parts: [] });
const refused = (text: string): string => {
  try {
    parseExperiment(text, 'file.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_OPTION' });
    return (error as Error).message;
  }
  throw new Error('it was not refused');
};

describe('experiments', () => {
  it.each(experimentNames())('%s has points with keys of their own, and the same ones every time', (name) => {
    for (const quick of [false, true]) {
      const all = points(name, { quick });
      if (name !== 'large' || !quick) expect(all.length).toBeGreaterThan(0);
      expect(new Set(all.map(keyOf)).size).toBe(all.length);
      expect(points(name, { quick })).toEqual(all);
    }
  });

  it('the matrix has the modes and the markers of the heap', () => {
    expect([...MODES].sort()).toEqual(FAULT_MODES.map(({ mode }) => mode).sort());
    expect([...MARKERS].sort()).toEqual([...HEAP_MARKERS].sort());
  });

  it('all is every experiment that it includes, each point once', () => {
    const all = points('all');
    for (const { name } of readExperiment('all').parts) {
      const keys = new Set(all.filter(({ suites }) => suites.includes(name)).map(keyOf));
      expect(points(name).filter((point) => !keys.has(keyOf(point)))).toEqual([]);
    }
  });

  it('an entry is the product of its axes', () => {
    const text = `
overhead: false
rows:
  - workload: allocation-rate
    knobs: { preset: h2, liveBytes: [1.0e+9, 2.0e+9] }
    mode: [sigbus, stw]
    heap: [2x, 64 MiB]
    mutators: [1, 4]
    options: { workers: [1, 2] }
    environment: { MALLOC_ARENA_MAX: ['1', '2'] }
    pin: [0, 0-1]
    build: [., v1]
`;
    const all = pointsOf(parsed(text), choice);
    expect(all).toHaveLength(2 ** 8);
    expect(all.at(-1)).toMatchObject({
      heap: { bytes: 64 * MIB },
      configuration: {
        ...{ workload: 'allocation-rate', parameters: { preset: 'h2', liveBytes: 2e9 }, mutators: 4, options: { workers: 2 } },
        ...{ environment: { MALLOC_ARENA_MAX: '2' }, pin: '0-1', build: 'v1', barrier: { mode: 'stw' } },
      },
    });
    expect(all[0]!.configuration.build).toBeUndefined();
    expect(new Set(all.map(keyOf)).size).toBe(all.length);
  });

  it('an arm changes what it names, and its rows belong together', () => {
    const text =
      'arms: { old: { build: v1, environment: { A: x } }, new: {} }\nrows: [{ workload: [lru, gcbench], heap: 3x, environment: { B: y } }]';
    const all = pointsOf({ ...parsed(text), overhead: false }, choice);
    expect(all.map(({ arm, configuration }) => [arm, configuration.workload, configuration.build, configuration.environment])).toEqual([
      ['old', 'lru', 'v1', { A: 'x', B: 'y' }],
      ['new', 'lru', undefined, { B: 'y' }],
      ['old', 'gcbench', 'v1', { A: 'x', B: 'y' }],
      ['new', 'gcbench', undefined, { B: 'y' }],
    ]);
    expect(new Set(all.map(({ pair }) => pair)).size).toBe(2);
  });

  it('arms stand beside each other for every choice of the other axes', () => {
    const text = `
overhead: false
arms: { a: {}, b: { options: { workers: 1 } } }
rows:
  - workload: [gcbench]
    knobs: { rounds: [1, 2] }
    options: { tlabBytes: [4096, 8192] }
    environment: { A: [x, y] }
    pin: [0, 0-1]
    build: [., v1]
`;
    const all = pointsOf(parsed(text), choice);
    expect(all).toHaveLength(2 * 2 ** 5);
    for (const pair of new Set(all.map((point) => point.pair))) {
      const [a, b, ...more] = all.filter((point) => point.pair === pair);
      expect(more).toEqual([]);
      const { options, ...rest } = a!.configuration;
      expect(b!.configuration).toEqual({ ...rest, options: { ...options, workers: 1 } });
    }
    expect(new Set(all.map(({ pair }) => pair)).size).toBe(2 ** 5);
    // Two rows that an arm makes the same are two pairs all the same.
    const modes = pointsOf(
      parsed('overhead: false\narms: { a: {}, b: { mode: stw } }\nrows: [{ workload: lru, mode: [sigbus, thread] }]'),
      choice,
    );
    expect(modes.map(({ arm, configuration }) => `${arm} ${configuration.barrier!.mode}`)).toEqual([
      'a sigbus',
      'b stw',
      'a thread',
      'b stw',
    ]);
    // Of a pair that a filter matches half all stays.
    expect(pointsOf(parsed(text), { ...choice, filter: /arm b/ })).toHaveLength(64);
  });

  it('includes what the files that it includes include', () => {
    const write = (name: string, text: string): string => (writeFileSync(join(work, name), text), join(work, name));
    write('inner.yaml', 'rows: [{ workload: lru }]');
    write('middle.yaml', 'include: [./inner.yaml]\nrows: [{ workload: graph }]');
    const outer = write('outer.yaml', 'include: [./middle.yaml]\nrows: [{ workload: gcbench }]');
    expect(new Set(pointsOf(readExperiment(outer), choice).map(({ configuration }) => configuration.workload))).toEqual(
      new Set(['gcbench', 'graph', 'lru']),
    );
    write('inner.yaml', 'include: [./outer.yaml]');
    expect(() => readExperiment(outer)).toThrow(/include must be of files that do not include this one/);
    write('inner.yaml', 'rows: []\ninclude:\n  - nowhere\n');
    expect(() => readExperiment(outer)).toThrow(/inner\.yaml:3: there is no experiment nowhere/);
  });

  it('what is wrong in a file is told with its line, all of it', () => {
    const text =
      'rows:\n  - workload: [gcbench, nothing]\n    mode: sigbus\n    heap: 0.5x\n    hep: 2x\n  - workload: lru\n    mutators: 0\n';
    expect(
      refused(text)
        .split('\n')
        .slice(1)
        .map((line) => line.replace(/: .*/, '')),
    ).toEqual(['file.yaml:2', 'file.yaml:4', 'file.yaml:5', 'file.yaml:7']);
    expect(refused('rows:\n  - workload: gcbench\n\n    knobs:\n      nope: 1\n')).toMatch(/^file\.yaml:4: gcbench has no parameter nope/m);
    expect(refused('rows:\n  - workload: gcbench\n    quick:\n      knobs: { nope: 1 }\n')).toMatch(
      /^file\.yaml:4: gcbench has no parameter nope/m,
    );
    expect(refused('rows: [{ workload: lru }]\narms:\n  a:\n    knobs: { nope: 1 }\n')).toMatch(
      /^file\.yaml:4: lru has no parameter nope/m,
    );
    expect(refused('rows:\n  - workload: replay\n    knobs: { rounds: 1 }\n')).toMatch(/^file\.yaml:3: replay has no parameter rounds/m);
    expect(refused('rows:\n  - workload: lru\n    options:\n      wrkers: 2\n')).toMatch(/^file\.yaml:4: there is no wrkers in options/m);
    expect(refused('rows:\n  - workload: lru\n    options: { capacityBytes: 2 }\n')).toMatch(/^file\.yaml:3: there is no capacityBytes/m);
    expect(refused('rows: []\narms:\n  a: {}\n  b:\n    mode: [sigbus, stw]\n')).toMatch(/^file\.yaml:5: mode: an arm has one value/m);
    expect(refused('rows:\n  - *nowhere\n')).toMatch(/^file\.yaml:2: there is no &nowhere/m);
    expect(refused('rows:\n  - { workload: lru\n')).toMatch(/^file\.yaml:\d+: /m);
    expect(refused('rowz: []\n')).toMatch(/^file\.yaml:1: there is no rowz/m);
    expect(() => readExperiment('no-such')).toThrow(/EXPERIMENT must be a YAML file, or one of a-a, against, /);
  });

  it('has the floors of every program that it compares, whatever the filter', () => {
    for (const filter of [undefined, / javascript (sigbus|stw) /, / javascript sigbus .* 3×/]) {
      const all = points('barriers', filter === undefined ? {} : { filter });
      const floors = all.filter(({ heap }) => 'floor' in heap);
      for (const { configuration } of all) {
        const own = floors.filter((floor) => floor.configuration.workload === configuration.workload);
        expect(own.map((floor) => programOf(floor.configuration))).toContain(programOf(configuration));
      }
      expect(floors.every(({ configuration }) => isFloor(configuration))).toBe(true);
    }
  });

  it('a filter keeps the rows that it matches, and factors take the place of factors', () => {
    const kept = points('barriers', { filter: /gcbench .* native stw .* 3×/ }).filter(({ heap }) => !('floor' in heap));
    expect(kept.map(({ configuration, heap }) => [configuration.workload, configuration.barrier!.mode, heap])).toEqual([
      ['gcbench', 'stw', { factor: 3 }],
    ]);
    const factors = points('heap-sweep', { heapFactors: [1.7] }).flatMap(({ heap }) => ('factor' in heap ? [heap.factor] : []));
    expect([...new Set(factors)]).toEqual([1.7]);
  });

  it('how long a workload runs does not change its minimum heap, but what it allocates', () => {
    const key = (parameters: Configuration['parameters']): string => minimumHeapKey(configuration('stw', { parameters }));
    expect(key({ operationsPerSecond: 5, requests: 9, a: 1, b: 2 })).toBe(key({ b: 2, a: 1 }));
    expect(key({ a: 1 })).not.toBe(key({ a: 2 }));
    const census = (parameters: Configuration['parameters']): string => censusKey(configuration('stw', { parameters }));
    expect(census({ operationsPerSecond: 5, requests: 9 })).toBe(census({ requests: 9 }));
    expect(census({ requests: 9 })).not.toBe(census({ requests: 8 }));
  });
});

describe('schedule', () => {
  const points = pointsOf(readExperiment('markers'), choice);

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

  it('has the arms of a pair one after the other, in either order', () => {
    const arms = pointsOf({ ...readExperiment('against'), arms: { a: {}, b: {} } }, choice);
    const schedule = scheduleOf(arms, 20, randomFrom(7)).map(({ point }) => point);
    const firsts = schedule.filter((_, i) => i % 2 === 0);
    expect(firsts.every(({ pair }, i) => schedule[2 * i + 1]!.pair === pair)).toBe(true);
    expect(new Set(firsts.map(({ arm }) => arm))).toEqual(new Set(['a', 'b']));
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
        expect(bytes!).toBeLessThanOrEqual(Math.max(needed + MIB / 8, needed * 1.021));
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
    const text = readFileSync(path, 'utf8').replace('"version": 2', '"version": 3');
    rmSync(path);
    appendFileSync(path, text);
    expect(() => new MinimumHeapsFile(path)).toThrow(/version 3, not 2/);
  });
});
