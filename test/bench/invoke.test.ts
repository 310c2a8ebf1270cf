/** One invocation as a process, what the kernel counts meanwhile, and the file of results. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Configuration } from '../../bench/harness/contract.ts';
import { invoke } from '../../bench/harness/invoke.ts';
import { DEFAULT_ROW } from '../../bench/harness/matrix.ts';
import { processorTime, shareBetween } from '../../bench/harness/processor-time.ts';
import { onlyProgram } from '../../bench/harness/programs.ts';
import { RecordFile } from '../../bench/harness/records.ts';

const MIB = 2 ** 20;
const FAKE = fileURLToPath(new URL('fake-invocation.mjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const NOTHING = new AbortController().signal;
const configuration = (mode: string, more: Partial<Configuration> = {}): Configuration => ({
  ...{ workload: 'gcbench', parameters: {}, system: 'faultline', driver: 'native', barrier: { ...DEFAULT_ROW, mode } },
  ...{ heapBytes: 64 * MIB, mutators: 1, seed: 1, ...more },
});

describe('an invocation', () => {
  const run = (mode: string, more: Partial<Configuration> = {}) =>
    invoke(configuration(mode, more), { programOf: onlyProgram(FAKE), timeLimitMs: 20_000, scratch: work, signal: NOTHING });

  it('that ends well gives its result', async () => {
    const { result, processMs } = await run('sigbus');
    expect(result.ok).toBe(true);
    expect(processMs).toBeGreaterThan(0);
  });

  it.each([
    ['thread', 'unsupported', 'this is thread'],
    ['sigsegv', 'crash', 'killed by SIGSEGV'],
    ['copy-sigbus', 'crash', 'no result on the last line'],
    ['load-barrier', 'mismatch', 'this is load-barrier'],
  ])('in mode %s is the result %s', async (mode, code, message) => {
    expect((await run(mode)).result).toEqual({ ok: false, code, message });
  });

  it('out of memory is a result', async () => {
    expect((await run('sigbus', { heapBytes: 19 * MIB })).result).toMatchObject({ ok: false, code: 'out-of-memory' });
  });

  it('that hangs is killed', async () => {
    const options = { programOf: onlyProgram(FAKE), timeLimitMs: 500, scratch: work, signal: NOTHING };
    expect((await invoke(configuration('move'), options)).result).toMatchObject({ ok: false, code: 'timeout' });
  });

  it('of a system whose program is not built is unsupported', async () => {
    const options = { programOf: () => ({ missing: 'not there' }), timeLimitMs: 5000, scratch: work, signal: NOTHING };
    expect((await invoke(configuration('stw'), options)).result).toEqual({ ok: false, code: 'unsupported', message: 'not there' });
  });

  it('of a program that does not exist is a crash with the reason', async () => {
    const options = { programOf: () => ['/nowhere/program'] as const, timeLimitMs: 5000, scratch: work, signal: NOTHING };
    expect((await invoke(configuration('stw'), options)).result).toMatchObject({
      ok: false,
      code: 'crash',
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('processor time', () => {
  it('of others is what is busy and neither ours nor our children’s', () => {
    const before = { busyMs: 1000, harnessMs: 10, childrenMs: 100, wallMs: 0 };
    const after = { busyMs: 3000, harnessMs: 30, childrenMs: 1080, wallMs: 2000 };
    expect(shareBetween(before, after, 2)).toEqual({ foreign: 1000 / 4000, harness: 20 / 2000 });
  });

  it('is read from the kernel, and does not go back', () => {
    const before = processorTime();
    // As long as it takes to have had a CPU for five ticks.
    const since = process.cpuUsage();
    while (process.cpuUsage(since).user < 50_000);
    const after = processorTime();
    for (const figure of ['busyMs', 'harnessMs', 'childrenMs', 'wallMs'] as const)
      expect(after[figure]).toBeGreaterThanOrEqual(before[figure]);
    expect(after.harnessMs).toBeGreaterThan(before.harnessMs);
  });
});

describe('a record file', () => {
  it('that was cut off gives the complete lines', () => {
    const path = join(work, 'cut.jsonl');
    appendFileSync(path, '{"round":1}\n{"round":2}\n{"rou');
    expect(new RecordFile(path).read().map(({ round }) => round)).toEqual([1, 2]);
    new RecordFile(path).append({ round: 3 } as never);
    expect(new RecordFile(path).read().map(({ round }) => round)).toEqual([1, 2, 3]);
  });
});
