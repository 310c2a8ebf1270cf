/** What the page map tells: the cases of the kernel's pagemap_ioctl.c, and what no case of the kernel has. */
import { describe, expect, it } from 'vitest';
import { rounds, SHORT } from '../support/modes.ts';
import {
  type Kind,
  KINDS,
  lacks,
  type Mapping,
  type MemoryFile,
  onScene,
  PAGE,
  PAGE_ENTRY,
  PageMap,
  pageOf,
  privateMemory,
  type ScanOptions,
  threads,
  UserfaultFd,
} from '../support/pages.ts';

const PAGES = 16;
const WRITTEN: ScanOptions = { all: ['written'] };
const AGAIN: ScanOptions = { ...WRITTEN, writeProtect: true };

interface Tracked {
  readonly map: PageMap;
  readonly window: Mapping;
  readonly file: MemoryFile;
  /** Pages that were written, as runs of [first, count]. */
  readonly runs: (options: ScanOptions) => number[][];
  readonly write: (...pages: number[]) => void;
}

/** A window whose pages are protected, all of them there and clean. */
async function tracked(kind: Kind, test: (tracked: Tracked) => Promise<void> | void, pages = PAGES): Promise<void> {
  await onScene({ kind, pages, modes: ['write-protect'], features: ['wp-async'] }, async ({ window, file }) => {
    const map = PageMap.open();
    try {
      window.bytes().fill(1);
      map.scan(window, AGAIN);
      await test({
        map,
        window,
        file,
        runs: (options) => map.scan(window, options).regions.map(({ offset, bytes }) => [offset / PAGE, bytes / PAGE]),
        write: (...written) => {
          for (const page of written) window.bytes(page * PAGE, 1)[0] = 2;
        },
      });
    } finally {
      map.close();
    }
  });
}

const none = lacks('wp-async');

describe.skipIf(none !== undefined).each(['private', 'memfd', 'private-file'] as const)('written pages of %s memory', (kind) => {
  it('are all of them at first, none after they are protected, and then those that were written', async () => {
    await onScene({ kind, pages: PAGES, modes: ['write-protect'], features: ['wp-async'] }, ({ window }) => {
      const map = PageMap.open();
      expect(map.scan(window, WRITTEN).regions).toMatchObject([{ offset: 0, bytes: PAGES * PAGE }]);
      map.scan(window, AGAIN);
      expect(map.scan(window, WRITTEN)).toEqual({ regions: [], end: PAGES * PAGE });
      window.bytes(0, PAGE * PAGES).fill(2);
      expect(map.scan(window, AGAIN).regions).toMatchObject([{ offset: 0, bytes: PAGES * PAGE }]);
      expect(map.scan(window, AGAIN).regions).toEqual([]);
      map.close();
    });
  });

  it('are one run where they are neighbours, and the first and last', async () => {
    await tracked(kind, ({ runs, write }) => {
      write(0, PAGES - 1);
      expect(runs(WRITTEN)).toEqual([
        [0, 1],
        [PAGES - 1, 1],
      ]);
      write(6, 7, 8);
      expect(runs(AGAIN)).toEqual([
        [0, 1],
        [6, 3],
        [PAGES - 1, 1],
      ]);
      expect(runs(WRITTEN)).toEqual([]);
    });
  });

  it('are those of a part of the memory, if that is asked for', async () => {
    await tracked(kind, ({ map, window, write }) => {
      write(4, 5);
      const part = { mapping: window, offset: 5 * PAGE, bytes: 4 * PAGE };
      expect(map.scan(part, AGAIN).regions).toMatchObject([{ offset: 5 * PAGE, bytes: PAGE }]);
      expect(map.scan(window, WRITTEN).regions).toMatchObject([{ offset: 4 * PAGE, bytes: PAGE }]);
      const addresses = { address: window.address + BigInt(4 * PAGE), bytes: 2 * PAGE };
      expect(map.scan(addresses, WRITTEN)).toMatchObject({ regions: [{ offset: 0, bytes: PAGE }], end: 2 * PAGE });
    });
  });

  it('stay written when a maximum keeps them from being returned', async () => {
    await tracked(kind, ({ map, window, write, runs }) => {
      write(1, 3, 5, 7);
      const some = map.scan(window, { ...AGAIN, maxPages: 2 });
      expect(some.regions.map(({ offset }) => offset / PAGE)).toEqual([1, 3]);
      expect(some.end).toBeLessThanOrEqual(5 * PAGE);
      expect(runs({ ...AGAIN, maxRegions: 1 })).toEqual([[5, 1]]);
      expect(runs(AGAIN)).toEqual([[7, 1]]);
    });
  });

  it('are written again each time', async () => {
    await tracked(kind, ({ runs, write }) => {
      for (let round = 0; round < rounds(100, 10); round++) {
        expect(runs(AGAIN)).toEqual([]);
        write(round % PAGES);
        expect(runs(AGAIN)).toEqual([[round % PAGES, 1]]);
      }
    });
  });
});

describe.skipIf(none !== undefined)('the end of a scan', () => {
  const every2nd = Array.from({ length: PAGES / 2 }, (_, i) => 2 * i);

  it.each<[string, number[], ScanOptions, number]>([
    ['nothing is found', [], {}, PAGES],
    ['everything fits', every2nd, {}, PAGES],
    ['there is no room for any region', every2nd, { maxRegions: 0 }, PAGES],
    ['all pages are one region', [...Array(PAGES).keys()], { maxRegions: 1 }, PAGES],
    ['half of the pages are enough', [...Array(PAGES).keys()], { maxPages: PAGES / 2 }, PAGES / 2],
    ['one page is enough', [...Array(PAGES).keys()], { maxPages: 1 }, 1],
    ['all but one are enough', [...Array(PAGES).keys()], { maxPages: PAGES - 1 }, PAGES - 1],
    ['exactly all are enough', [...Array(PAGES).keys()], { maxPages: PAGES }, PAGES],
  ])('is where it went when %s', async (_, written, options, end) => {
    await tracked('memfd', ({ map, window, write }) => {
      write(...written);
      expect(map.scan(window, { ...WRITTEN, ...options }).end / PAGE).toBe(end);
    });
  });

  it('is where the next scan goes on, until everything is found once', async () => {
    await tracked('memfd', ({ map, window, write }) => {
      write(...every2nd);
      for (const options of [{ maxRegions: 1 }, { maxRegions: 3 }, { maxPages: 1 }, { maxPages: 3 }]) {
        const found: number[] = [];
        for (let offset = 0; offset < window.byteLength; ) {
          const { regions, end } = map.scan({ mapping: window, offset, bytes: window.byteLength - offset }, { ...WRITTEN, ...options });
          found.push(...regions.map((region) => region.offset / PAGE));
          expect(end).toBeGreaterThan(offset);
          offset = end;
        }
        expect(found, JSON.stringify(options)).toEqual(every2nd);
      }
    });
  });
});

describe.skipIf(none !== undefined)('a scan', () => {
  it.each<[string, ScanOptions]>([
    ['protects what it does not select by written', { all: ['present'], writeProtect: true, checkAsync: false }],
    ['has categories of a later kernel', { all: [1n << 40n] }],
    ['returns categories of a later kernel', { all: ['written'], returns: [1n << 40n] }],
    ['inverts categories of a later kernel', { all: ['written'], inverted: [1n << 40n] }],
  ])('is refused if it %s', async (_, options) => {
    await tracked('memfd', ({ map, window }) => {
      const scan = (): unknown => map.scan(window, options);
      if (options.writeProtect === true) expect(scan()).toMatchObject({ regions: [{ offset: 0 }] });
      else expect(scan).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_REFUSED', errno: 22 }));
    });
  });

  it.each([
    [{ all: ['nothing'] }, /all/],
    [{ anyOf: 'written' }, /anyOf/],
    [{ maxPages: -1 }, /maxPages/],
    [{ maxRegions: 0.5 }, /maxRegions/],
    [{ writeProtect: 1 }, /writeProtect/],
  ])('is refused with wrong options: %j', async (options, name) => {
    await tracked('memfd', ({ map, window }) => {
      expect(() => map.scan(window, options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(name) }),
      );
    });
  });

  it('of nothing finds nothing, and one that selects nothing finds every page', async () => {
    await tracked('memfd', ({ map, window, write, runs }) => {
      write(1);
      expect(map.scan({ mapping: window, offset: PAGE, bytes: 0 }, WRITTEN)).toEqual({ regions: [], end: PAGE });
      expect(map.scan(window, { all: ['written'], returns: [] }).regions).toMatchObject([
        { offset: PAGE, bytes: PAGE, categories: { bits: 0n } },
      ]);
      expect(runs({})).toEqual([[0, PAGES]]);
    });
  });

  it('selects by all, by any and by the opposite, and returns what is asked for', async () => {
    await tracked('memfd', ({ runs, map, window, write, file }) => {
      write(3);
      file.punch(5 * PAGE, PAGE);
      expect(runs({ all: ['written', 'present'] })).toEqual([[3, 1]]);
      expect(runs({ anyOf: ['written', 'swapped'] }).flat()).toContain(3);
      const clean = runs({ all: ['written'], inverted: ['written'], returns: ['present'] });
      expect(clean.flatMap(([first, count]) => Array.from({ length: count! }, (_, i) => first! + i))).not.toContain(3);
      const [region] = map.scan(window, { all: ['written'], returns: ['written', 'present', 'file'] }).regions;
      expect(region!.categories.names).toEqual(['written', 'file', 'present']);
    });
  });

  it('of memory that is not mapped, or unregistered, is no error unless it shall be one', async () => {
    const memory = privateMemory({ bytes: 2 * PAGE });
    const map = PageMap.open();
    expect(map.scan({ address: 0x1000n, bytes: 8 * PAGE }, WRITTEN).regions).toEqual([]);
    expect(() => map.scan(memory, AGAIN)).toThrow(/EPERM.*wp-async/);
    expect(map.scan(memory, { ...AGAIN, checkAsync: false }).regions).toEqual([]);
    memory.bytes()[0] = 1;
    expect(map.scan(memory, { all: ['present'] }).regions).toMatchObject([{ offset: 0, bytes: PAGE }]);
    expect(map.entries(memory)[0]! & PAGE_ENTRY.present).not.toBe(0n);
    expect(map.entries(memory)[1]! & PAGE_ENTRY.present).toBe(0n);
    map.close();
    expect(() => map.scan(memory, WRITTEN)).toThrow(expect.objectContaining({ code: 'ERR_MEMORY_CLOSED' }));
    memory.close();
  });

  it('goes through memory with different protections, and through a change of them', async () => {
    await tracked('memfd', ({ window, runs, write }) => {
      window.protect('read', 0, PAGE);
      window.protect('none', PAGE, PAGE);
      write(2, 4);
      expect(runs(WRITTEN)).toEqual([
        [2, 1],
        [4, 1],
      ]);
      window.protect('read-write', 0, 3 * PAGE);
      write(0);
      expect(runs(AGAIN)).toEqual([
        [0, 1],
        [2, 1],
        [4, 1],
      ]);
    });
  });

  it('knows huge pages, whole and in parts', { skip: SHORT && lacks('wp-async') !== undefined }, () => {
    const HUGE = 2 ** 21;
    const memory = privateMemory({ bytes: 2 * HUGE });
    memory.advise('huge-page');
    const fd = UserfaultFd.open({ features: ['wp-async'] });
    fd.register(memory, ['write-protect']);
    const map = PageMap.open();
    const at = Number((BigInt(HUGE) - (memory.address % BigInt(HUGE))) % BigInt(HUGE));
    const whole = { mapping: memory, offset: at, bytes: HUGE };
    memory.bytes(at, HUGE).fill(1);
    map.scan(whole, AGAIN);
    expect(map.scan(whole, WRITTEN).regions).toEqual([]);
    memory.bytes(at + 256 * PAGE, 1)[0] = 2;
    // A huge page is written as a whole, or was split.
    expect(
      map.scan(whole, WRITTEN).regions.some(({ offset, bytes }) => offset <= at + 256 * PAGE && offset + bytes > at + 256 * PAGE),
    ).toBe(true);
    map.scan({ ...whole, bytes: HUGE / 2 }, AGAIN);
    memory.bytes(at, 1)[0] = 2;
    expect(map.scan({ ...whole, bytes: PAGE }, AGAIN).regions).toMatchObject([{ offset: at, bytes: PAGE }]);
    fd.close();
    map.close();
    memory.close();
  });
});

describe.skipIf(none !== undefined)('writes', () => {
  it('of other threads are each found once at least, however often is scanned meanwhile', async () => {
    const workers = await threads(2);
    const ROUNDS = rounds(200_000, 4_000);
    await tracked('memfd', async ({ map, window }) => {
      let left = workers.length;
      const before = new Int32Array(PAGES);
      const words = new Int32Array(window.buffer, window.byteOffset);
      for (let page = 0; page < PAGES; page++) words[(page * PAGE) / 4] = 0;
      map.scan(window, AGAIN);
      const seen = new Int32Array(PAGES);
      const counts = workers.map(async (worker, i) => {
        await worker.touch(window, { kind: 'count', at: 0, count: PAGES, rounds: ROUNDS, seed: i + 1 });
        left--;
      });
      const harvest = (): void => {
        // What was written until the scan is read after it; what is written later marks the page again.
        for (const { offset, bytes } of map.scan(window, AGAIN).regions) {
          for (let page = offset / PAGE; page < (offset + bytes) / PAGE; page++) seen[page] = Atomics.load(words, (page * PAGE) / 4);
        }
      };
      while (left > 0) {
        harvest();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(counts);
      harvest();
      expect([...seen]).toEqual(Array.from(before, (_, page) => Atomics.load(words, (page * PAGE) / 4)));
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(workers.length * ROUNDS);
    });
  });

  it('through an alias or the file are not found, and neither is a hole', async () => {
    await tracked('memfd', ({ file, runs, window, write }) => {
      const alias = file.map();
      alias.bytes(0, 1)[0] = 9;
      file.write(pageOf(8), PAGE);
      file.punch(2 * PAGE, PAGE);
      expect([...window.bytes(0, 1), ...window.bytes(PAGE, 1)]).toEqual([9, 8]);
      expect(runs(WRITTEN)).toEqual([]);
      write(3);
      expect(runs(AGAIN)).toEqual([[3, 1]]);
      alias.close();
    });
  });

  it('that were dropped count as written, whatever else is asked for', async () => {
    const { window } = KINDS.private(4);
    const fd = UserfaultFd.open({ features: ['wp-async'] });
    fd.register(window, ['write-protect']);
    const map = PageMap.open();
    window.bytes().fill(1);
    map.scan(window, AGAIN);
    window.advise('dont-need', PAGE, PAGE);
    for (const options of [
      WRITTEN,
      { ...WRITTEN, returns: ['written', 'present'] },
      { anyOf: ['written', 'present'], all: ['written'] },
    ] as ScanOptions[]) {
      expect(map.scan(window, options).regions.map(({ offset }) => offset / PAGE)).toEqual([1]);
    }
    fd.close();
    map.close();
    window.close();
  });
});
