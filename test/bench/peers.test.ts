/**
 * Peers: what each is started with, and that each does the same work as plain JavaScript objects: the same checksum for the same seed.
 * A peer that is not installed is skipped by name.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Configuration, Finished, InvocationResult } from '../../bench/harness/contract.ts';
import { programWords, requestFileBytes } from '../../bench/peers/program.ts';
import { processCpuNs, readThreadClocks } from '../../bench/peers/process-clocks.ts';
import { missing, type PeerSystem, PEERS } from '../../bench/peers/systems.ts';
import { allocationRate } from '../../bench/workloads/allocation-rate.ts';
import { binaryTrees } from '../../bench/workloads/binary-trees.ts';
import { fragmentation } from '../../bench/workloads/fragmentation.ts';
import { gcbench } from '../../bench/workloads/gcbench.ts';
import { lru } from '../../bench/workloads/lru.ts';
import { settingsOf } from '../../bench/workloads/workload.ts';
import { runProgramFile } from '../support/children.ts';
import { third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = join(ROOT, 'build/peers');
const BUILD_MS = 5 * 60_000;
const RUN_MS = 2 * 60_000;
const MIB = 2 ** 20;

/** Builds what can be built here; the answer names the peers that cannot run, with what to install. */
const built = spawnSync(process.execPath, [join(ROOT, 'bench/peers/build.mjs')], { encoding: 'utf8', timeout: BUILD_MS });
const folder = mkdtempSync(join(tmpdir(), 'faultline-peers-test-'));

function absent(system: PeerSystem): string | undefined {
  const library = system.launch({ programs: '', heapBytes: 0, workload: '', log: '' }).environment['LD_PRELOAD'];
  if (library === undefined) return missing(system, PROGRAMS);
  const { stdout } = spawnSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return stdout?.includes(library) ? missing(system, PROGRAMS) : `${system.name} needs ${library}`;
}

const launched = (name: string, workload = 'gcbench'): ReturnType<PeerSystem['launch']> =>
  PEERS.get(name)!.launch({ programs: '/programs', heapBytes: 64 * MIB, workload, log: '/log' });

describe('what a peer is started with', () => {
  it('is one heap limit in the words of each', () => {
    const zgc = ['-XX:+UseZGC', '-Xms65536k', '-Xmx65536k', '-XX:+AlwaysPreTouch'];
    expect(launched('openjdk-zgc').args).toEqual(expect.arrayContaining(zgc));
    expect(launched('openjdk-epsilon').args.slice(0, 2)).toEqual(['-XX:+UnlockExperimentalVMOptions', '-XX:+UseEpsilonGC']);
    // A floor whose memory is there before the clock runs.
    expect(launched('openjdk-epsilon').args).toContain('-XX:+AlwaysPreTouch');
    expect(launched('go').environment).toMatchObject({ GOGC: '100', GOMEMLIMIT: '67108864', GODEBUG: 'gctrace=1' });
    expect(launched('go-limit').environment).toMatchObject({ GOGC: 'off', GOMEMLIMIT: '67108864' });
    expect(launched('bdwgc').environment).toEqual({ GC_MAXIMUM_HEAP_SIZE: '67108864' });
    expect(launched('malloc-glibc').environment).toEqual({});
    expect(launched('malloc-jemalloc').environment).toEqual({ LD_PRELOAD: 'libjemalloc.so.2' });
  });

  it('lets a heap be smaller than its limit where memory is the figure', () => {
    expect(launched('openjdk-g1', 'fragmentation').args.filter((flag) => /^-Xms|PreTouch/.test(flag))).toEqual([]);
  });

  it('writes its log by time of the clock that requests are measured with, outside the pauses', () => {
    const logging = ['-Xlog:async', '-Xlog:gc*,safepoint:file=/log:timenanos,level,tags:filecount=0'];
    expect(launched('openjdk-g1').args).toEqual(expect.arrayContaining(logging));
  });

  const configuration: Configuration = {
    workload: 'lru',
    parameters: { keys: 10 },
    system: 'go',
    driver: 'native',
    heapBytes: MIB,
    mutators: 2,
    seed: 0xffffffff,
  };

  it('is every parameter, with a seed for each mutator', () => {
    const words = programWords(configuration, { keys: 10, operationsPerSecond: 50 }, { warmUp: 3, operations: 4 }, '/file');
    expect(words.sort()).toEqual([
      'keys=10',
      'mutators=2',
      'operations=4',
      'operationsPerSecond=50',
      'requests=/file',
      'seeds=4294967295,2654435768',
      'warmUp=3',
      'workload=lru',
    ]);
  });

  it('is the rate that the workload itself asks for', () => {
    const plan = { warmUp: 0, operations: 1, operationsPerSecond: 250 };
    expect(programWords(configuration, { operationsPerSecond: 0 }, plan, undefined)).toContain('operationsPerSecond=250');
  });

  it('has room for every request of every mutator', () => {
    expect(requestFileBytes(WORKLOADS.get('lru')!, { warmUp: 1, operations: 1000 }, 3)).toBe(48_000);
    expect(requestFileBytes(WORKLOADS.get('gcbench')!, { warmUp: 1, operations: 1000 }, 3)).toBe(0);
  });
});

/** Those that peers have. The list of all loads what is only found from build/. */
const WORKLOADS = new Map([gcbench, binaryTrees, lru, fragmentation, allocationRate].map((workload) => [workload.name, workload]));

const CASES: Readonly<Record<string, Record<string, number>>> = {
  gcbench: { stretchDepth: 12, longLivedDepth: 10, arrayLength: 5000, maxDepth: 8, rounds: 1, checkEvery: 500 },
  'binary-trees': { maxDepth: 10, rounds: 1, checkEvery: 500 },
  lru: { keys: 10_000, limitBytes: 2 * MIB, ttlRequests: 5000, warmUpRequests: 5000, requests: 30_000 },
  fragmentation: { limitBytes: 2 * MIB, firstCount: 15_000, secondCount: 8000 },
  'allocation-rate': { liveBytes: MIB, warmUpOperations: 1000, operations: 10_000 },
};

async function invoke(configuration: Configuration): Promise<InvocationResult> {
  const ended = await runProgramFile(join(ROOT, 'build/bench/peers/run.js'), [JSON.stringify(configuration)], { limitMs: RUN_MS });
  const last = ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (ended.code !== 0 || last === '') throw new Error(`${JSON.stringify(configuration)}: ${ended.stdout}${ended.stderr}`);
  return JSON.parse(last) as InvocationResult;
}

function configure(system: string, workload: string, seed: number, changes: Partial<Configuration> = {}): Configuration {
  // Epsilon never collects.
  const heapBytes = (system === 'openjdk-epsilon' ? 1024 : 64) * MIB;
  const requestFile = join(folder, 'requests.f64');
  return { workload, parameters: CASES[workload]!, system, driver: 'native', heapBytes, mutators: 1, seed, requestFile, ...changes };
}

/** Checks and checksum of the same work on plain JavaScript objects. */
function reference(name: string, seed: number): [checks: number, checksum: number] {
  const workload = WORKLOADS.get(name)!;
  const { parameters } = settingsOf(workload, CASES[name]!);
  const { warmUp, operations } = workload.plan(parameters);
  const work = workload.plain(parameters, seed, undefined);
  work.build();
  for (let i = 0; i < warmUp + operations; i++) work.step(i);
  work.verify();
  return [work.checks, work.checksum];
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('the build of the peers', () => {
  it('fails for no other reason than missing tools, which it names', () => {
    expect(built.status, built.stderr).toBe(0);
    for (const { name, program, packages } of PEERS.values()) {
      if (existsSync(join(PROGRAMS, program))) continue;
      expect(built.stderr, name).toContain(`apt-get install ${packages[0]}`);
    }
  });
});

const ALL = [...PEERS.values()];

/** Systems that share a program differ only in what is under it: the first of them runs everything, the others one workload. */
const RUNS = ALL.map((system) => {
  const isFirst = ALL.find(({ program }) => program === system.program) === system;
  return { name: system.name, system, reason: absent(system), workloads: isFirst ? system.workloads : ['lru'] };
});

describe.each(RUNS)('$name', ({ name, system, reason, workloads }) => {
  const title = (law: string): string => (reason === undefined ? law : `${law} (skipped: ${reason})`);

  it.skipIf(reason !== undefined)(title('finds what it stored, the same as plain JavaScript objects'), { timeout: RUN_MS }, async () => {
    const seed = seedOfTest();
    for (const workload of workloads) {
      const result = await invoke(configure(name, workload, seed));
      expect(result, workload).toMatchObject({ ok: true });
      const { checks, checksum, requests, operations } = result as Finished;
      expect([checks, checksum], workload).toEqual(reference(workload, seed));
      expect(requests?.count).toBe(WORKLOADS.get(workload)!.hasRequests ? operations : undefined);
    }
  });

  it.skipIf(reason !== undefined)(title('notices a spoilt value'), { timeout: RUN_MS }, async () => {
    for (const workload of third(workloads)) {
      const parameters = { ...CASES[workload]!, corruptAt: 10 };
      expect(await invoke(configure(name, workload, 1, { parameters })), workload).toMatchObject({ ok: false, code: 'mismatch' });
    }
  });

  it.skipIf(reason !== undefined)(title('gives each mutator a seed and a list of interruptions'), { timeout: RUN_MS }, async () => {
    const mutators = system.mutatorsMost ?? 2;
    const result = (await invoke(configure(name, 'binary-trees', 1, { mutators }))) as Finished;
    const [checks, checksum] = reference('binary-trees', 1); // the seed makes no difference to trees
    expect(result).toMatchObject({ ok: true, checks: mutators * checks, checksum: (mutators * checksum) % 2 ** 32 });
    expect(result.interruptions).toHaveLength(mutators);
    if (system.mutatorsMost !== undefined) {
      const more = await invoke(configure(name, 'binary-trees', 1, { mutators: mutators + 1 }));
      expect(more).toMatchObject({ ok: false, code: 'unsupported' });
    }
    expect(result.hiccupNs).toHaveLength(6);
    expect(result.cpuNs.total).toBeGreaterThan(0);
    expect(result.memory.peakBytes).toBeGreaterThan(0);
    expect(result.about['runtime']).toMatch(new RegExp(`^${system.runtime}`));
  });

  it.skipIf(reason !== undefined)(title('tells what each collection left, if it collects'), { timeout: RUN_MS }, async () => {
    const collects = !/^malloc|epsilon/.test(name);
    const heapBytes = (collects ? 32 : 1024) * MIB;
    const parameters = { ...CASES['gcbench']!, stretchDepth: 16, longLivedDepth: 16, maxDepth: 10, rounds: 2 };
    const { memory, wallNs } = (await invoke(configure(name, 'gcbench', 1, { parameters, heapBytes }))) as Finished;
    expect(memory.liveSource).toBe(collects ? 'collector' : undefined);
    // Two references of 8 bytes, or two of 4 and a header, in every node of the tree that lives on.
    const leastBytes = 16 * (2 ** 17 - 1);
    for (const [timeNs, bytes] of memory.liveSeries ?? []) {
      expect(timeNs).toBeGreaterThanOrEqual(0);
      expect(timeNs).toBeLessThanOrEqual(wallNs);
      expect(bytes).toBeGreaterThanOrEqual(leastBytes - MIB); // some logs round down to MiB
      expect(bytes).toBeLessThanOrEqual(heapBytes);
    }
    expect(memory.liveBytes).toBe(memory.liveSeries?.at(-1)?.[1]);
  });

  // malloc has no limit of its own, and Shenandoah collects for more than a minute before it gives up.
  const isEndless = name.startsWith('malloc') || name === 'openjdk-shenandoah';
  it.skipIf(reason !== undefined || isEndless)(title('answers that its heap is full'), { timeout: RUN_MS }, async () => {
    // Some 90 MiB of nodes at least.
    const parameters = { ...CASES['gcbench']!, longLivedDepth: 21 };
    const result = await invoke(configure(name, 'gcbench', 1, { parameters, heapBytes: 16 * MIB }));
    expect(result).toMatchObject({ ok: false, code: 'out-of-memory' });
  });
});

describe('the mutator that collects', () => {
  const reason = absent(PEERS.get('bdwgc')!);
  const law = 'is interrupted for the whole of a collection';

  it.skipIf(reason !== undefined)(reason === undefined ? law : `${law} (skipped: ${reason})`, { timeout: RUN_MS }, async () => {
    const parameters = { ...CASES['gcbench']!, stretchDepth: 16, rounds: 2 };
    const { interruptions, pauses } = (await invoke(configure('bdwgc', 'gcbench', 1, { parameters, heapBytes: 16 * MIB }))) as Finished;
    const collecting = interruptions[0]!.filter(([, , kind]) => kind === 'slow-path');
    expect(pauses.length).toBeGreaterThan(1);
    // One may have begun before the measured part, or not have ended in it.
    expect(Math.abs(collecting.length - pauses.length)).toBeLessThanOrEqual(1);
    const around = pauses.filter(([start, length]) => collecting.some(([from, all]) => from <= start && from + all >= start + length));
    expect(around.length).toBeGreaterThanOrEqual(pauses.length - 1);
  });
});

describe('the CPU time of a process', () => {
  it('has that of threads which have ended', { timeout: RUN_MS }, async () => {
    process.env['FAULTLINE_ADDON'] = join(ROOT, 'build/Release/bench/faultline.node');
    const burn = 'const end = performance.now() + 300; while (performance.now() < end);';
    const program = `new (require('worker_threads').Worker)(${JSON.stringify(burn)}, { eval: true }).on('exit', () => console.log('ended')); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', program]);
    try {
      await once(child.stdout, 'data');
      const living = [...readThreadClocks(child.pid!).values()].reduce((sum, { cpuNs }) => sum + cpuNs, 0);
      expect(processCpuNs(child.pid!) - living).toBeGreaterThan(50e6);
    } finally {
      child.kill();
    }
  });
});

describe('requests', () => {
  const [system] = ALL.filter((peer) => absent(peer) === undefined);

  it.skipIf(system === undefined)('begin when the schedule says, whenever they are served', { timeout: RUN_MS }, async () => {
    const parameters = { ...CASES['lru']!, requests: 2000, operationsPerSecond: 20_000 };
    const { requests } = (await invoke(configure(system!.name, 'lru', 1, { parameters, mutators: 2 }))) as Finished;
    expect(requests).toMatchObject({ count: 4000, loop: 'open' });
    const bytes = readFileSync(requests!.path);
    const pairs = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
    for (let i = 0; i < 4000; i++) {
      expect(pairs[2 * i]).toBe((i >> 1) * 50_000);
      expect(pairs[2 * i + 1]).toBeGreaterThanOrEqual(pairs[2 * i]!);
    }
  });
});

describe('an invocation', () => {
  it('answers that a peer or a workload does not exist', { timeout: RUN_MS }, async () => {
    expect(await invoke(configure('cobol', 'lru', 1))).toMatchObject({ ok: false, code: 'unsupported' });
    expect(await invoke(configure('go', 'replay', 1))).toMatchObject({ ok: false, code: 'unsupported' });
  });
});
