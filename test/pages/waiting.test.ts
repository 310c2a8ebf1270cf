/** Threads that wait for a page, and how they go on. */
import { describe, expect, it } from 'vitest';
import { lacks, MemoryFile, next, nextFault, onScene, PAGE, pageOf, privateMemory, threads, until, UserfaultFd } from '../support/pages.ts';

describe.skipIf(lacks() !== undefined)('a thread that waits', () => {
  it('in a system call goes on like any other', async () => {
    const [thread] = await threads(1);
    await onScene({}, async ({ fd, range, window }) => {
      const file = MemoryFile.create({ bytes: PAGE });
      const call = thread!.touch(window, { kind: 'writeTo', at: 0, file: file.descriptor! });
      await nextFault(fd);
      range.copy(0, pageOf(0x61));
      expect(await call).toBe(8);
      const read = new Uint8Array(9);
      file.read(read, 0);
      expect(Buffer.from(read).toString()).toBe('aaaaaaaa\0');
      file.close();
    });
  });

  it('in a system call has an error instead, where only user mode is served', async () => {
    const [thread] = await threads(1);
    const memory = privateMemory({ bytes: PAGE });
    const file = MemoryFile.create({ bytes: PAGE });
    const fd = UserfaultFd.open({ ways: ['user-mode-only'] });
    const range = fd.register(memory, ['missing']);
    await expect(thread!.touch(memory, { kind: 'writeTo', at: 0, file: file.descriptor! })).rejects.toThrow('EFAULT');
    const touch = thread!.touch(memory, { kind: 'read', at: 0 });
    await nextFault(fd);
    range.copy(0, pageOf(4));
    expect(await touch).toBe(4);
    fd.close();
    memory.close();
    file.close();
  });

  it('sends another message when it is woken and finds nothing', async () => {
    const [thread] = await threads(1);
    await onScene({}, async ({ fd, range, window }) => {
      const touch = thread!.touch(window, { kind: 'read', at: PAGE });
      const first = await nextFault(fd);
      range.wake();
      const second = await nextFault(fd);
      expect(second).toMatchObject({ offset: first.offset, thread: first.thread });
      range.copy(second.offset, pageOf(2));
      expect(await touch).toBe(2);
    });
  });

  it.each([
    [['missing'], 0],
    [['minor'], 6],
    [['missing', 'minor'], 6],
  ] as const)('for a page of a range with %j goes on when the range is released, with what is there', async (modes, value) => {
    const [thread] = await threads(1);
    await onScene({ modes }, async ({ fd, range, window, file }) => {
      if (modes.includes('minor' as never)) file.write(pageOf(6), 0);
      const touch = thread!.touch(window, { kind: 'read', at: 0 });
      await nextFault(fd);
      range.unregister({ waited: 'release' });
      expect(await touch).toBe(value);
    });
  });

  it('keeps what was filled, and reads zero where nothing was, after the range has ended', async () => {
    const [thread] = await threads(1);
    await onScene({ kind: 'private', modes: ['missing'] }, async ({ range, window }) => {
      range.copy(0, pageOf(3));
      range.unregister();
      expect(await thread!.touch(window, { kind: 'pages', at: 0, count: 3 })).toEqual([3, 0, 0]);
    });
  });

  it('and many others are all answered in one iteration', async () => {
    const workers = await threads(2);
    await onScene({ pages: 64, modes: ['missing'] }, async ({ fd, range, window }) => {
      const touches = workers.map((worker, i) => worker.touch(window, { kind: 'pages', at: i * 32 * PAGE, count: 32 }));
      void Promise.all(touches).then(() => fd.close());
      let faults = 0;
      for await (const event of fd) {
        if (event.kind !== 'page-fault') continue;
        faults++;
        range.copy(event.offset, pageOf(event.offset / PAGE));
      }
      expect(faults).toBeGreaterThanOrEqual(64);
      expect((await Promise.all(touches)).flat()).toEqual(Array.from({ length: 64 }, (_, page) => page));
    });
  });

  it('leaves its message in the kernel where messages are read elsewhere', async () => {
    const [thread] = await threads(1);
    await onScene({ elsewhere: true }, async ({ fd, range, window }) => {
      const touch = thread!.touch(window, { kind: 'read', at: 0 });
      await until(() => fd.waiting().unread === 1);
      expect(fd.take()).toBeUndefined();
      range.copy(0, pageOf(1));
      expect(await touch).toBe(1);
    });
  });
});

describe.skipIf(lacks() !== undefined)('an iteration', () => {
  it('shares the events with another one, each of which comes once', async () => {
    const workers = await threads(2);
    await onScene({}, async ({ fd, range, window }) => {
      const touches = workers.map((worker, i) => worker.touch(window, { kind: 'read', at: i * PAGE }));
      const events = await Promise.all([next(fd), next(fd)]);
      expect(events.map((event) => event.kind === 'page-fault' && event.offset).sort()).toEqual([0, PAGE]);
      range.copy(0, pageOf(1, 2));
      expect(await Promise.all(touches)).toEqual([1, 1]);
    });
  });
});
