/**
 * Control thread: there is exactly one, whichever thread starts it, for as long as any thread needs it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../support/children.ts';
import { makeHeapWithMutator } from '../support/heaps.ts';
import { RAW_LOAD_MODES, third } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const CONTROL_THREAD = new URL('../../dist/gc/control-thread.js', import.meta.url);

describe.each(third(RAW_LOAD_MODES))('the control thread (fault mode %s)', (fault) => {
  it('leaves at once when there is one already, and does not touch the cycle that runs', async () => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, delaySeed: seed });
    await heap.collect();
    const threads = new Threads();
    threads.start(heap.token, 'shadow', { seed, liveWordsLimit: 150_000 });
    threads.start(heap.token, 'allocate');
    await threads.ready();
    mutator.detach();
    for (let i = 0; i < 3; i++) {
      const collection = heap.collect({ kind: 'full' });
      const intruder = new Worker(CONTROL_THREAD, {
        workerData: { token: { ...heap.token, workers: { count: i, niceness: 0 } } },
        execArgv: [],
      });
      const [code] = (await once(intruder, 'exit')) as [number];
      expect(code).toBe(0);
      await collection;
      expect(await heap.verify()).toBeGreaterThan(0);
    }
    await threads.finish();
  });
});

describe('the control thread', () => {
  it('lets nobody run in the pause of its successor, however late it ends', async () => {
    const child = await runProgram('late-control', [], { limitMs: 50_000 });
    expect(child, child.stderr).toMatchObject({ hung: false, code: 0 });
    expect(child.stdout).toBe('nobody ran in a pause\n');
  }, 60_000);

  it('says so when a pause waits long for a thread that does not poll', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '2M' });
    mutator.park();
    const threads = new Threads();
    threads.start(heap.token, 'spinning');
    await threads.ready();
    const degraded = once(heap, 'degraded') as Promise<[{ message: string }]>;
    const collection = heap.collect();
    expect((await degraded)[0].message).toContain('poll in long loops');
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('poll in long loops'), { code: 'FAULTLINE_DEGRADED' });
    await threads.finish();
    await collection;
    warn.mockRestore();
    mutator.unpark();
  });
});
