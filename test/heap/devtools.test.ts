/**
 * Snapshots of the heap in Chrome's DevTools: the code of its Memory panel reads the file. Needs a Chromium, at one of the
 * usual places or at FAULTLINE_CHROMIUM; without one this is reported once, and nothing is tested here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHeapWithMutator } from '../support/heaps.ts';

const PLACES = [process.env['FAULTLINE_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const browserPath = PLACES.find((path) => path !== undefined && existsSync(path));
if (browserPath === undefined) console.error('DevTools is not tested here: there is no Chromium (FAULTLINE_CHROMIUM says where one is)');

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'faultline-devtools-'))));
afterAll(async () => rm(folder, { recursive: true }));

/** What the Memory panel shows of a snapshot. */
interface Shown {
  readonly nodeCount: number;
  readonly totalSize: number;
  readonly aggregates: readonly { name: string; count: number; self: number; maxRet: number; distance: number }[];
}

// A statement to the formatter, an expression to the page.
const PAGE_PROGRAM = readFileSync(new URL('../support/devtools-page.mjs', import.meta.url), 'utf8')
  .trim()
  .replace(/;$/, '');

describe.runIf(browserPath !== undefined)('DevTools', () => {
  it('reads a snapshot of the heap: classes by shape, sizes, what is retained, distances from the roots', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M' });
    const node = heap.defineShape({ name: 'node', fields: { next: 'ref', name: 'string' }, elements: 'ref' });
    mutator.scope(() => {
      let previous = null;
      for (let i = 0; i < 500; i++) previous = heap.create(node, { next: previous, name: `number ${i}` }, [null, previous]);
      heap.roots.slots[0] = previous!.ref;
    });
    const path = join(folder, 'list.heapsnapshot');
    const { objects, bytes } = await heap.writeSnapshot(path);
    const browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto('devtools://devtools/bundled/devtools_app.html');
      const text = JSON.stringify(readFileSync(path, 'utf8'));
      const { nodeCount, totalSize, aggregates } = await page.evaluate<Shown>(`(${PAGE_PROGRAM})(${text})`);
      expect([nodeCount, totalSize]).toEqual([objects + 3, bytes]);
      expect(aggregates.find(({ name }) => name === 'node')).toMatchObject({
        count: 500,
        self: 500 * node.words(2) * 8,
        maxRet: bytes,
        distance: 2,
      });
      expect(aggregates.find(({ name }) => name === '(string)')).toMatchObject({ count: 500, distance: 3 });
    } finally {
      await browser.close();
    }
  }, 60_000);
});
