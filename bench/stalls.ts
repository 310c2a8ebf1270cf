/**
 * Stalls: the main job (`faultline run` on its default input) in heaps of several sizes: how often threads wait for memory, and what that
 * does to throughput. Sizes are multiples of what is alive at most: the graph, and old copies of its objects. A first run tells how much
 * that is.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunReport } from '../dist/cli/run/report.js';

export interface StallFigures {
  readonly factor: number;
  /** Capacity over what was alive at most in this run. */
  readonly capacityOverLive: number;
  readonly stalls: number;
  readonly stalledMs: number;
  readonly operationsPerSecond: number;
  /** Against the largest factor. */
  readonly throughput: number;
}

const FACTORS = [1.5, 2, 3];
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

function run(...words: string[]): RunReport {
  const ended = spawnSync(process.execPath, [MAIN, 'run', '--json', '--seed', '1', ...words], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (ended.status !== 0) throw new Error(`faultline run ended with ${ended.status}: ${ended.stderr}`);
  return JSON.parse(ended.stdout) as RunReport;
}

export function measureStalls(seconds: number): StallFigures[] {
  const { peakLiveBytes } = run('--seconds', String(seconds)).heap;
  const capacities = FACTORS.map((factor) => Math.ceil(factor * peakLiveBytes));
  const reports = capacities.map((bytes) => run('--seconds', String(seconds), '--heap', String(bytes)));
  const most = reports.at(-1)!.mutators.operationsPerSecond;
  return reports.map(({ heap, stalls, mutators }, i) => ({
    factor: FACTORS[i]!,
    capacityOverLive: heap.capacityBytes / heap.peakLiveBytes,
    stalls: stalls.count,
    stalledMs: stalls.totalMs,
    operationsPerSecond: mutators.operationsPerSecond,
    throughput: mutators.operationsPerSecond / most,
  }));
}
