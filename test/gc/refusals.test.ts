/**
 * Refusals: the kernel refuses a call in the middle of a collection. Nothing is lost, the cycle falls back or does less, and
 * events and statistics say so.
 */
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { binding, type CycleSummary, Heap, type HeapEvent } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeap, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import { BEST_MODE, FLIPPING_MODES, MODES, RAW_LOAD_MODES, USERFAULTFD_MODES } from '../support/modes.ts';

const { EFBIG, EINVAL, EMFILE, ENOMEM, ENOSPC, EPERM } = constants.errno;
const SYSTEM_CALLS = [
  'memfd_create',
  'ftruncate',
  'mmap',
  'mremap',
  'userfaultfd',
  'userfaultfd-api',
  'register',
  'continue',
  'populate',
  'punch-hole',
  'mprotect',
  'take-out',
];

function refuse(systemCall: string, errno: number, skip = 0, times = 1): void {
  expect(binding().armRefusal(systemCall, errno, skip, times)).toBe(true);
}

afterEach(() => {
  binding().forgetNotices();
  for (const systemCall of SYSTEM_CALLS) binding().armRefusal(systemCall, 0, 0, 0);
});

/** A heap with a list of 20,000 nodes among three times as much garbage: plenty to evacuate. */
function fragmented(fault: (typeof MODES)[number], options = {}) {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault, ...options });
  const list = new LinkedList(heap, mutator, 40);
  for (let i = 0; i <= 20_000; i++) {
    list.push(i);
    for (let garbage = 0; garbage < 3; garbage++) list.garbage();
  }
  return { heap, mutator, list, expected: countdown(20_000) };
}

function cyclesOf(events: HeapEvent[]): CycleSummary[] {
  return events.filter((event) => event.type === 'cycle');
}

describe.each(FLIPPING_MODES)('a cycle whose flip is refused (fault mode %s)', (fault) => {
  it.each([
    ['the move', 'mremap', ENOMEM],
    ...(fault === 'sigsegv' ? [['the protection', 'mprotect', ENOMEM] as const] : []),
    ...(fault !== 'sigsegv' ? [['the registration', 'register', EINVAL] as const] : []),
    ...(fault !== 'sigsegv' ? [['taking out what others put in', 'take-out', EINVAL] as const] : []),
  ] as const)('compacts inside its pause when %s is refused', async (_what, systemCall, errno) => {
    // This marker registers nothing, so the first registration is the flip's.
    const { heap, list, expected } = fragmented(fault, { marker: 'stopped' });
    const events = recordEvents(heap);
    const before = heap.statistics().cycles;
    refuse(systemCall, errno);
    await heap.collect();
    const [cycle] = cyclesOf(events);
    expect(cycle!.flipRefused).toMatchObject({ errno, syscall: expect.stringMatching(/mremap|REGISTER|mprotect|DONTNEED/i) });
    expect(cycle!.sourceRegions).toBeGreaterThan(0);
    const degraded = events.filter((event) => event.type === 'degraded');
    expect(degraded.map(({ message }) => message)).toEqual([expect.stringMatching(/refused to swap.*(ENOMEM|EINVAL)/)]);
    const { cycles } = heap.statistics();
    expect(cycles.refusedFlips).toBe(before.refusedFlips + 1);
    expect(cycles.copiedBytes).toBeGreaterThan(before.copiedBytes);
    expect(list.values()).toEqual(expected);
    // The next one goes the ordinary way again.
    list.keepEach(3);
    await heap.collect({ kind: 'full' });
    expect(
      cyclesOf(events)
        .slice(1)
        .every(({ flipRefused }) => flipRefused === undefined),
    ).toBe(true);
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(cycles.compacting);
    expect(list.values()).toEqual(countdown(20_000, 3));
  });

  it('goes on through twenty refusals in a row, and warns once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { heap, list, expected } = fragmented(fault);
    refuse('mremap', ENOMEM, 0, 20);
    await heap.collect();
    for (let i = 0; i < 6; i++) {
      await heap.collect({ kind: 'full' });
      if (i === 2) list.keepEach(2);
    }
    expect(list.values()).toEqual(expected.filter((value) => value % 2 === 0));
    expect(heap.statistics().cycles.refusedFlips).toBeGreaterThan(1);
    expect(warn.mock.calls.filter(([message]) => String(message).includes('swap'))).toHaveLength(1);
    warn.mockRestore();
  });
});

describe.each(RAW_LOAD_MODES)('a collection (fault mode %s)', (fault) => {
  it('keeps spare pages when punching holes is refused, and reuses them', async () => {
    const { heap, mutator, list, expected } = fragmented(fault);
    refuse('punch-hole', ENOSPC, 0, 1_000_000);
    await heap.collect({ kind: 'full' });
    const kept = heap.statistics().fileBytes;
    expect(kept).toBeGreaterThan(heap.statistics().liveBytes);
    // What was not given back must not shine through: new objects are zero.
    const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
    for (let i = 0; i < 2000; i++) {
      const ref = mutator.allocate(bytes, 4000);
      const first = ref * 8 + bytes.elementsOffset;
      for (let byte = first; byte < first + 4000; byte++) if (mutator.u8[byte] !== 0) throw new Error(`byte ${byte} is not zero`);
      mutator.u8.fill(0xff, first, first + 4000);
    }
    expect(list.values()).toEqual(expected);
    binding().armRefusal('punch-hole', 0, 0, 0);
    await heap.collect({ kind: 'full' });
    expect(heap.statistics().fileBytes).toBeLessThan(kept);
    expect(list.values()).toEqual(expected);
  });

  it('marks without populated page tables when populating is refused', async () => {
    const { heap, mutator, list, expected } = fragmented(fault);
    mutator.park();
    refuse('populate', ENOMEM, 0, 1_000_000);
    await heap.collect();
    binding().armRefusal('populate', 0, 0, 0);
    mutator.unpark();
    expect(list.values()).toEqual(expected);
  });
});

describe.runIf(MODES.includes('sigsegv'))('a compaction in mode sigsegv', () => {
  it('shows pages later when mprotect is refused for want of memory', async () => {
    const { heap, list, expected } = fragmented('sigsegv', { workers: 0 });
    refuse('mprotect', ENOMEM, 0, 3);
    await heap.collect();
    expect(list.values()).toEqual(expected);
    await heap.collect({ kind: 'full' });
    expect(list.values()).toEqual(expected);
  });
});

describe('allocation', () => {
  it.each(RAW_LOAD_MODES)('throws ERR_NO_MEMORY when the system has no pages, and works again when it has (mode %s)', (fault) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
    const list = new LinkedList(heap, mutator, 3000);
    for (let i = 0; i <= 50; i++) list.push(i);
    const large = heap.defineShape({ name: 'large', elements: 'u8' });
    for (const allocate of [() => list.push(51), () => mutator.allocate(large, 2 ** 20)]) {
      refuse('populate', ENOMEM, 0, 1_000_000);
      expect(() => {
        for (let i = 0; i < 100; i++) allocate();
      }).toThrow(expect.objectContaining({ code: 'ERR_NO_MEMORY', errno: ENOMEM, syscall: expect.stringMatching(/POPULATE/) }));
      binding().armRefusal('populate', 0, 0, 0);
    }
    while (list.length <= 60) list.push(list.length);
    expect(list.values().slice(-51)).toEqual(countdown(50));
    mutator.collect({ kind: 'full' });
    expect(list.values().slice(-51)).toEqual(countdown(50));
  });
});

describe('making a heap', () => {
  it.each([
    ['memfd_create', EPERM],
    ['ftruncate', ENOSPC],
    ['mmap', ENOMEM],
    ['getrandom', EPERM],
  ])('throws ERR_HEAP_CREATE with the reason when %s is refused, and leaves nothing behind', async (systemCall, errno) => {
    refuse(systemCall, errno);
    expect(() => Heap.create({ capacityBytes: '4M', fault: 'stw' })).toThrow(
      expect.objectContaining({ code: 'ERR_HEAP_CREATE', errno, syscall: expect.stringContaining(systemCall) }),
    );
    await makeHeap({ capacityBytes: '4M', fault: 'stw' }).collect();
  });

  it.runIf(USERFAULTFD_MODES.length > 0)('throws ERR_HEAP_CREATE when a later mapping is refused', () => {
    for (let skip = 1; skip < 3; skip++) {
      refuse('mmap', ENOMEM, skip);
      expect(() => Heap.create({ capacityBytes: '4M', fault: 'stw' })).toThrow(expect.objectContaining({ errno: ENOMEM }));
    }
  });

  it.each(USERFAULTFD_MODES)('in mode %s throws ERR_UFFD_UNAVAILABLE with advice when userfaultfd is refused', (fault) => {
    refuse('userfaultfd', EPERM, 0, 1_000);
    expect(() => Heap.create({ capacityBytes: '4M', fault })).toThrow(
      expect.objectContaining({
        code: 'ERR_UFFD_UNAVAILABLE',
        message: expect.stringMatching(/EPERM.*unprivileged_userfaultfd|EPERM.*dev\/userfaultfd/),
      }),
    );
  });

  it('with fault: auto falls back to mprotect when userfaultfd is refused, with one warning that says why', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    refuse('userfaultfd', EPERM, 0, 1_000);
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'auto' });
    expect(heap.capabilities).toMatchObject({ faultMode: 'sigsegv', requestedFaultMode: 'auto' });
    expect(heap.capabilities.reasons[0]).toContain('EPERM');
    expect(warn).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('EPERM'), { code: 'FAULTLINE_DEGRADED' });
    warn.mockRestore();
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i <= 1000; i++) list.push(i);
    await heap.collect({ kind: 'full' });
    expect(list.values()).toEqual(countdown(1000));
  });

  it('says once why it has no better mode, however many heaps and threads there are', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    refuse('userfaultfd', EPERM, 0, 1_000);
    for (let i = 0; i < 4; i++) await makeHeap({ capacityBytes: '1M' }).close();
    // Another mode of its own choice, and the marker that was told of already.
    await makeHeap({ capacityBytes: '1M', fault: 'stw' }).close();
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const heard = [];
      process.on('warning', ({ code }) => heard.push(code));
      import(workerData).then(async ({ Heap }) => {
        await Heap.create({ capacityBytes: '1M' }).close();
        setImmediate(() => (parentPort.postMessage(heard), process.exit()));
      });`;
    const worker = new Worker(program, { eval: true, workerData: new URL('../../dist/index.js', import.meta.url).href });
    expect(await new Promise((fulfil, reject) => worker.on('message', fulfil).on('error', reject))).toEqual([]);
  });

  it.each([16_384, 65_536])('is refused in one sentence on a kernel with pages of %i bytes', async (pageBytes) => {
    binding().pretendPageBytes(pageBytes);
    try {
      const sentence = new RegExp(
        `^Faultline needs a kernel with pages of 4 KiB \\(this one has pages of ${pageBytes / 1024} KiB\\): [^.\n]+\\.$`,
      );
      const error = expect.objectContaining({ code: 'ERR_HEAP_CREATE', message: expect.stringMatching(sentence) });
      expect(() => Heap.create({ capacityBytes: '1M' })).toThrow(error);
    } finally {
      binding().pretendPageBytes(0);
    }
  });

  it.each([
    ['memfd_create', EMFILE, /EMFILE.*ulimit -n/],
    ['memfd_create', EPERM, /EPERM.*seccomp/],
    ['ftruncate', EFBIG, /EFBIG.*ulimit -f/],
    ['mmap', ENOMEM, /ENOMEM.*vm\.max_map_count.*smaller/],
  ])('that fails by %s is told what helps against that very number (%i)', (systemCall, errno, message) => {
    refuse(systemCall, errno);
    const error = expect.objectContaining({ errno, message: expect.stringMatching(message) });
    expect(() => Heap.create({ capacityBytes: '4M', fault: 'stw' })).toThrow(error);
  });

  it('with fault: auto takes the best mode without a word when nothing is refused', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    expect(makeHeap({ capacityBytes: '4M' }).capabilities.faultMode).toBe(BEST_MODE);
    expect(warn).toHaveBeenCalledTimes(BEST_MODE === 'sigbus' ? 0 : 1);
    warn.mockRestore();
  });
});
