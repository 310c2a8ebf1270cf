/**
 * How pages are filled and shown. Of the kernel's cases: register-ioctls, zeropage, minor, move, poison, uffd-missing-wp's first and last;
 * and answers that no case of the kernel has.
 */
import { describe, expect, it } from 'vitest';
import {
  type Kind,
  KINDS,
  lacks,
  type Mapping,
  MemoryFile,
  nextFault,
  onScene,
  PAGE,
  pageOf,
  privateMemory,
  type RangeCall,
  type RegisterMode,
  threads,
  UserfaultFd,
} from '../support/pages.ts';

const kinds = Object.keys(KINDS) as Kind[];
const shared = kinds.filter((kind) => kind !== 'private');

describe.skipIf(lacks('poison', 'move', 'wp-async', 'minor-shmem') !== undefined)('a range', () => {
  const all: RegisterMode[] = ['missing', 'write-protect', 'minor'];
  const sets = Array.from({ length: 7 }, (_, i) => all.filter((_mode, bit) => ((i + 1) >> bit) & 1));
  const BASIC: RangeCall[] = ['wake', 'copy', 'zero-page', 'move', 'poison'];

  it.each(kinds)('takes the modes that fit its memory, and offers their calls: %s', async (kind) => {
    const { window, alias, file } = KINDS[kind](1) as { window: Mapping; alias?: Mapping; file?: MemoryFile };
    for (const modes of sets) {
      const fd = UserfaultFd.open();
      if (kind === 'private' && modes.includes('minor')) {
        expect(() => fd.register(window, modes)).toThrow(/UFFDIO_REGISTER.*EINVAL.*private anonymous memory/);
      } else {
        const range = fd.register(window, modes);
        const more = [...(modes.includes('write-protect') ? ['write-protect'] : []), ...(modes.includes('minor') ? ['continue'] : [])];
        expect([...range.offered.names].sort(), modes.join()).toEqual([...BASIC, ...more].sort());
        expect(range.offered.unknown).toBe(0n);
        expect(range.can.has('move')).toBe(kind === 'private' || kind === 'private-file');
        expect(range.can.has('wake') && range.can.has('copy')).toBe(true);
      }
      fd.close();
    }
    window.close();
    alias?.close();
    file?.close();
  });

  it.each([[[]], [['nothing']], [[1n << 63n]]])('is refused with no mode, or one that nobody knows: %s', (modes) => {
    const memory = privateMemory({ bytes: PAGE });
    const fd = UserfaultFd.open();
    expect(() => fd.register(memory, modes as never)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/ERR_UFFD_REFUSED|ERR_OPTION/) }),
    );
    fd.close();
    memory.close();
  });

  it('of a System V segment has no faults, only writes that the kernel notes', () => {
    const file = MemoryFile.segment({ bytes: PAGE });
    const window = file.map();
    const fd = UserfaultFd.open({ features: ['wp-async'] });
    expect(() => fd.register(window, ['missing'])).toThrow(/EINVAL/);
    expect(fd.register(window, ['write-protect']).can.has('write-protect')).toBe(true);
    fd.close();
    window.close();
    file.close();
  });

  it('is whole pages', () => {
    const memory = privateMemory({ bytes: 2 * PAGE });
    const fd = UserfaultFd.open();
    for (const part of [{ offset: 1 }, { bytes: 100 }, { offset: 3 * PAGE }, { offset: PAGE, bytes: 2 * PAGE }, { offset: -PAGE }]) {
      expect(() => fd.register(memory, ['missing'], part)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    }
    expect(() => fd.register({ address: memory.address + 1n, bytes: PAGE }, ['missing'])).toThrow(/EINVAL/);
    fd.close();
    memory.close();
  });

  it('may be given by its addresses', async () => {
    const [thread] = await threads(1);
    const memory = privateMemory({ bytes: 2 * PAGE });
    const fd = UserfaultFd.open();
    const range = fd.register({ address: memory.address + BigInt(PAGE), bytes: PAGE }, ['missing']);
    const touch = thread!.touch(memory, { kind: 'read', at: PAGE });
    const fault = await nextFault(fd);
    expect(fault).toMatchObject({ registration: range, offset: 0 });
    range.copy(0, pageOf(9));
    expect(await touch).toBe(9);
    fd.close();
    memory.close();
  });
});

describe.skipIf(lacks() !== undefined)('zeroPage', () => {
  it.each(kinds)('fills a page with zeros, once: %s', async (kind) => {
    const [thread] = await threads(1);
    await onScene({ kind, modes: ['missing'] }, async ({ fd, range, window }) => {
      const touch = thread!.touch(window, { kind: 'page', at: PAGE });
      const fault = await nextFault(fd);
      expect(fault).toMatchObject({ offset: PAGE, access: 'read', cause: 'missing' });
      expect(range.zeroPage(PAGE)).toEqual({ bytes: PAGE });
      expect(range.zeroPage(PAGE)).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(await touch).toBe(0);
    });
  });
});

describe.skipIf(lacks() !== undefined)('copy', () => {
  it.each(kinds)('shows whole pages to who waits, and the others are still missing: %s', async (kind) => {
    const [one, two] = await threads(2);
    await onScene({ kind, modes: ['missing'] }, async ({ fd, range, window, alias }) => {
      const touches = [one!.touch(window, { kind: 'page', at: 2 * PAGE }), two!.touch(window, { kind: 'write', at: 0, value: 5 })];
      const faults = [await nextFault(fd), await nextFault(fd)];
      expect(faults.map(({ offset, access }) => [offset, access]).sort()).toEqual([
        [0, 'write'],
        [2 * PAGE, 'read'],
      ]);
      expect(range.copy(2 * PAGE, pageOf(7))).toEqual({ bytes: PAGE });
      expect(await touches[0]).toBe(7);
      expect(fd.waiting().threads).toBe(1);
      expect(range.copy(0, pageOf(6, 2))).toEqual({ bytes: 2 * PAGE });
      await touches[1];
      expect([...window.bytes(0, 2)]).toEqual([5, 6]);
      expect(window.bytes(PAGE, PAGE)[0]).toBe(6);
      expect(() => window.bytes(3 * PAGE, 1)).toThrow(/ERR_PAGE|not there/);
      // It is the file's page, or the process's own.
      if (alias !== undefined) expect(alias.bytes(2 * PAGE, 1)[0]).toBe(kind === 'private-file' ? 0 : 7);
    });
  });

  it('tells how far it came and why it stopped there', async () => {
    await onScene({}, ({ range, window, file, fd }) => {
      range.copy(2 * PAGE, pageOf(1));
      expect(range.copy(0, pageOf(2, 4))).toEqual({ bytes: 2 * PAGE, error: 'EEXIST' });
      expect([window.bytes(PAGE, 1)[0], window.bytes(2 * PAGE, 1)[0]]).toEqual([2, 1]);
      // A page of the file that is not mapped is there as well.
      file.write(pageOf(4), 5 * PAGE);
      expect(range.copy(4 * PAGE, pageOf(3, 2))).toEqual({ bytes: PAGE, error: 'EEXIST' });
      expect(fd.waiting().threads).toBe(0);
    });
  });

  it('lets go on who waits for a page that somebody else has filled (EEXIST)', async () => {
    const [thread] = await threads(1);
    await onScene({}, async ({ fd, range, window }) => {
      const touch = thread!.touch(window, { kind: 'read', at: 0 });
      await nextFault(fd);
      expect(range.copy(0, pageOf(4), { wake: false })).toEqual({ bytes: PAGE });
      // It is there, and the thread still sleeps: that it is there wakes nobody.
      expect(fd.waiting().threads).toBe(1);
      expect(range.copy(0, pageOf(5), { wake: false })).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(fd.waiting().threads).toBe(1);
      expect(range.copy(0, pageOf(5))).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(await touch).toBe(4);
    });
  });

  it.each([
    ['no whole page', (range: { copy: (o: number, s: Uint8Array) => unknown }) => range.copy(0, new Uint8Array(100))],
    ['a place between pages', (range: { copy: (o: number, s: Uint8Array) => unknown }) => range.copy(1, pageOf(1))],
    ['a place beyond the range', (range: { copy: (o: number, s: Uint8Array) => unknown }) => range.copy(8 * PAGE, pageOf(1))],
    ['something else', (range: { copy: (o: number, s: Uint8Array) => unknown }) => range.copy(0, 'page' as never)],
  ])('is refused with %s', async (_, call) => {
    await onScene({}, ({ range }) => {
      expect(() => call(range)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    });
  });
});

describe.skipIf(lacks('minor-shmem') !== undefined)('continue', () => {
  it.each(shared.filter((kind) => kind !== 'private-file'))(
    'shows what was stored through the alias until then, a fault a page: %s',
    async (kind) => {
      const [thread] = await threads(1);
      await onScene({ kind, modes: ['minor'] }, async ({ fd, range, window, alias }) => {
        alias.bytes().fill(1);
        const touch = thread!.touch(window, { kind: 'pages', at: 0, count: 8 });
        for (let page = 0; page < 8; page++) {
          const fault = await nextFault(fd);
          expect(fault).toMatchObject({ offset: page * PAGE, cause: 'minor', access: 'read' });
          // Changed while the thread waits.
          alias.bytes(fault.offset, PAGE).fill(0xff - page);
          expect(range.continue(fault.offset)).toEqual({ bytes: PAGE });
        }
        expect(await touch).toEqual(Array.from({ length: 8 }, (_, page) => 0xff - page));
        expect(fd.take()).toBeUndefined();
      });
    },
  );

  it('never shows half of a page where missing and minor are registered, and does where missing is alone', async () => {
    const [thread] = await threads(1);
    await onScene({ modes: ['missing', 'minor'] }, async ({ fd, range, window, file }) => {
      file.write(pageOf(1).subarray(0, PAGE / 2), 0);
      const touch = thread!.touch(window, { kind: 'page', at: 0 });
      expect(await nextFault(fd)).toMatchObject({ cause: 'minor' });
      file.write(pageOf(1).subarray(PAGE / 2), PAGE / 2);
      range.continue(0);
      expect(await touch).toBe(1);
    });
    await onScene({ modes: ['missing'] }, async ({ window, file }) => {
      file.write(pageOf(1).subarray(0, PAGE / 2), 0);
      expect(await thread!.touch(window, { kind: 'page', at: 0 })).toBe('torn');
    });
  });

  it('answers how things are: EFAULT for a hole, EEXIST for a page that is mapped, and how far it came', async () => {
    await onScene({}, ({ range, file }) => {
      file.write(pageOf(1, 2), 0);
      expect(range.continue(0, 4 * PAGE)).toEqual({ bytes: 2 * PAGE, error: 'EFAULT' });
      expect(range.continue(0, 2 * PAGE)).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(range.continue(2 * PAGE)).toEqual({ bytes: 0, error: 'EFAULT' });
    });
  });

  it('is no call for private memory', async () => {
    await onScene({ kind: 'private', modes: ['missing'] }, ({ range }) => {
      expect(range.can.has('continue')).toBe(false);
      expect(() => range.continue(0)).toThrow(expect.objectContaining({ code: 'ERR_UFFD_REFUSED' }));
    });
  });

  it('leaves waiters behind the page that stopped it asleep', async () => {
    const [one, two] = await threads(2);
    await onScene({ modes: ['minor'] }, async ({ fd, range, window, file }) => {
      file.write(pageOf(1, 1), 0);
      file.write(pageOf(3, 1), 2 * PAGE);
      const touches = [one!.touch(window, { kind: 'read', at: 0 }), two!.touch(window, { kind: 'read', at: 2 * PAGE })];
      await nextFault(fd);
      await nextFault(fd);
      expect(range.continue(0, 3 * PAGE)).toEqual({ bytes: PAGE, error: 'EFAULT' });
      expect(await touches[0]).toBe(1);
      expect(fd.waiting().threads).toBe(1);
      range.continue(2 * PAGE);
      expect(await touches[1]).toBe(3);
    });
  });
});

describe.skipIf(lacks('move') !== undefined)('move', () => {
  it('brings pages without copying them, and leaves none behind', async () => {
    const [thread] = await threads(1);
    await onScene({ kind: 'private', modes: ['missing'] }, async ({ fd, range, window }) => {
      const from = privateMemory({ bytes: 4 * PAGE });
      from.bytes(PAGE, PAGE).fill(8);
      const touch = thread!.touch(window, { kind: 'page', at: 3 * PAGE });
      await nextFault(fd);
      expect(range.move(3 * PAGE, from, PAGE)).toEqual({ bytes: PAGE });
      expect(await touch).toBe(8);
      expect(from.bytes(PAGE, PAGE).every((byte) => byte === 0)).toBe(true);
      expect(range.move(3 * PAGE, from, PAGE)).toEqual({ bytes: 0, error: 'EEXIST' });
      // Nothing is at the source.
      expect(range.move(4 * PAGE, from, 2 * PAGE)).toEqual({ bytes: 0, error: 'ENOENT' });
      expect(range.move(4 * PAGE, from, 2 * PAGE, 2 * PAGE, { allowHoles: true })).toEqual({ bytes: 2 * PAGE });
      from.close();
    });
  });

  it('moves 2 MiB of a huge page whole, and one of its parts alone', async () => {
    const HUGE = 2 ** 21;
    const window = privateMemory({ bytes: 2 * HUGE });
    const from = privateMemory({ bytes: 3 * HUGE });
    from.advise('huge-page');
    const fd = UserfaultFd.open();
    const range = fd.register(window, ['missing']);
    const aligned = (mapping: Mapping): number => Number((BigInt(HUGE) - (mapping.address % BigInt(HUGE))) % BigInt(HUGE));
    const [to, source] = [aligned(window), aligned(from)];
    from.bytes(source, 2 * HUGE).fill(5);
    expect(range.move(to, from, source, HUGE)).toEqual({ bytes: HUGE });
    expect(window.bytes(to, HUGE).every((byte) => byte === 5)).toBe(true);
    if (to >= PAGE) {
      expect(range.move(to - PAGE, from, source + HUGE + 7 * PAGE)).toEqual({ bytes: PAGE });
      expect(window.bytes(to - PAGE, PAGE)[0]).toBe(5);
    }
    expect(from.bytes(source + HUGE, PAGE)[0]).toBe(5);
    fd.close();
    window.close();
    from.close();
  });

  it('does not work on shared memory, whatever the kernel offers', async () => {
    await onScene({ modes: ['missing'] }, ({ range }) => {
      const from = privateMemory({ bytes: PAGE });
      from.bytes()[0] = 1;
      expect(range.offered.has('move')).toBe(true);
      expect(range.can.has('move')).toBe(false);
      expect(() => range.move(0, from, 0)).toThrow(/UFFDIO_MOVE.*EINVAL.*`can`/);
      from.close();
    });
  });
});

describe.skipIf(lacks('poison') !== undefined)('poison', () => {
  it('is for pages that are not shown, and is undone by showing one', async () => {
    await onScene({}, ({ range, window, file }) => {
      expect(range.poison(0, 2 * PAGE)).toEqual({ bytes: 2 * PAGE });
      expect(range.poison(0)).toEqual({ bytes: 0, error: 'EEXIST' });
      expect(() => window.bytes(0, 1)).toThrow(expect.objectContaining({ code: 'ERR_PAGE_NOT_LOADED' }));
      range.copy(2 * PAGE, pageOf(2));
      expect(range.poison(2 * PAGE)).toEqual({ bytes: 0, error: 'EEXIST' });
      file.write(pageOf(6), 0);
      expect(range.continue(0)).toEqual({ bytes: PAGE });
      expect(window.bytes(0, 1)[0]).toBe(6);
      expect(range.copy(PAGE, pageOf(1))).toEqual({ bytes: PAGE });
      range.poison(3 * PAGE);
      window.advise('dont-need', 3 * PAGE, PAGE);
      expect(range.poison(3 * PAGE)).toEqual({ bytes: PAGE });
    });
  });

  it('is answered to a system call as EFAULT, not by a signal', async () => {
    const [thread] = await threads(1);
    await onScene({}, async ({ fd, range, window }) => {
      const file = MemoryFile.create({ bytes: PAGE });
      const call = thread!.touch(window, { kind: 'writeTo', at: 0, file: file.descriptor! });
      expect(await nextFault(fd)).toMatchObject({ access: 'read', cause: 'missing' });
      range.poison(0);
      await expect(call).rejects.toThrow('EFAULT');
      file.close();
    });
  });
});
