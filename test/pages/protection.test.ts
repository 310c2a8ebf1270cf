/**
 * Write protection, by message and by mark. Of the kernel's cases: minor-wp, wp-unpopulated, wp-mremap, and those of uffd-missing-wp, which
 * is modelled on a garbage collector.
 */
import { describe, expect, it } from 'vitest';
import {
  type Kind,
  lacks,
  nextFault,
  onScene,
  PAGE,
  PAGE_ENTRY,
  PageMap,
  pageOf,
  privateMemory,
  type Scene,
  threads,
} from '../support/pages.ts';

const BOTH: Kind[] = ['private', 'memfd'];
const MISSING_WP = ['missing', 'write-protect'] as const;

/** Which pages of the window are protected, as the kernel has it. */
function protectedPages({ window }: Pick<Scene, 'window'>): number[] {
  const map = PageMap.open();
  const entries = [...map.entries(window)];
  map.close();
  return entries.flatMap((entry, page) => (entry & PAGE_ENTRY.writeProtected ? [page] : []));
}

describe.skipIf(lacks('wp-hugetlbfs-shmem') !== undefined).each(BOTH)('a write to a protected page of %s memory', (kind) => {
  it('waits, and goes on when the page is unprotected; others are not held up', async () => {
    const [one, two] = await threads(2);
    await onScene({ kind, modes: MISSING_WP }, async ({ fd, range, window }) => {
      range.copy(0, pageOf(1, 4));
      expect(range.writeProtect(0, 2 * PAGE)).toEqual({ bytes: 2 * PAGE });
      expect(await two!.touch(window, { kind: 'pages', at: 0, count: 4 })).toEqual([1, 1, 1, 1]);
      const write = one!.touch(window, { kind: 'write', at: PAGE, value: 9 });
      expect(await nextFault(fd)).toMatchObject({ offset: PAGE, access: 'write', cause: 'write-protect' });
      // The next page, and a read of the same one.
      await two!.touch(window, { kind: 'write', at: 2 * PAGE, value: 8 });
      expect(await two!.touch(window, { kind: 'read', at: PAGE })).toBe(1);
      expect(range.unprotect(PAGE, PAGE)).toEqual({ bytes: PAGE });
      await write;
      expect(await two!.touch(window, { kind: 'pages', at: 0, count: 4 })).toEqual([1, 9, 8, 1]);
      expect(protectedPages({ window })).toEqual([0]);
      expect(fd.take()).toBeUndefined();
    });
  });

  it('comes after the page was filled, if it was missing', async () => {
    const [one] = await threads(1);
    await onScene({ kind, modes: MISSING_WP }, async ({ fd, range, window }) => {
      const write = one!.touch(window, { kind: 'write', at: 2 * PAGE, value: 9 });
      expect(await nextFault(fd)).toMatchObject({ offset: 2 * PAGE, access: 'write', cause: 'missing' });
      range.copy(2 * PAGE, pageOf(1), { writeProtect: true });
      expect(await nextFault(fd)).toMatchObject({ offset: 2 * PAGE, access: 'write', cause: 'write-protect' });
      range.unprotect(2 * PAGE, PAGE);
      await write;
      expect([...window.bytes(2 * PAGE, 2)]).toEqual([9, 1]);
    });
  });

  it('sleeps on if it is not woken', async () => {
    const [one] = await threads(1);
    await onScene({ kind, modes: MISSING_WP }, async ({ fd, range, window }) => {
      range.copy(0, pageOf(1), { writeProtect: true });
      const write = one!.touch(window, { kind: 'write', at: 0, value: 2 });
      await nextFault(fd);
      range.unprotect(0, PAGE, { wake: false });
      expect(fd.waiting().threads).toBe(1);
      range.wake(0, PAGE);
      await write;
      expect(window.bytes(0, 1)[0]).toBe(2);
    });
  });

  it('goes on when its range ends, which the kernel does not see to', async () => {
    const [one] = await threads(1);
    await onScene({ kind, modes: ['write-protect'] }, async ({ fd, range, window }) => {
      window.bytes().fill(1);
      range.writeProtect();
      const write = one!.touch(window, { kind: 'write', at: 0, value: 2 });
      await nextFault(fd);
      // Its page is there: there is nothing to poison.
      range.unregister();
      await write;
      expect([...window.bytes(0, 2)]).toEqual([2, 1]);
      expect(protectedPages({ window })).toEqual([]);
    });
  });
});

describe.skipIf(lacks('wp-hugetlbfs-shmem') !== undefined)('memory that is made and protected like a collected heap', () => {
  it.each(BOTH)('keeps its contents after the registration, and the rest reads as zero: %s', async (kind) => {
    const [one] = await threads(1);
    await onScene({ kind, modes: MISSING_WP }, async ({ range, window }) => {
      range.copy(0, pageOf(3, 2), { writeProtect: true });
      range.unregister();
      expect(await one!.touch(window, { kind: 'pages', at: 0, count: 4 })).toEqual([3, 3, 0, 0]);
      await one!.touch(window, { kind: 'writePages', at: 0, count: 4, value: 4 });
    });
  });
});

describe.skipIf(lacks('wp-hugetlbfs-shmem', 'minor-shmem') !== undefined)('a page that is shown protected', () => {
  it('costs one minor fault, and one more at the first write', async () => {
    const [one] = await threads(1);
    await onScene({ modes: ['minor', 'write-protect'] }, async ({ fd, range, window, file }) => {
      file.write(pageOf(1, 8), 0);
      for (const page of [0, 3]) {
        const write = one!.touch(window, { kind: 'write', at: page * PAGE, value: 7 });
        expect(await nextFault(fd)).toMatchObject({ offset: page * PAGE, cause: 'minor', access: 'write' });
        range.continue(page * PAGE, PAGE, { writeProtect: true });
        expect(await nextFault(fd)).toMatchObject({ offset: page * PAGE, cause: 'write-protect' });
        range.unprotect(page * PAGE, PAGE);
        await write;
        await one!.touch(window, { kind: 'write', at: page * PAGE + 1, value: 8 });
        expect(fd.take()).toBeUndefined();
      }
    });
  });

  it('stays protected only if it is shown so', async () => {
    await onScene({ modes: ['missing', 'minor', 'write-protect'] }, ({ range, window, file }) => {
      file.write(pageOf(1, 4), 0);
      range.writeProtect();
      expect(protectedPages({ window })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      range.continue(0, PAGE);
      range.continue(PAGE, PAGE, { writeProtect: true });
      range.copy(6 * PAGE, pageOf(1));
      range.copy(7 * PAGE, pageOf(1), { writeProtect: true });
      expect(protectedPages({ window })).toEqual([1, 2, 3, 4, 5, 7]);
    });
  });
});

describe.skipIf(lacks('wp-unpopulated') !== undefined)('protection of private pages that are not there', () => {
  it.each([
    ['is kept', ['wp-unpopulated'], [0, 1, 2, 3, 4, 5, 6, 7]],
    ['is lost without the feature', [], []],
  ] as const)('%s', async (_, features, armed) => {
    await onScene({ kind: 'private', modes: ['write-protect'], features }, ({ range, window }) => {
      range.writeProtect();
      expect(protectedPages({ window })).toEqual(armed);
    });
  });

  it('is kept when the page is read, and lost when it is dropped', async () => {
    const [one] = await threads(1);
    await onScene({ kind: 'private', modes: ['write-protect'], features: ['wp-unpopulated'] }, async ({ fd, range, window }) => {
      range.writeProtect();
      expect(await one!.touch(window, { kind: 'read', at: 0 })).toBe(0);
      expect(protectedPages({ window })).toContain(0);
      const write = one!.touch(window, { kind: 'write', at: 0, value: 5 });
      expect(await nextFault(fd)).toMatchObject({ offset: 0, cause: 'write-protect' });
      range.unprotect(0, PAGE);
      await write;
      range.writeProtect(0, PAGE);
      window.advise('dont-need', 0, PAGE);
      expect(protectedPages({ window })).not.toContain(0);
    });
  });
});

describe.skipIf(lacks('wp-hugetlbfs-shmem') !== undefined)('pages that are moved by mremap', () => {
  it.each(BOTH)('are not protected in their new place: %s', async (kind) => {
    const [one] = await threads(1);
    await onScene({ kind, modes: ['write-protect'] }, async ({ range, window, file }) => {
      window.bytes().fill(6);
      range.writeProtect();
      expect(protectedPages({ window })).toHaveLength(8);
      const other = kind === 'memfd' ? file.map() : privateMemory({ bytes: 8 * PAGE });
      other.takePagesFrom(window);
      expect(protectedPages({ window: other })).toEqual([]);
      await one!.touch(other, { kind: 'writePages', at: 0, count: 8, value: 7 });
      expect([...other.bytes(0, 2)]).toEqual([7, 6]);
      other.close();
    });
  });
});
