/**
 * Run: an invocation of a peer. It keeps the contract of bench/harness/contract.ts, as bench/invocation.ts does for Faultline and V8.
 *
 *     node build/bench/peers/run.js '{"workload":"gcbench","parameters":{},"system":"openjdk-zgc","driver":"native",…}'
 *
 * The argument is a Configuration, the last line of standard output its result. The programs must be there: `npm run bench:peers`. The
 * exit code is 0 whenever there is a result, also a failed one, and 2 for an argument that is none.
 */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Configuration, Failed, Finished, InvocationResult, RequestFile } from '../harness/contract.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { rateOf, settingsOf, type Workload } from '../workloads/workload.ts';
import { cpuOf, interruptionsOf, memoryOf, pausesOf, sortRequests, within } from './account.ts';
import { type Observation, observe } from './observation.ts';
import { parseProgramResult, programWords, type ProgramResult, requestFileBytes } from './program.ts';
import { missing, type PeerSystem, PEERS } from './systems.ts';

/** Where bench/peers/build.mjs puts its programs, seen from build/bench/peers/. */
const PROGRAMS = fileURLToPath(new URL('../../peers/', import.meta.url));

function failed(code: Failed['code'], message: string): Failed {
  return { ok: false, code, message };
}

/** Why there is no result, or a result that does not count. */
function failureOf(system: PeerSystem, { exitCode, signal, lastLine, standardError }: Observation): Failed {
  const output = `${lastLine}\n${standardError}`;
  const said = output.split('\n').filter((line) => line.trim() !== '' && !/^(\tat |gc \d+ @)/.test(line));
  const end = said.slice(0, 3).join(' | ').slice(0, 500);
  if (system.isOutOfMemory(exitCode, output)) return failed('out-of-memory', end);
  return failed('crash', `${system.name} ended with ${signal ?? `exit code ${exitCode}`}: ${end}`);
}

function requestsOf(workload: Workload, file: string, rate: number): RequestFile | undefined {
  if (!workload.hasRequests) return undefined;
  const bytes = readFileSync(file);
  const pairs = sortRequests(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8));
  writeFileSync(file, pairs);
  return { path: file, count: pairs.length / 2, loop: rate > 0 ? 'open' : 'closed' };
}

interface Run {
  readonly configuration: Configuration;
  readonly system: PeerSystem;
  readonly observation: Observation;
  readonly result: ProgramResult;
  readonly log: string;
  readonly flags: string;
  readonly operations: number;
  readonly requests: RequestFile | undefined;
}

function finished({ configuration, system, observation, result, log, flags, operations, requests }: Run): InvocationResult {
  const { mismatches, checks, liveBytes, runtime } = result;
  if (!runtime.startsWith(system.runtime)) {
    return failed('unsupported', `${system.name} ran on ${runtime}: apt-get install ${system.packages.join(' ')}`);
  }
  if (mismatches > 0) return failed('mismatch', `${mismatches} of ${checks} checks found something else than was stored`);
  const account = system.account({ result, log, standardError: observation.standardError, resident: observation.resident });
  const over = system.isLimitSoft ? account.live?.find(([, bytes]) => bytes > configuration.heapBytes) : undefined;
  if (over) return failed('out-of-memory', `${over[1]} bytes were alive: the limit of ${configuration.heapBytes} is soft`);
  const cpu = {
    totalNs: observation.cpuNs,
    ...(system.namesMutators ? { mutatorThreadsNs: observation.threadsCpuNs((name) => name.startsWith('mutator-')) } : {}),
    ...(system.collectorThread ? { collectorThreadsNs: observation.threadsCpuNs((name) => system.collectorThread!.test(name)) } : {}),
  };
  const value: Finished = {
    ok: true,
    wallNs: result.wallNs,
    cpuNs: cpuOf(cpu, account, result),
    operations,
    checks,
    checksum: result.checksums.reduce((sum, checksum) => (sum + checksum) % 2 ** 32, 0),
    collections: within(
      account.collections.map((timeNs) => [timeNs] as const),
      result,
    ).length,
    pauses: pausesOf(account.pauses, result),
    interruptions: interruptionsOf(account, result, configuration.mutators),
    ...(requests === undefined ? {} : { requests }),
    hiccupNs: observation.hiccupNs,
    memory: memoryOf(account, result, liveBytes),
    about: { runtime, flags },
  };
  return value;
}

/** Starts the program in a folder for its log, and makes a result of what it left behind. */
async function runProgram(
  configuration: Configuration,
  system: PeerSystem,
  workload: Workload,
  programs: string,
): Promise<InvocationResult> {
  const { parameters } = settingsOf(workload, configuration.parameters);
  const plan = workload.plan(parameters);
  const file = configuration.requestFile ?? join(tmpdir(), `faultline-requests-${process.pid}.f64`);
  const folder = mkdtempSync(join(tmpdir(), 'faultline-peer-'));
  try {
    const log = join(folder, 'gc.log');
    writeFileSync(log, '');
    const requestBytes = requestFileBytes(workload, plan, configuration.mutators);
    if (requestBytes > 0) {
      writeFileSync(file, '');
      truncateSync(file, requestBytes);
    }
    const launch = system.launch({ programs, heapBytes: configuration.heapBytes, workload: workload.name, log });
    const words = programWords(configuration, parameters, plan, requestBytes > 0 ? file : undefined);
    const observation = await observe(launch, words);
    if (observation.exitCode !== 0 || !observation.isMeasured) return failureOf(system, observation);
    return finished({
      configuration,
      system,
      observation,
      result: parseProgramResult(observation.lastLine),
      log: readFileSync(log, 'utf8'),
      flags: launch.flags,
      operations: plan.operations * configuration.mutators,
      requests: requestsOf(workload, file, rateOf(plan, parameters)),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a configuration of a peer, to its end. */
export async function runPeer(configuration: Configuration, programs = PROGRAMS): Promise<InvocationResult> {
  const system = PEERS.get(configuration.system);
  if (system === undefined) return failed('unsupported', `there is no peer ${configuration.system}`);
  const workload = WORKLOADS.get(configuration.workload);
  if (workload === undefined || !system.workloads.includes(workload.name)) {
    return failed('unsupported', `${system.name} does not have the workload ${configuration.workload}`);
  }
  if (configuration.mutators > (system.mutatorsMost ?? Infinity)) {
    return failed('unsupported', `${system.name} runs ${system.mutatorsMost} mutator at a time`);
  }
  const absent = missing(system, programs);
  if (absent !== undefined) return failed('unsupported', absent);
  try {
    return await runProgram(configuration, system, workload, programs);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && syscall?.startsWith('spawn')) {
      return failed('unsupported', `${message}: apt-get install ${system.packages.join(' ')}`);
    }
    return failed('crash', message);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let configuration: Configuration;
  try {
    configuration = JSON.parse(process.argv[2] ?? '') as Configuration;
  } catch (error) {
    process.stderr.write(`the argument must be a configuration as JSON (bench/harness/contract.ts): ${(error as Error).message}\n`);
    process.exit(2);
  }
  const line = `${JSON.stringify(await runPeer(configuration))}\n`;
  for (let done = 0; done < line.length; ) done += writeSync(1, line.slice(done, done + 65_536));
  process.exit(0);
}
