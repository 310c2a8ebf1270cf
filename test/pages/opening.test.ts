/**
 * How a userfaultfd is opened, what it offers, and how it ends; of the kernel's cases "UFFDIO_API" by system call and by /dev/userfaultfd.
 */
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { binding } from '../support/faultline.ts';
import { isRefusal } from '../../src/binding/refusal.ts';
import { lacks, MemoryFile, nextFault, onScene, PAGE, pageOf, privateMemory, SUPPORT, threads, UserfaultFd } from '../support/pages.ts';

const { EINVAL, EPERM } = constants.errno;
const API = 0xaan;

function opened(way: number) {
  const descriptor = binding().openUserfaultfd(way);
  if (isRefusal(descriptor)) throw new Error(`way ${way} is refused: ${descriptor.errno}`);
  return descriptor;
}

describe.skipIf(lacks() !== undefined)('a descriptor', () => {
  describe.each(SUPPORT.ways)('opened by %s', (way) => {
    const index = ['device', 'system-call', 'user-mode-only'].indexOf(way);

    it('refuses another interface and unknown features, and is still good for the handshake', () => {
      const descriptor = opened(index);
      expect(binding().shakeHands(descriptor, 0xabn, 0n, false)).toMatchObject({ errno: EINVAL });
      expect(binding().shakeHands(descriptor, API, 1n << 62n, false)).toMatchObject({ errno: EINVAL });
      expect(binding().shakeHands(descriptor, API, 0n, false)).toMatchObject({ features: SUPPORT.features.bits });
      binding().closeUserfaultfd(descriptor, true);
    });

    it('takes no second handshake', () => {
      const descriptor = opened(index);
      expect(isRefusal(binding().shakeHands(descriptor, API, 0n, false))).toBe(false);
      expect(binding().shakeHands(descriptor, API, 0n, false)).toMatchObject({ errno: EINVAL });
      binding().closeUserfaultfd(descriptor, true);
    });

    it('accepts every feature that it offers, except those that need a privilege', () => {
      const fd = UserfaultFd.open({ ways: [way], features: SUPPORT.features.names.filter((name) => name !== 'event-fork') });
      expect(fd.openedBy).toBe(way);
      expect(fd.enabled.has('move')).toBe(true);
      fd.close();
    });
  });

  it('registers nothing before the handshake', () => {
    const memory = privateMemory({ bytes: PAGE });
    const descriptor = opened(['device', 'system-call', 'user-mode-only'].indexOf(SUPPORT.ways[0]!));
    expect(binding().registerRange(descriptor, Number(memory.address), PAGE, PAGE, 1n)).toMatchObject({ errno: EINVAL });
    binding().closeUserfaultfd(descriptor, true);
    memory.close();
  });

  it('is refused with the names of the features that the kernel lacks', () => {
    expect(() => UserfaultFd.open({ features: ['missing-shmem', 1n << 61n] })).toThrow(
      expect.objectContaining({ code: 'ERR_UFFD_FEATURE', errno: EINVAL, message: expect.stringContaining('0x2000000000000000') }),
    );
    if (!SUPPORT.features.has('rwp')) expect(() => UserfaultFd.open({ features: ['rwp'] })).toThrow(/does not have rwp \(Linux later\)/);
  });

  it('is refused with each way that was tried, why, and what helps', () => {
    const [{ length }] = [SUPPORT.ways];
    expect(length).toBeGreaterThan(0);
    binding().armRefusal('userfaultfd', EPERM, 0, 2);
    expect(() => UserfaultFd.open()).toThrow(
      expect.objectContaining({
        code: 'ERR_UFFD_UNAVAILABLE',
        errno: EPERM,
        message: expect.stringMatching(/device \(userfaultfd: EPERM\), system-call \(userfaultfd: EPERM\)\. .*userModeOnly: true/),
      }),
    );
    binding().armRefusal('userfaultfd', EPERM, 0, 1);
    const fd = UserfaultFd.open({ userModeOnly: true });
    expect(fd.refusals).toEqual([{ way: 'device', errno: EPERM, reason: 'userfaultfd: EPERM' }]);
    expect(fd.openedBy).not.toBe('device');
    fd.close();
  });

  it.each([
    [{ features: ['nothing'] }, /features/],
    [{ ways: ['nothing'] }, /ways/],
    [{ ways: [] }, /ways/],
    [{ userModeOnly: 1 }, /userModeOnly/],
    [{ messages: 'there' }, /messages/],
    [7, /options/],
  ])('is refused with wrong options: %j', (options, name) => {
    expect(() => UserfaultFd.open(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(name) }),
    );
  });

  it('refuses every call once it is closed, and ends its registrations', async () => {
    await onScene({}, ({ fd, range, window }) => {
      fd.close();
      fd.close();
      expect(fd.closed && range.ended).toBe(true);
      for (const call of [
        () => fd.take(),
        () => fd.waiting(),
        () => fd.number,
        () => fd.register(window, ['missing']),
        () => range.wake(),
      ]) {
        expect(call).toThrow(expect.objectContaining({ code: 'ERR_UFFD_CLOSED' }));
      }
      range.unregister();
    });
  });

  it('ends its iterations', async () => {
    const fd = UserfaultFd.open();
    const seen: unknown[] = [];
    const iteration = (async () => {
      for await (const event of fd) seen.push(event);
    })();
    setImmediate(() => fd.close());
    await iteration;
    expect(seen).toEqual([]);
  });

  it('tells who waits', async () => {
    const [thread] = await threads(1);
    await onScene({}, async ({ fd, range, window }) => {
      expect(fd.waiting()).toEqual({ threads: 0, unread: 0, queued: 0 });
      const touch = thread!.touch(window, { kind: 'read', at: 0 });
      const fault = await nextFault(fd);
      expect(fd.waiting()).toEqual({ threads: 1, unread: 0, queued: 0 });
      range.copy(fault.offset, pageOf(7));
      expect(await touch).toBe(7);
      expect(fd.waiting().threads).toBe(0);
    });
  });

  it('names the thread that waits, and with exact-address the byte', { skip: lacks('exact-address') !== undefined }, async () => {
    const [thread] = await threads(1);
    await onScene({ features: ['exact-address'] }, async ({ fd, range, window }) => {
      const touch = thread!.touch(window, { kind: 'read', at: PAGE + 321 });
      const fault = await nextFault(fd);
      expect(fault).toMatchObject({ offset: PAGE, address: window.address + BigInt(PAGE + 321), registration: range });
      expect(fault.thread).toBeGreaterThan(0);
      expect(fault.thread).not.toBe(process.pid);
      range.zeroPage(PAGE);
      await touch;
    });
  });
});

describe.skipIf(lacks() !== undefined)('the thread that answers', () => {
  it('is refused the bytes of a page that it would have to make, and may read those that are there', async () => {
    await onScene({}, ({ range, window }) => {
      range.copy(PAGE, pageOf(3));
      expect(window.bytes(PAGE, PAGE)[5]).toBe(3);
      expect(window.bytes(0, 0)).toHaveLength(0);
      for (const [offset, bytes] of [
        [0, 1],
        [PAGE - 1, 2],
        [PAGE, PAGE + 1],
      ] as const) {
        expect(() => window.bytes(offset, bytes)).toThrow(expect.objectContaining({ code: 'ERR_PAGE_NOT_LOADED' }));
      }
      range.unregister();
      expect(window.bytes(0, 1)[0]).toBe(0);
    });
  });

  it('is refused a copy from a page that it would have to make', async () => {
    await onScene({}, ({ range, window }) => {
      const source = new Uint8Array(window.buffer, window.byteOffset, PAGE);
      expect(() => range.copy(PAGE, source)).toThrow(expect.objectContaining({ code: 'ERR_PAGE_NOT_LOADED' }));
    });
  });

  it('cannot close memory that is registered', async () => {
    await onScene({}, ({ range, window }) => {
      expect(() => window.close()).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_REGISTERED' }));
      range.unregister();
      window.close();
      expect(() => window.bytes()).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_CLOSED' }));
    });
  });

  it('is told by another descriptor that a range has one', async () => {
    await onScene({}, ({ window }) => {
      const other = UserfaultFd.open();
      expect(() => other.register(window, ['missing'])).toThrow(/EBUSY.*another descriptor/);
      other.close();
    });
  });

  it('may give up a part of a mapping at a time', async () => {
    const file = MemoryFile.create({ bytes: 4 * PAGE });
    const window = file.map();
    const fd = UserfaultFd.open();
    const first = fd.register(window, ['missing'], { bytes: 2 * PAGE });
    const second = fd.register(window, ['missing'], { offset: 2 * PAGE });
    expect(() => second.copy(0, pageOf(1))).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => first.copy(2 * PAGE, pageOf(1))).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    first.unregister();
    expect(window.bytes(0, 2 * PAGE)[0]).toBe(0);
    expect(() => window.bytes(2 * PAGE, 1)).toThrow(expect.objectContaining({ code: 'ERR_PAGE_NOT_LOADED' }));
    expect(fd.registrations).toEqual([second]);
    fd.close();
    window.close();
    file.close();
  });
});
