/**
 * What a process does with its memory while it is registered: the kernel's cases events and mmap-changing, as far as one process has
 * them. Forks are in test/process/page-endings.test.ts.
 */
import { describe, expect, it } from 'vitest';
import {
  lacks,
  type Mapping,
  MemoryFile,
  next,
  nextFault,
  onScene,
  PAGE,
  pageOf,
  type Progress,
  type Registration,
  threads,
  until,
  UserfaultFd,
} from '../support/pages.ts';

const startOf = ({ address }: Mapping, page = 0): bigint => address + BigInt(page * PAGE);

describe.skipIf(lacks('event-remove') !== undefined)('pages that are dropped', () => {
  it.each(['dont-need', 'remove'] as const)('are told of before the call returns, and are missing afterwards: %s', async (advice) => {
    const [thread] = await threads(1);
    await onScene({ modes: ['missing'], features: ['event-remove'] }, async ({ fd, range, window, file }) => {
      range.copy(0, pageOf(5, 3));
      // The call waits until its event is read: by a native thread, because this one is in the call.
      window.advise(advice, PAGE, PAGE);
      expect(await next(fd)).toEqual({ kind: 'remove', start: startOf(window, 1), end: startOf(window, 2) });
      // Of private entries only: the file keeps its page.
      if (advice === 'dont-need') file.punch(PAGE, PAGE);
      const touch = thread!.touch(window, { kind: 'pages', at: 0, count: 3 });
      expect(await nextFault(fd)).toMatchObject({ offset: PAGE, cause: 'missing' });
      range.zeroPage(PAGE);
      expect(await touch).toEqual([5, 0, 5]);
    });
  });

  it('by a hole of the file are told of to nobody', async () => {
    await onScene({ modes: ['missing'], features: ['event-remove'] }, ({ fd, range, file, window }) => {
      range.copy(0, pageOf(5));
      file.punch(0, PAGE);
      expect(fd.take()).toBeUndefined();
      expect(() => window.bytes(0, 1)).toThrow(expect.objectContaining({ code: 'ERR_PAGE_NOT_LOADED' }));
    });
  });
});

describe.skipIf(lacks('event-remove', 'poison', 'wp-hugetlbfs-shmem') !== undefined)('while an event waits to be taken', () => {
  it.each<[string, (range: Registration) => Progress]>([
    ['copy', (range) => range.copy(2 * PAGE, pageOf(1))],
    ['zeroPage', (range) => range.zeroPage(2 * PAGE)],
    ['continue', (range) => range.continue(3 * PAGE)],
    ['poison', (range) => range.poison(2 * PAGE)],
    ['writeProtect', (range) => range.writeProtect(0, PAGE)],
  ])('%s fills nothing, and says so', async (_, fill) => {
    await onScene({ modes: ['missing', 'minor', 'write-protect'], features: ['event-remove'] }, async ({ fd, range, window, file }) => {
      file.write(pageOf(3), 3 * PAGE);
      range.copy(0, pageOf(5));
      window.advise('dont-need', 0, PAGE);
      await until(() => fd.waiting().queued === 1);
      expect(fill(range)).toEqual({ bytes: 0, error: 'EAGAIN' });
      expect(fd.take()).toMatchObject({ kind: 'remove' });
      expect(fill(range)).toEqual({ bytes: PAGE });
    });
  });

  it('it is taken before faults that came earlier', async () => {
    const [thread] = await threads(1);
    await onScene({ modes: ['missing'], features: ['event-remove'] }, async ({ fd, range, window }) => {
      range.copy(0, pageOf(5));
      const touch = thread!.touch(window, { kind: 'read', at: PAGE });
      await until(() => fd.waiting().queued === 1);
      window.advise('dont-need', 0, PAGE);
      await until(() => fd.waiting().queued === 2);
      expect(fd.take()).toMatchObject({ kind: 'remove' });
      expect(fd.take()).toMatchObject({ kind: 'page-fault', offset: PAGE });
      range.copy(PAGE, pageOf(6));
      expect(await touch).toBe(6);
    });
  });
});

describe.skipIf(lacks('event-unmap', 'event-remap') !== undefined)('memory', () => {
  it('that is mapped over is told of', async () => {
    const file = MemoryFile.create({ bytes: 4 * PAGE });
    const window = file.map();
    const fd = UserfaultFd.open({ features: ['event-unmap'] });
    // By its addresses, so that nobody keeps the mapping from being closed.
    fd.register({ address: window.address, bytes: window.byteLength }, ['missing']);
    window.close();
    expect(await next(fd)).toEqual({ kind: 'unmap', start: startOf(window), end: startOf(window, 4) });
    fd.close();
    file.close();
  });

  it('that is moved is told of, and stays registered in its new place', async () => {
    const [thread] = await threads(1);
    await onScene({ modes: ['missing'], features: ['event-remap'] }, async ({ fd, range, window, file }) => {
      range.copy(0, pageOf(5));
      const other = file.map();
      other.takePagesFrom(window);
      expect(await next(fd)).toEqual({ kind: 'remap', from: startOf(window), to: startOf(other), bytes: window.byteLength });
      const touch = thread!.touch(other, { kind: 'pages', at: 0, count: 2 });
      const fault = await next(fd);
      expect(fault).toMatchObject({ kind: 'stray-fault', address: startOf(other, 1) });
      const moved = fd.register(other, ['missing']);
      moved.copy(PAGE, pageOf(7));
      expect(await touch).toEqual([5, 7]);
      moved.unregister();
      other.close();
    });
  });
});
