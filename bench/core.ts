/**
 * bench:core: the figures of the core as ratios against floors measured in the same run.
 *
 *     npm run bench:core [-- --quick] [-- --json]
 *
 * The native half (pauses, fault service, empty cycles, page building) is the executable build/Release/test/core_bench; the JavaScript
 * half (allocation, field access, memory) is here. Absolute times belong to the machine and the moment; read the ratios, and
 * read them on a quiet machine. Nothing here is a test: no figure makes the command fail.
 */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { measureAllocation } from './allocation.ts';
import { type FastPathFigures, measureFastPaths } from './fast-paths.ts';
import { measureFieldLoad } from './field-load.ts';
import { markingLines, measureMarking } from './marking.ts';
import { measureMemory } from './memory.ts';
import { runNativeBench } from './native-bench.ts';
import { type OutsideFigures, runOutsideCycles } from './outside-cycles.ts';
import type { Line } from './report.ts';
import { measureSafepoint, type SafepointFigures } from './safepoint.ts';
import { measureStalls, type StallFigures } from './stalls.ts';

interface NativeFigures {
  flip: {
    mib: number;
    roots: number;
    flips: number;
    p50Us: number;
    p90Us: number;
    maxUs: number;
    kernelP50Us: number;
    rootsP50Us: number;
  }[];
  faults: { mode: string; count: number; p50Us: number; p99Us: number; bareP50Us: number }[];
  emptyCycles: { mib: number; p50Us: number; maxUs: number }[];
  roots: { slots: number; startP50Us: number; remarkP50Us: number; flipP50Us: number; forwardedBefore: number }[];
  building: Record<string, { gibPerS: number; memcpyGibPerS: number; ratio: number; scatteredRatio: number; usPerPage: number }>;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } });
const say = (text: string): void => void process.stderr.write(text);

function flipLines(flips: NativeFigures['flip']): Line[] {
  const smallest = flips[0]!;
  const largest = flips.at(-1)!;
  const ratio = largest.p50Us / smallest.p50Us;
  return [
    ...flips.map((flip) => ({
      figure: `flip pause at ${flip.mib} MiB, ${flip.roots} roots`,
      measured: `p50 ${flip.p50Us.toFixed(0)} us (kernel ${flip.kernelP50Us.toFixed(0)}, roots ${flip.rootsP50Us.toFixed(0)}), max ${flip.maxUs.toFixed(0)} us`,
      goal: 'p50 <= 100 us',
      reached: flip.p50Us <= 100,
    })),
    {
      figure: `flip pause, ${largest.mib} MiB against ${smallest.mib} MiB`,
      measured: `${ratio.toFixed(2)} x`,
      goal: '<= 1.5 x',
      reached: ratio <= 1.5,
    },
  ];
}

function faultLines(faults: NativeFigures['faults']): Line[] {
  // Units of several pages make most touches of the sigsegv mode free, so its median says nothing beside the bare fault.
  return faults.map(({ mode, p50Us, p99Us, bareP50Us }) => ({
    figure: `fault service, ${mode}, one page of 40-byte objects`,
    measured: `${(p50Us / bareP50Us).toFixed(2)} x bare (p50 ${p50Us.toFixed(1)}, p99 ${p99Us.toFixed(1)}, bare ${bareP50Us.toFixed(1)} us)`,
    goal: mode === 'sigbus' ? '<= 2 x' : '',
    reached: p50Us <= 2 * bareP50Us,
  }));
}

function emptyCycleLines(cycles: NativeFigures['emptyCycles']): Line[] {
  return cycles.map(({ mib, p50Us, maxUs }) => ({
    figure: `a cycle of an empty heap, ${mib} MiB of capacity`,
    measured: `p50 ${(p50Us / 1000).toFixed(2)}, max ${(maxUs / 1000).toFixed(2)} ms`,
    goal: 'p50 <= 3 ms',
    reached: p50Us <= 3000,
  }));
}

function rootLines([none, many]: NativeFigures['roots']): Line[] {
  return (['start', 'remark', 'flip'] as const).map((pause) => {
    const addedUs = many![`${pause}P50Us`] - none![`${pause}P50Us`];
    return {
      figure: `what ${many!.slots / 2} handles and as many root slots add: ${pause === 'start' ? 'mark start' : pause} pause`,
      measured: `${(addedUs / 1000).toFixed(2)} ms`,
      goal: '<= 0.1 ms',
      reached: addedUs <= 100,
    };
  });
}

function buildingLines(building: NativeFigures['building']): Line[] {
  const line = (key: string, what: string, goal: number): Line => {
    const { gibPerS, ratio, scatteredRatio, usPerPage } = building[key]!;
    return {
      figure: `building pages: ${what}`,
      measured: `${ratio.toFixed(2)} of memcpy, ${scatteredRatio.toFixed(2)} of copying the same runs (${gibPerS.toFixed(1)} GiB/s, ${usPerPage.toFixed(2)} us a page)`,
      goal: goal === 0 ? '' : `>= ${goal.toFixed(2)}`,
      reached: Math.max(ratio, key.startsWith('leaves') ? scatteredRatio : 0) >= goal,
    };
  };
  return [
    line('nearby', '40-byte objects, 2 nearby references', 0.3),
    line('random', '40-byte objects, 2 random references', 0.15),
    line('leaves', '1 KiB objects, half of them garbage', 0.75),
    line('leavesQuarterGarbage', '1 KiB objects, a quarter garbage', 0.75),
    line('nearbyPortable', '40-byte objects, nearby, without POPCNT', 0),
  ];
}

function safepointLine({ threads, p50Us, p99Us, floorP50Us, floorP99Us }: SafepointFigures): Line {
  return {
    figure: `time to safepoint, ${threads} JavaScript mutator${threads > 1 ? 's' : ''} that poll${threads > 1 ? '' : 's'}`,
    measured:
      `p50 ${p50Us.toFixed(0)}, p99 ${p99Us.toFixed(0)} us; threads that poll a flag without a heap: ` +
      `p50 ${floorP50Us.toFixed(0)}, p99 ${floorP99Us.toFixed(0)} us`,
    goal: threads === 4 ? 'p99 <= 200 us' : '',
    reached: threads !== 4 || p99Us <= 200,
  };
}

function stallLine({ factor, capacityOverLive, stalls, stalledMs, operationsPerSecond, throughput }: StallFigures): Line {
  const [goal, reached] =
    factor === 2 ? ['no stall', stalls === 0] : factor === 1.5 ? ['throughput >= 0.5 of that at 3 x', throughput >= 0.5] : ['', true];
  return {
    figure: `faultline run in a heap of ${factor} x what is alive`,
    measured:
      `(${capacityOverLive.toFixed(2)} x in this run) ${stalls} waits for memory, ${stalledMs.toFixed(0)} ms in all; ${(operationsPerSecond / 1e6).toFixed(1)} million operations/s, ` +
      `${throughput.toFixed(2)} of that at 3 x`,
    goal,
    reached,
  };
}

function outsideLines({ driver, workload, ratios }: OutsideFigures): Line[] {
  return Object.entries(ratios).map(([arm, { median, low, high }]) => {
    const hasGoal = arm.startsWith('sigbus') && workload === 'lru';
    return {
      figure: `mutator outside cycles, ${driver}, ${workload}: ${arm} against none`,
      measured: `${median.toFixed(3)} x (${low.toFixed(3)} to ${high.toFixed(3)})`,
      goal: hasGoal ? '0.99 to 1.01 x' : '',
      reached: !hasGoal || (low >= 0.99 && high <= 1.01),
    };
  });
}

function fastPathLine({ path, heap, plain, against }: FastPathFigures): Line {
  return {
    figure: `fast path: ${path}`,
    measured: `${(heap / 1e6).toFixed(0)} million a second; ${against}: ${(plain / 1e6).toFixed(0)} million`,
    goal: '',
    reached: true,
  };
}

say('native figures…\n');
const native = runNativeBench<NativeFigures>('core_bench', values.quick);
say('marking…\n');
const marking = measureMarking(values.quick);
say('safepoints…\n');
const safepoints = [];
for (const threads of [1, 2, 4]) safepoints.push(await measureSafepoint(threads, values.quick ? 100 : 1000));
say('allocation…\n');
const allocation = await measureAllocation(values.quick ? 2_000_000 : 12_000_000);
say('field access…\n');
const field = await measureFieldLoad(values.quick ? 20 : 60);
const fastPaths = await measureFastPaths(values.quick ? 5 : 20);
say('mutators outside cycles…\n');
const outside = runOutsideCycles(values.quick);
say('memory…\n');
const memory = await measureMemory();
say('whole runs…\n');
const stalls = measureStalls(values.quick ? 3 : 10);

const lines: Line[] = [
  ...flipLines(native.flip),
  ...faultLines(native.faults),
  ...emptyCycleLines(native.emptyCycles),
  ...rootLines(native.roots),
  ...buildingLines(native.building),
  ...markingLines(marking),
  ...safepoints.map(safepointLine),
  {
    figure: `allocation of 32 bytes with one field, ${(allocation.objects / 1e6).toFixed(0)} million`,
    measured: `${allocation.recycledNs.toFixed(1)} ns on recycled pages, ${allocation.freshNs.toFixed(1)} ns on fresh ones`,
    goal: '<= 15 ns',
    reached: allocation.recycledNs <= 15,
  },
  {
    figure: 'field load outside a cycle, against ordinary buffers',
    measured: `${field.ratio.toFixed(3)} x (${field.heapNs.toFixed(3)} ns; ArrayBuffer ${field.arrayBufferNs.toFixed(3)}, shared ${field.sharedArrayBufferNs.toFixed(3)})`,
    goal: '<= 1.02 x',
    reached: field.ratio <= 1.02,
  },
  ...fastPaths.map(fastPathLine),
  ...outside.flatMap(outsideLines),
  {
    figure: 'side metadata',
    measured: `${(memory.metadataShare * 100).toFixed(2)} % of the heap`,
    goal: '<= 4.5 %',
    reached: memory.metadataShare <= 0.045,
  },
  {
    figure: 'heap file at its peak in a cycle, over start + targets',
    measured: `${(memory.peakOverBytes / 2 ** 20).toFixed(1)} MiB`,
    goal: '<= 16 MiB',
    reached: memory.peakOverBytes <= 16 * 2 ** 20,
  },
  {
    figure: 'heap file after a full collection',
    measured: `${(memory.afterFullBytes / 2 ** 20).toFixed(1)} MiB for ${(memory.liveBytes / 2 ** 20).toFixed(1)} MiB live`,
    goal: '<= 1.05 x live + 16 MiB',
    reached: memory.afterFullBytes <= 1.05 * memory.liveBytes + 16 * 2 ** 20,
  },
  ...stalls.map(stallLine),
  { figure: 'UFFDIO_COPY calls', measured: String(memory.copyCalls), goal: '0', reached: memory.copyCalls === 0 },
];

const machine = { node: process.version, kernel: release(), cpu: cpus()[0]?.model ?? '?', cpus: cpus().length };
if (values.json) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const figures = { native, marking, safepoints, allocation, field, fastPaths, outside, memory, stalls };
  process.stdout.write(`${JSON.stringify({ version, machine, ...figures, lines }, null, 2)}\n`);
} else {
  const table = new Table({ head: ['figure', 'measured', 'goal', ''], style: { head: [], border: [] } });
  for (const { figure, measured, goal, reached } of lines) table.push([figure, measured, goal, goal === '' ? '' : reached ? 'yes' : 'no']);
  process.stdout.write(`${table.toString()}\n`);
  process.stdout.write(`Node ${machine.node}, Linux ${machine.kernel}, ${machine.cpus} x ${machine.cpu}\n`);
}
