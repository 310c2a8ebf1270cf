/**
 * The report in a browser: every plot is drawn, nothing is fetched, nothing is wider than the window, and both colour schemes can be
 * read. Skipped, by name, where there is no Chromium. FAULTLINE_SCREENSHOTS names a folder for the pictures.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyProgram } from '../../bench/harness/programs.ts';
import { analysisOf } from '../../bench/harness/report/analysis.ts';
import { reportHtml } from '../../bench/harness/report/html.ts';
import { type CurvePlot, plotsOf, SECTIONS } from '../../bench/harness/report/plots.ts';
import { ResultsFolder } from '../../bench/harness/results-folder.ts';
import { SHORT } from '../support/modes.ts';
import { Session } from '../../bench/harness/session.ts';

const FAKE = fileURLToPath(new URL('fake-invocation.mjs', import.meta.url));
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WIDTH = 1280;
/** A guard against a hang, never a measurement. */
const LIMIT_MS = 180_000;

const work = mkdtempSync(join(tmpdir(), 'faultline-report-'));
const path = join(work, 'report.html');
const folder = new ResultsFolder({
  ...{ experiment: 'all', quick: true, invocations: 2, seed: 3, out: join(work, 'results'), program: FAKE, heapFactors: [1.5, 3] },
  ...{ resume: false, add: false, dryRun: false, json: false },
  filter: '(gcbench|lru) faultline native (sigbus|stw|thread) (barrier-free|satb) adaptive',
});
let plotCount = 0;
let memoryLines: string[] = [];

beforeAll(async () => {
  const { leftOut } = await new Session(folder, onlyProgram(FAKE), new AbortController().signal).run();
  const analysis = analysisOf(folder.records.read(), folder.head, leftOut);
  plotCount = plotsOf(analysis).length;
  memoryLines = plotsOf(analysis)
    .filter((plot): plot is CurvePlot => plot.kind === 'curve' && plot.section === 'memory')
    .flatMap(({ lines }) => lines.map(({ name }) => name));
  writeFileSync(path, reportHtml(analysis));
}, LIMIT_MS);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('memory over time', () => {
  it('has what is alive by who told it, and no line where nobody did', () => {
    const endings = (row: RegExp): string[] => [
      ...new Set(memoryLines.filter((name) => row.test(name)).map((name) => /(?: \(file-blocks\)|, [a-z ]+)$/.exec(name)![0])),
    ];
    expect(endings(/^C\+\+ sigbus(?! satb)/)).toEqual([' (file-blocks)', ', alive']);
    expect(endings(/^C\+\+ stw(?! satb)/)).toEqual([' (file-blocks)', ', after collections']);
    expect(endings(/satb/)).toEqual([' (file-blocks)']);
  });
});

describe.skipIf(CHROMIUM === undefined)('the report in Chromium', { timeout: LIMIT_MS }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ARGUMENTS });
  });
  afterAll(() => browser?.close());

  async function open(colorScheme: 'light' | 'dark', width = WIDTH): Promise<{ page: Page; errors: string[]; requests: string[] }> {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const errors: string[] = [];
    const requests: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    // Plots are drawn when they come near the window, and those of one heap size are shown first.
    await page.locator('#heap').selectOption('');
    for (const figure of await page.locator('figure[data-plot]').all()) {
      await figure.scrollIntoViewIfNeeded();
      await figure.locator('.plot svg[role=img]').waitFor();
    }
    return { page, errors, requests };
  }

  it.each(SHORT ? (['dark'] as const) : (['light', 'dark'] as const))(
    'draws every plot without a network, and its text can be read, in %s',
    async (scheme) => {
      const { page, errors, requests } = await open(scheme);
      expect(errors).toEqual([]);
      expect(requests).toEqual([pathToFileURL(path).href]);
      expect(plotCount).toBeGreaterThan(10);
      expect(await page.locator('figure[data-plot] .plot svg[role=img]').count()).toBe(plotCount);
      for (const [section] of Object.entries(SECTIONS))
        expect(await page.locator(`#${section} figure`).count(), section).toBeGreaterThan(0);
      // A plot without marks would be an empty frame.
      const marks = await Promise.all(
        (await page.locator('.plot svg[role=img]').all()).map((svg) => svg.locator('path[stroke], path[d], circle, rect').count()),
      );
      expect(Math.min(...marks)).toBeGreaterThan(0);
      const ratios = await page.evaluate<number[]>(readFileSync(new URL('contrast-in-page.js', import.meta.url), 'utf8'));
      expect(ratios.length).toBeGreaterThan(50);
      expect(Math.min(...ratios)).toBeGreaterThan(4.5);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(WIDTH);
      const pictures = process.env['FAULTLINE_SCREENSHOTS'];
      if (pictures !== undefined) {
        await page.screenshot({ path: join(pictures, `report-${scheme}.png`), fullPage: true });
        for (const section of Object.keys(SECTIONS))
          await page.locator(`#${section}`).screenshot({ path: join(pictures, `${section}-${scheme}.png`) });
      }
      await page.close();
    },
  );

  it('has forty rows that can be told apart, in colours and in black and white', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => ({
      name: `row ${i}`,
      points: [
        [1, i + 1],
        [2, i + 2],
      ],
    }));
    const plot = {
      kind: 'curve',
      section: 'latency',
      workload: 'lru',
      title: 'many',
      x: { label: 'x', scale: 'linear' },
      y: { label: 'y', scale: 'linear' },
      lines,
    };
    const many = join(work, 'many.html');
    const figure = '<figure data-plot="0" data-workload="lru"><div class="plot"></div></figure>';
    const html = readFileSync(path, 'utf8')
      .replace(/<figure data-plot[\s\S]*?<\/figure>/g, '')
      .replace('<script type="application/json"', `${figure}$&`);
    writeFileSync(many, html.replace(/(id="plots">)[\s\S]*?(<\/script>)/, `$1${JSON.stringify([plot])}$2`));
    const page = await browser.newPage();
    await page.goto(pathToFileURL(many).href);
    await page.locator('figure[data-plot]').scrollIntoViewIfNeeded();
    await page.locator('.legend li').nth(39).waitFor();
    const keys = await page
      .locator('.legend li svg')
      .evaluateAll((all) =>
        all.map((key) =>
          ['stroke', 'stroke-dasharray']
            .map((name) => key.querySelector('line')!.getAttribute(name))
            .concat(key.querySelector('path')!.getAttribute('d')),
        ),
      );
    expect(keys).toHaveLength(40);
    expect(new Set(keys.map(([colour, , symbol]) => `${colour} ${symbol}`)).size).toBe(40);
    expect(new Set(keys.map(([, dash, symbol]) => `${dash} ${symbol}`)).size).toBe(40);
    await page.close();
  });

  it('is not wider than the window of a telephone', async () => {
    const { page } = await open('light', 400);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await page.close();
  });

  it('shows the figures of one workload when it is chosen', async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path).href);
    await page.locator('#workload').selectOption('lru');
    expect(await page.locator('figure[data-workload=gcbench]:visible').count()).toBe(0);
    expect(await page.locator('figure[data-workload=lru]:visible').count()).toBeGreaterThan(0);
    await page.close();
  });

  it('can be read without scripts: all figures are in tables', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(path).href);
    expect(await page.locator('#rows tbody tr').count()).toBeGreaterThan(5);
    expect(await page.locator('figure[data-plot] details table').count()).toBe(plotCount);
    await context.close();
  });
});
