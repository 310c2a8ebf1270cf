/**
 * A program that keeps the contract of an invocation without a heap: figures follow from the configuration by simple rules, so that tests
 * know what the harness must find. The workload's minimum heap is 20 MiB.
 *
 *     mode          does
 *     sigbus        ends well; CPU 1.2 × the floor
 *     stw           ends well; wall 1.5 × the floor, one pause of 20 % of it
 *     thread        is unsupported
 *     sigsegv       crashes
 *     move          hangs, or ends well where FAKE_MOVES is set
 *     copy-sigbus   prints nonsense
 *     load-barrier  finds a mismatch
 *     none          ends well, nothing collected
 *
 * malloc-mimalloc ends well with nothing collected, in 1.05 × the time of mode none; idle tells of hiccups and nothing else.
 *
 * What is alive is told by the collector in mode stw, by the workload in the others, and by nobody with marker satb.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MINIMUM_BYTES = 20 * 2 ** 20;
const WALL_NS = 1e9;

const { heapBytes, barrier, system, parameters, seed, workload } = JSON.parse(process.argv[2]);
const mode = barrier?.mode ?? system;
const answer = (result) => process.stdout.write(`something else first\n${JSON.stringify(result)}\n`);
const fail = (code) => answer({ ok: false, code, message: `this is ${mode}` });

if (system === 'idle') answer({ ...finished(), hiccupNs: [1e3, 4e3, 1e4, 3e4, 5e4, 1e6] });
else if (heapBytes < MINIMUM_BYTES) fail('out-of-memory');
else if (mode === 'thread') fail('unsupported');
else if (mode === 'sigsegv') process.kill(process.pid, 'SIGSEGV');
else if (mode === 'move' && process.env['FAKE_MOVES'] === undefined) setInterval(() => {}, 1000);
else if (mode === 'copy-sigbus') process.stdout.write('this is no result\n');
else if (mode === 'load-barrier') fail('mismatch');
else answer(finished());

function finished() {
  // A little noise that the seed decides: ± 1 %.
  const noise = 1 + 0.01 * Math.sin(seed * 12.9898 + heapBytes);
  const tight = 1 + 0.5 * (MINIMUM_BYTES / heapBytes);
  const wallNs = Math.round(WALL_NS * noise * (mode === 'stw' ? 1.5 : mode === 'none' ? 1 : system.startsWith('malloc-') ? 1.05 : tight));
  const collects = mode !== 'none' && !system.startsWith('malloc-') && system !== 'idle';
  const pauses = collects ? pausesOf(wallNs) : [];
  const faults = mode === 'sigbus' ? faultsOf(pauses) : [];
  return {
    ok: true,
    wallNs,
    cpuNs: { total: mode === 'sigbus' ? wallNs * 1.2 : wallNs, collector: collects ? wallNs * 0.1 : 0, faultService: faults.length * 8000 },
    operations: 1000,
    checks: 5000,
    collections: pauses.length,
    pauses,
    interruptions: [[...pauses.map(([start, length]) => [start, length, 'pause']), ...faults].sort(([a], [b]) => a - b)],
    ...(workload === 'lru' ? { requests: requestsOf(wallNs, pauses) } : {}),
    hiccupNs: [2e3, 5e3, 2e4, 6e4, 1e5, 2e6],
    memory: {
      peakBytes: heapBytes,
      meanBytes: heapBytes * 0.8,
      metadataBytes: heapBytes * 0.04,
      source: 'file-blocks',
      ...(workload === 'fragmentation'
        ? {
            afterCollection: {
              ...{ heapBytes: 1.02 * heapBytes, liveBytes: heapBytes, lengthNs: 2e7, cycles: 2, requests: 1000 },
              latencyNs: [1000, 2000, 3000, 4e6, 5e6, 6e6],
            },
          }
        : {}),
      series: Array.from({ length: 100 }, (_, i) => [(i * wallNs) / 100, heapBytes * (0.5 + 0.05 * (i % 10))]),
      ...(barrier?.marker !== 'satb'
        ? { liveSeries: [[wallNs / 2, heapBytes * 0.3]], liveSource: mode === 'stw' ? 'collector' : 'workload' }
        : {}),
    },
    allocatedBytes: 100 * MINIMUM_BYTES,
    allocatedInAllBytes: 150 * MINIMUM_BYTES,
    nominal: {
      objectBytesMean: 40,
      objectBytesP10: 24,
      objectBytesP50: 32,
      objectBytesP90: 64,
      pointerDensity: 0.4,
      allocatedBytes: 100 * MINIMUM_BYTES,
    },
    about: { runtime: 'none', flags: mode },
  };
}

function pausesOf(wallNs) {
  if (mode === 'stw') return [[wallNs * 0.4, wallNs * 0.2, 'mark']];
  return Array.from({ length: 10 }, (_, i) => [(i + 0.5) * (wallNs / 10), 60e3 + 10e3 * i, i % 2 === 0 ? 'flip' : 'remark']);
}

/** Dense right after a flip, then rarer. */
function faultsOf(pauses) {
  return pauses
    .filter(([, , kind]) => kind === 'flip')
    .flatMap(([start, length]) =>
      Array.from({ length: 60 }, (_, i) => [start + length + 20e3 + i * i * 6e3, 6e3 + (i % 5) * 2e3, 'fault']),
    );
}

/** Every ms; what comes during a pause waits for its end. */
function requestsOf(wallNs, pauses) {
  const count = Math.floor(wallNs / 1e6);
  const pairs = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const start = i * 1e6;
    const pause = pauses.find(([from, length]) => start >= from && start < from + length);
    pairs[2 * i] = start;
    pairs[2 * i + 1] = (pause === undefined ? start : pause[0] + pause[1]) + 20e3 + (i % 7) * 3e3;
  }
  const path = join(tmpdir(), 'requests.f64');
  writeFileSync(path, pairs);
  return { path, count, loop: parameters.operationsPerSecond > 0 ? 'open' : 'closed' };
}
