/**
 * `faultline bench [EXPERIMENT]`: runs the benchmarks of a clone.
 *
 * The harness (bench/harness/) is not part of the package: it needs the repository's workloads, its native mutators and plotting libraries.
 * So it is loaded from build/bench/ when the command runs, and an error says if it is not there.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { HeapError } from '../errors.ts';
import { addBenchOptions, type BenchRequest, benchRequest } from './bench/bench-options.ts';

const SOURCES = fileURLToPath(new URL('../../bench/harness/main.ts', import.meta.url));
const HARNESS = fileURLToPath(new URL('../../build/bench/harness/main.js', import.meta.url));

/** What build/bench/harness/main.js exports. */
interface Harness {
  bench(request: BenchRequest): Promise<void>;
}

export function benchCommand(): Command {
  const command = new Command('bench').description('run benchmarks and write a report (in a clone of the repository)');
  return addBenchOptions(command).action(async (experiment: string | undefined, text: Record<string, unknown>) => {
    const request = benchRequest(experiment, text);
    const { bench } = await harness();
    await bench(request);
  });
}

async function harness(): Promise<Harness> {
  if (!existsSync(SOURCES)) {
    throw new HeapError(
      'ERR_BENCH_MISSING',
      'the benchmarks are not part of the package: clone the repository, then npm ci && npm run build:bench.',
    );
  }
  if (!existsSync(HARNESS)) throw new HeapError('ERR_BENCH_MISSING', 'the benchmarks are not built: npm run build:bench.');
  return (await import(pathToFileURL(HARNESS).href)) as Harness;
}
