/**
 * The examples run and print what they say, and the documents quote them word for word.
 *
 *   FAULTLINE_UPDATE_QUOTATIONS=1 npx vitest run test/docs/examples.test.ts      writes the quotations anew
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, quotations, read, ROOT, withQuotations } from './markdown.ts';

const update = process.env['FAULTLINE_UPDATE_QUOTATIONS'] === '1';

const EXPECTED: Readonly<Record<string, RegExp>> = {
  '00-shared-map.mjs': /^1000 numbers and their squares: 12 → 144, 13 → 169\n$/,
  '01-hello-heap.mjs': /^10000 objects, sum 499950000\nthe oldest one moved: true\nmemory in use: 3\.1 MiB before, 0\.\d MiB after\n$/,
  '02-shared-list-across-workers.mjs': /^200000 nodes, each there exactly once: true\nat least one cycle moved objects: true\n$/,
  '03-root-range-stack.mjs': /^result: 202000, as expected: true\nvalues left on the stack: 1\ncollections that moved objects: some\n$/,
  '04-events.mjs': /^collection-started\n[\s\S]+\ncollection\n\n[\s\S]+: 1, longest below 1 s: true\n$/,
  '05-a-cycle-by-hand.mjs': /\nfound where they were computed to be: true\n/,
  '06-thread-pool.mjs': /^objects move while threads that use them keep running\n$/,
  '07-typed-objects.mjs':
    /^Oslo has 717711 inhabitants and lies at 59\.91, 10\.75\n10000 stops, 4999 of them at night\ncounted again: 4999\n$/,
  '08-strings-and-elements.mjs':
    /^3 samples in m\/s²: 9\.5 1 2, the last two 1 2\nERR_OPTION: index of .*\ninterned: true, not interned: false, same text: true\n$/,
  '09-handle-tokens.mjs': /^below a thousand: 168 primes, the last 997\na second time: ERR_TOKEN_SPENT\n$/,
  '10-checked-heap.mjs': /^ERR_STALE_REFERENCE: .*\nERR_OPTION: .*\nERR_WRONG_SHAPE: .*\nERR_MUTATOR_PARKED: .*\n$/,
  '11-weak-structures.mjs':
    /^Aachen's report is there: true\nreports that went with their cities: 2\na weak reference to Bergen reads: 0\nBergen, population 200000\nCagliari, population 300000\n$/,
  '12-shared-containers.mjs': /^11 words, 0 left to do\na 1, and 3, .*, what 4\nthe longest has 7 letters\n$/,
  '13-allocation-buffer.mjs': /^the last thousand sum up: true\ncalls for memory: fewer than one in fifty: true\n$/,
  '14-condition.mjs': /^1000 numbers, their sum is 499500\n$/,
  '15-pinned-memory.mjs':
    /^4096 bytes read, beginning with "thirteen"\nthe file begins with "Thirteen", the address is the same: true\npinned: 4096 bytes\nreleased: 0 bytes to see, pinned: 0 bytes\n$/,
  '16-snapshot.mjs': /^7 objects, 6 references, 1112 bytes\nAda: shared roots · \[7\] · newest · previous · previous · user\n$/,
  '17-cache.mjs':
    /^found at least every third time: true, pages dropped: some\nfull: true, and not too full: true\nwhat is asked for again and again is there: true\n$/,
};

const outputs = new Map<string, string>();

function outputOf(path: string): string {
  const known = outputs.get(path);
  if (known !== undefined) return known;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [path], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  expect({ status, signal }, stderr + stdout).toEqual({ status: 0, signal: null });
  outputs.set(path, stdout);
  return stdout;
}

describe('an example', () => {
  const files = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.mjs'));

  it('is expected here if it exists', () => expect(files.sort()).toEqual(Object.keys(EXPECTED)));

  for (const name of files) {
    it(`runs and prints what it should: ${name}`, () => {
      expect(outputOf(`examples/${name}`)).toMatch(EXPECTED[name] ?? /$ nothing/);
    }, 70_000);
  }

  it('has no type errors', () => {
    const modules = ['--module', 'NodeNext', '--target', 'ES2023', '--types', 'node', '--skipLibCheck'];
    const options = ['--ignoreConfig', '--noEmit', '--allowJs', '--checkJs', '--strict', 'false', ...modules];
    const paths = files.map((name) => `examples/${name}`);
    const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options, ...paths], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 110_000,
    });
    expect(status, stdout).toBe(0);
  }, 120_000);
});

describe('a quotation in a document', () => {
  const textOf = ({ kind, source }: { kind: 'file' | 'output'; source: string }): string =>
    kind === 'file' ? read(source) : outputOf(source);

  for (const document of documents()) {
    const found = quotations(read(document));
    if (found.length === 0) continue;
    it(`is what it quotes: ${document}`, () => {
      if (update) writeFileSync(join(ROOT, document), withQuotations(read(document), textOf));
      for (const quotation of quotations(read(document))) {
        expect(quotation.text, `${quotation.kind} of ${quotation.source}`).toBe(textOf(quotation));
      }
    }, 120_000);
  }

  it('is there for every example', () => {
    const quoted = new Set(documents().flatMap((document) => quotations(read(document)).map(({ source }) => source)));
    for (const name of Object.keys(EXPECTED)) expect(quoted).toContain(`examples/${name}`);
  });
});
