/**
 * Invocation: one run of one workload in one configuration, in a process of its own.
 *
 *     node build/bench/invocation.js '{"workload":"gcbench","parameters":{},"system":"faultline","driver":"native","heapBytes":2e8,…}'
 *
 * The argument is a {@link Configuration} of bench/harness/contract.ts; the last line of standard output is its result. `system` is
 * `faultline` or `v8`. The exit code is 0 whenever there is a result, also a failed one, and 2 for an argument that is none.
 */
import type { Configuration, Failed, InvocationResult } from './harness/contract.ts';
import { IDLE } from './harness/matrix.ts';
import type { Job } from './invocation/mutators.ts';
import { useBenchAddon } from './invocation/native.ts';
import { WORKLOADS } from './workloads/index.ts';
import { settingsOf } from './workloads/workload.ts';

const CODES: Readonly<Record<string, Failed['code']>> = {
  ERR_HEAP_EXHAUSTED: 'out-of-memory',
  ERR_NO_MEMORY: 'out-of-memory',
  ERR_WORKER_OUT_OF_MEMORY: 'out-of-memory',
  mismatch: 'mismatch',
  unsupported: 'unsupported',
  incomplete: 'incomplete',
  ERR_FAULT_MODE: 'unsupported',
  ERR_UFFD_UNAVAILABLE: 'unsupported',
  ERR_UFFD_NO_MINOR_FAULTS: 'unsupported',
  ERR_MARKER: 'unsupported',
  ERR_HEAP_TOO_LARGE: 'unsupported',
  ERR_OPTION: 'unsupported',
};

function failed(error: unknown): Failed {
  const { code, message } = error as { code?: string; message: string };
  const known = code === undefined ? undefined : CODES[code];
  return { ok: false, code: known ?? 'crash', message: code === undefined || code === known ? message : `${code}: ${message}` };
}

async function run(configuration: Configuration): Promise<InvocationResult> {
  if (configuration.system === IDLE) {
    useBenchAddon();
    const { runIdle } = await import('./invocation/idle.ts');
    return runIdle(configuration);
  }
  const workload = WORKLOADS.get(configuration.workload);
  if (workload === undefined) return { ok: false, code: 'unsupported', message: `there is no workload ${configuration.workload}` };
  try {
    const { parameters, texts } = settingsOf(workload, configuration.parameters);
    useBenchAddon();
    const material = await workload.prepare?.(texts);
    const job: Job = { configuration, workload, parameters, ...(material === undefined ? {} : { material }) };
    // Only now: the library looks for its addon when it is used first.
    if (configuration.system === 'faultline') {
      const { runFaultline } = await import('./invocation/faultline.ts');
      return await runFaultline(job);
    }
    if (configuration.system === 'v8' && configuration.driver === 'javascript') {
      const { runPlain } = await import('./invocation/plain.ts');
      return await runPlain(job);
    }
    return { ok: false, code: 'unsupported', message: `no ${configuration.driver} mutators for system ${configuration.system} here` };
  } catch (error) {
    return failed(error);
  }
}

const [text = ''] = process.argv.slice(2);
let configuration: Configuration;
try {
  configuration = JSON.parse(text) as Configuration;
} catch (error) {
  process.stderr.write(`the argument must be a configuration as JSON (bench/harness/contract.ts): ${(error as Error).message}\n`);
  process.exit(2);
}
const line = `${JSON.stringify(await run(configuration))}\n`;
await new Promise((written) => void process.stdout.write(line, written));
process.exit(0);
