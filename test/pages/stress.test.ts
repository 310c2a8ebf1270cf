/**
 * Threads that count in pages which come and go under them: the kernel's uffd-stress, bounded. Each bounce takes all pages away; the
 * counters of every bounce must add up, so no page was ever shown in parts, twice, or out of date.
 */
import { describe, expect, it } from 'vitest';
import { rounds } from '../support/modes.ts';
import { lacks, onScene, PAGE, type PageFault, type RegisterMode, type Scene, threads } from '../support/pages.ts';

const PAGES = 32;
const BOUNCES = rounds(50, 3);
const COUNTS = rounds(20_000, 2_000);
const WORKERS = 2;

interface Version {
  readonly modes: RegisterMode[];
  /** Takes all pages away, and returns what answers a fault. */
  readonly bounce: (scene: Scene) => (fault: Pick<PageFault, 'offset' | 'cause'>) => void;
  /** What else is done at the same time. */
  readonly meanwhile?: (scene: Scene) => void;
}

/** From a copy of what was there; whoever comes second is told so. */
function refill({ window, file, range }: Scene): (fault: Pick<PageFault, 'offset' | 'cause'>) => void {
  const content = new Uint8Array(window.byteLength);
  file.read(content);
  file.punch();
  return ({ offset, cause }) => {
    if (cause === 'write-protect') range.unprotect(offset, PAGE);
    else expect(range.copy(offset, content.subarray(offset, offset + PAGE)).error ?? 'EEXIST').toBe('EEXIST');
  };
}

const VERSIONS: Record<string, Version> = {
  missing: { modes: ['missing'], bounce: refill },
  minor: {
    modes: ['missing', 'minor'],
    bounce: ({ window, range }) => {
      window.advise('dont-need');
      return ({ offset }) => void range.continue(offset);
    },
  },
  'write-protect': {
    modes: ['missing', 'write-protect'],
    bounce: refill,
    meanwhile: ({ range }) => void range.writeProtect(),
  },
};

describe.skipIf(lacks('minor-shmem', 'wp-hugetlbfs-shmem') !== undefined)('counters', () => {
  it.each(Object.keys(VERSIONS))('add up although pages come and go: %s', async (name) => {
    const { modes, bounce, meanwhile } = VERSIONS[name]!;
    const workers = await threads(WORKERS);
    await onScene({ pages: PAGES, modes }, async (scene) => {
      const { fd, range, file, window } = scene;
      file.write(new Uint8Array(window.byteLength));
      let answer = bounce(scene);
      const serving = (async () => {
        let page = 0;
        for await (const event of fd) {
          if (event.kind !== 'page-fault') continue;
          answer(event);
          // Somebody else fills pages too, of which nobody has asked for one yet.
          answer({ offset: (page++ % PAGES) * PAGE, cause: 'missing' });
          // Not each time: threads would do nothing but wait.
          if (page % PAGES === 0) meanwhile?.(scene);
        }
      })();
      for (let i = 0; i < BOUNCES; i++) {
        if (i > 0) answer = bounce(scene);
        await Promise.all(
          workers.map((worker, j) =>
            worker.touch(window, { kind: 'count', at: 0, count: PAGES, rounds: COUNTS, seed: i * WORKERS + j + 1 }),
          ),
        );
      }
      range.unregister();
      fd.close();
      await serving;
      const words = new Int32Array(window.buffer, window.byteOffset);
      let sum = 0;
      for (let page = 0; page < PAGES; page++) sum += words[(page * PAGE) / 4]!;
      expect(sum).toBe(WORKERS * BOUNCES * COUNTS);
    });
  });
});
