/**
 * Invocations of benchmarks: every workload does the same on every kind of memory, its checks can fail, and every outcome is an answer.
 */
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Heap } from 'faultline';
import { Ballast } from '../../bench/invocation/ballast.ts';
import { intervalsOf } from '../../bench/invocation/faultline.ts';
import type { MutatorReport } from '../../bench/invocation/messages.ts';
import type { BarrierRow, Configuration, Finished } from '../../bench/harness/contract.ts';
import { finish, folderForRequests, invoke } from '../support/invocations.ts';
import { MARKERS, MODES, MOVING_MODES, SHORT, third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';

const INVOCATIONS_MS = 5 * 60_000;
const MIB = 2 ** 20;

const folder = folderForRequests();
const snapshot = join(folder.path, 'small.heapsnapshot');

beforeAll(() => {
  // Of a process that does nothing: tens of thousands of nodes.
  spawnSync(process.execPath, ['-e', 'require("v8").writeHeapSnapshot(process.argv[1])', snapshot]);
});
afterAll(() => folder.remove());

interface Case {
  readonly parameters: Configuration['parameters'];
  /** Small enough for some collections; V8 needs some for itself. */
  readonly heapMib: number;
  readonly v8Mib: number;
}

const CASES: Readonly<Record<string, Case>> = {
  gcbench: {
    parameters: { stretchDepth: 14, longLivedDepth: 12, arrayLength: 20_000, maxDepth: 10, rounds: 1, checkEvery: 1000 },
    heapMib: 3,
    v8Mib: 24,
  },
  'binary-trees': { parameters: { maxDepth: 12, rounds: 1, checkEvery: 500 }, heapMib: 2, v8Mib: 24 },
  lru: {
    parameters: { keys: 10_000, limitBytes: 2 * MIB, ttlRequests: 5000, warmUpRequests: 5000, requests: 30_000 },
    heapMib: 6,
    v8Mib: 32,
  },
  fragmentation: { parameters: { limitBytes: 2 * MIB, firstCount: 15_000, secondCount: 8000 }, heapMib: 5, v8Mib: 32 },
  'allocation-rate': { parameters: { liveBytes: MIB, warmUpOperations: 1000, operations: 25_000 }, heapMib: 4, v8Mib: 32 },
  graph: {
    parameters: { vertices: 5000, changesPerOperation: 16, rankEvery: 300, warmUpOperations: 500, operations: 3000 },
    heapMib: 3,
    v8Mib: 32,
  },
  documents: {
    parameters: { documents: 300, vocabulary: 2000, updatePercent: 50, warmUpRequests: 200, requests: 2500 },
    heapMib: 3,
    v8Mib: 32,
  },
  replay: { parameters: { snapshot, warmUpOperations: 200, operations: 12_000 }, heapMib: 7, v8Mib: 96 },
};

const marker = (wanted: BarrierRow['marker']): BarrierRow['marker'] => (MARKERS.includes(wanted) ? wanted : 'stopped');

function configure(workload: string, seed: number, changes: Partial<Configuration> = {}): Configuration {
  const { parameters, heapMib } = CASES[workload]!;
  return {
    workload,
    parameters,
    system: 'faultline',
    driver: 'javascript',
    barrier: { mode: MODES[0]!, marker: marker('barrier-free'), faultAroundPages: 'adaptive' },
    heapBytes: heapMib * MIB,
    mutators: 1,
    seed,
    requestFile: join(folder.path, 'requests.f64'),
    ...changes,
  };
}

const onV8 = (workload: string, seed: number, changes: Partial<Configuration> = {}): Configuration => {
  const { barrier: _, ...rest } = configure(workload, seed, changes);
  return { ...rest, system: 'v8', driver: 'javascript', heapBytes: CASES[workload]!.v8Mib * MIB };
};

describe.each(Object.keys(CASES).map((workload, number) => [workload, number] as const))('%s', (workload, number) => {
  it('finds what it stored, and the same on every kind of memory', { timeout: INVOCATIONS_MS }, async () => {
    const seed = seedOfTest();
    const rows: Partial<Configuration>[] = [{ driver: 'javascript' }, { driver: 'native' }];
    for (const [i, mode] of MOVING_MODES.entries()) {
      // Each mode in one workload of the short form.
      if (SHORT && (i + number) % Object.keys(CASES).length !== 0) continue;
      const row: BarrierRow = { mode, marker: mode === 'stw' ? 'stopped' : marker('satb'), faultAroundPages: i % 2 === 0 ? 4 : 16 };
      rows.push({ driver: i % 2 === 0 ? 'javascript' : 'native', barrier: row });
      // Its loads are others in each.
      if (mode === 'load-barrier') rows.push({ driver: i % 2 === 0 ? 'native' : 'javascript', barrier: row });
    }
    const reference = await finish(onV8(workload, seed));
    expect(reference.checks).toBeGreaterThan(1000);
    for (const row of rows) {
      const finished = await finish(configure(workload, seed, row));
      expect([finished.checksum, finished.checks], JSON.stringify(row)).toEqual([reference.checksum, reference.checks]);
      expect(finished.operations).toBe(reference.operations);
    }
  });

  it('notices a spoilt value', { timeout: INVOCATIONS_MS }, async () => {
    const parameters = { ...CASES[workload]!.parameters, corruptAt: 10 };
    const drivers = (['javascript', 'native'] as const).map((driver) => configure(workload, 1, { driver, parameters }));
    for (const configuration of third([...drivers, onV8(workload, 1, { parameters })], number)) {
      expect(await invoke(configuration)).toMatchObject({ ok: false, code: 'mismatch' });
    }
  });
});

describe('a result', () => {
  const isAscending = (values: readonly number[]): boolean => values.every((value, i) => i === 0 || value >= values[i - 1]!);

  function expectWhole(finished: Finished, mutators: number): void {
    const { wallNs, cpuNs, pauses, interruptions, memory, hiccupNs } = finished;
    expect(wallNs).toBeGreaterThan(0);
    expect(cpuNs.total).toBeGreaterThan(cpuNs.mutators!);
    expect(cpuNs.total).toBeGreaterThan(cpuNs.collector ?? 0);
    expect(pauses.every(([startNs, lengthNs]) => startNs >= 0 && startNs < wallNs && lengthNs > 0)).toBe(true);
    expect(interruptions.length).toBe(mutators);
    for (const list of interruptions) expect(isAscending(list.map(([startNs]) => startNs))).toBe(true);
    expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.meanBytes);
    expect(isAscending(memory.series.map(([timeNs]) => timeNs))).toBe(true);
    expect(hiccupNs.length).toBe(6);
    expect(isAscending(hiccupNs)).toBe(true);
  }

  const limit = { timeout: INVOCATIONS_MS };

  it.each(['javascript', 'native'] as const)('tells what is left after one collection, while %s mutators read', limit, async (driver) => {
    const finished = await finish(configure('fragmentation', 1, { driver }));
    const { heapBytes, liveBytes, cycles, requests, latencyNs } = finished.memory.afterCollection!;
    expect(heapBytes).toBeGreaterThanOrEqual(liveBytes);
    // Whole regions at most, beyond what is alive.
    expect(heapBytes).toBeLessThan(1.05 * liveBytes + 2 * MIB);
    expect(cycles).toBeGreaterThan(0);
    expect(requests).toBeGreaterThan(0);
    expect(isAscending(latencyNs)).toBe(true);
    expect((await finish(configure('lru', 1, { driver }))).memory.afterCollection).toBeUndefined();
  });

  it.each(['javascript', 'native'] as const)('tells what the collector took from %s mutators', limit, async (driver) => {
    const finished = await finish(configure('allocation-rate', 1, { driver, mutators: 2, heapBytes: 7 * MIB }));
    expectWhole(finished, 2);
    expect(finished.collections).toBeGreaterThan(0);
    expect(finished.pauses.length).toBeGreaterThan(0);
    expect(finished.cpuNs.collector).toBeGreaterThan(0);
    if (finished.about['marker'] === 'barrier-free') expect(finished.writtenPages).toBeGreaterThan(0);
    const kinds = new Set(finished.interruptions.flat().map(([, , kind]) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['pause', 'slow-path']));
    expect(finished.memory.liveBytes).toBeGreaterThan(MIB);
    expect(finished.nominal).toBeUndefined();
    // What the heap counts, buffer by buffer.
    expect(finished.allocatedBytes! / (50 * 2 * 25_000 * 8)).toBeGreaterThan(1);
  });

  it('has a census of what was allocated where it was asked for', limit, async () => {
    const { nominal } = await finish(configure('allocation-rate', 1, { driver: 'native', mutators: 2, heapBytes: 7 * MIB, census: true }));
    expect(nominal).toMatchObject({ objectBytesP10: 24, objectBytesP50: 40, objectBytesP90: 96 });
    expect(nominal!.objectBytesMean).toBeGreaterThan(52);
    expect(nominal!.objectBytesMean).toBeLessThan(60);
    expect(nominal!.allocatedBytes).toBeCloseTo(nominal!.objectBytesMean * 2 * 25_000 * 8, -1);
  });

  it('of a heap that is no whole number of regions has no more memory than that', limit, async () => {
    const heap = Heap.create({ capacityBytes: 6.3 * MIB, fault: 'stw', marker: 'stopped' });
    const ballast = new Ballast(heap, 6.3 * MIB);
    await heap.collect({ kind: 'full' });
    const { liveBytes, capacityBytes } = heap.statistics();
    expect(ballast.bytes / MIB).toBeCloseTo(0.7, 2);
    expect(liveBytes).toBeGreaterThanOrEqual(ballast.bytes);
    expect(Math.abs(capacityBytes - liveBytes - 6.3 * MIB)).toBeLessThan(2 * 8192);
    ballast.drop();
    await heap.close();
  });

  it.each(['javascript', 'native'] as const)('tells how long the pieces of %s mutators took', limit, async (driver) => {
    const { iterations, wallNs } = await finish(
      configure('gcbench', 1, { driver, parameters: { ...CASES['gcbench']!.parameters, rounds: 3 } }),
    );
    expect([iterations!.warmUpNs.map(({ length }) => length), iterations!.measuredNs.map(({ length }) => length)]).toEqual([[1], [3]]);
    const sum = iterations!.measuredNs[0]!.reduce((a, b) => a + b);
    expect(Math.abs(sum - wallNs) / wallNs).toBeLessThan(0.05);
    const lru = await finish(configure('lru', 1, { driver }));
    expect(lru.iterations).toMatchObject({ operations: 3000, warmUpNs: [{ length: 2 }], measuredNs: [{ length: 10 }] });
  });

  it('does not charge the harness to the program', limit, async () => {
    // Nothing is collected: what neither a mutator nor the harness took is the rest of the process. The least of some tries, for what a
    // crowded machine adds is no part of the account.
    const rests: number[] = [];
    while (rests.length < 3 && Math.min(...rests) >= 0.015) {
      const row: BarrierRow = { mode: 'none', marker: 'stopped', faultAroundPages: 'adaptive' };
      const parameters = { ...CASES['gcbench']!.parameters, stretchDepth: 17, rounds: 2 };
      const { cpuNs, wallNs } = await finish(configure('gcbench', 1, { driver: 'native', barrier: row, heapBytes: 700 * MIB, parameters }));
      expect(cpuNs.harness).toBeGreaterThan(0);
      rests.push((cpuNs.total - cpuNs.mutators!) / wallNs);
    }
    expect(Math.min(...rests)).toBeLessThan(0.015);
  });

  it.each(['javascript', 'native'] as const)(
    'that collects nothing has %s mutators on memory that is there already',
    limit,
    async (driver) => {
      const row: BarrierRow = { mode: 'none', marker: 'stopped', faultAroundPages: 'adaptive' };
      const parameters = { ...CASES['gcbench']!.parameters, stretchDepth: 16, rounds: 2 };
      const { memory, allocatedBytes } = await finish(configure('gcbench', 1, { driver, barrier: row, heapBytes: 300 * MIB, parameters }));
      expect(allocatedBytes).toBeGreaterThan(50 * MIB);
      // All of it is in the file before the measured part begins, so nobody waits for the kernel to make a page in it.
      expect(memory.series[0]![1]).toBeGreaterThanOrEqual(300 * MIB);
      expect(memory.peakBytes).toBeLessThan(1.1 * memory.series[0]![1]);
    },
  );

  it('counts what the machine lets it count, and says why it does not count the rest', limit, async () => {
    const { counters, about } = await finish(configure('gcbench', 1, { driver: 'native' }));
    for (const name of ['cycles', 'instructions', 'dtlbLoadMisses', 'lastLevelLoadMisses', 'minorFaults', 'contextSwitches']) {
      const reason = new RegExp(`${name}: [a-z]`).test(about['countersAbsent'] ?? '');
      expect([name, counters![name] !== undefined, reason]).toEqual([name, !reason, reason]);
    }
  });

  it('that has lost interruptions of the measured part is incomplete', () => {
    const report = (...starts: number[]) =>
      ({ interruptions: Float64Array.from(starts.flatMap((start) => [start, 1, 0])) }) as unknown as MutatorReport;
    expect(intervalsOf(report(5, 12, 13), 10, 20, 3).map(([start]) => start)).toEqual([2, 3]);
    expect(intervalsOf(report(11, 12), 10, 20, 3)).toHaveLength(2);
    expect(() => intervalsOf(report(11, 12, 13), 10, 20, 3)).toThrow(expect.objectContaining({ code: 'incomplete' }));
  });

  it('tells what V8 took', { timeout: INVOCATIONS_MS }, async () => {
    const finished = await finish(onV8('lru', 1, { mutators: 2 }));
    expectWhole(finished, 2);
    expect(finished.collections).toBe(finished.pauses.length);
    expect(finished.collections).toBeGreaterThan(0);
  });

  it.each(['javascript', 'native'] as const)('has all requests of an open loop by %s mutators, as scheduled', limit, async (driver) => {
    const rate = 20_000;
    const parameters = { ...CASES['lru']!.parameters, requests: 4000, operationsPerSecond: rate };
    const { requests } = await finish(configure('lru', 1, { driver, parameters }));
    expect(requests).toMatchObject({ count: 4000, loop: 'open' });
    const bytes = readFileSync(requests!.path);
    const pairs = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    expect(pairs.length).toBe(8000);
    for (let i = 0; i < 4000; i++) {
      // A double of this size is exact to some 0.25 microseconds only where it counts from the machine's start.
      expect(Math.abs(pairs[2 * i]! - (i * 1e9) / rate)).toBeLessThan(2);
      expect(pairs[2 * i + 1]!).toBeGreaterThan(pairs[2 * i]!);
    }
  });

  it('of a closed loop has requests that begin when the one before has ended', { timeout: INVOCATIONS_MS }, async () => {
    const { requests } = await finish(configure('lru', 1));
    const bytes = readFileSync(requests!.path);
    const pairs = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    for (let i = 1; i < requests!.count; i++) expect(pairs[2 * i]).toBe(pairs[2 * i - 1]);
  });
});

describe('what cannot be done is answered', () => {
  const code = async (configuration: Configuration): Promise<string> => {
    const result = await invoke(configuration);
    return result.ok ? 'ok' : result.code;
  };

  it('a heap that is too small, in every driver', { timeout: INVOCATIONS_MS }, async () => {
    const parameters = { ...CASES['gcbench']!.parameters, stretchDepth: 16 };
    for (const driver of ['javascript', 'native'] as const) {
      expect(await code(configure('gcbench', 1, { heapBytes: MIB, driver, parameters }))).toBe('out-of-memory');
      expect(await code(configure('gcbench', 1, { heapBytes: MIB / 2, driver }))).toBe('out-of-memory');
    }
    // One mutator fails, the other one is ended.
    expect(await code(configure('fragmentation', 1, { heapBytes: 4 * MIB, driver: 'native', mutators: 2 }))).toBe('out-of-memory');
    expect(await code({ ...onV8('lru', 1), heapBytes: 4 * MIB })).toBe('out-of-memory');
  });

  it('a mode, a workload, a system, a parameter that there is not', { timeout: INVOCATIONS_MS }, async () => {
    const row: BarrierRow = { mode: 'no such mode', marker: 'stopped', faultAroundPages: 4 };
    expect(await code(configure('gcbench', 1, { barrier: row }))).toBe('unsupported');
    expect(await code({ ...configure('gcbench', 1), workload: 'no such workload' })).toBe('unsupported');
    expect(await code(configure('gcbench', 1, { system: 'no such system' }))).toBe('unsupported');
    expect(await code(configure('gcbench', 1, { parameters: { noSuchParameter: 1 } }))).toBe('unsupported');
    expect(await code(configure('allocation-rate', 1, { parameters: { preset: 'no such preset' } }))).toBe('unsupported');
  });
});
