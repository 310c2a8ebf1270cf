/**
 * The examples run and print what they say, and the documents quote them word for word.
 *
 *   FAULTLINE_UPDATE_QUOTATIONS=1 npx vitest run test/docs/examples.test.ts      writes the quotations anew
 */
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
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
  '18-http-server.mjs':
    /^a hundred requests to two servers: 10 pages rendered, 90 found in the cache\nthe second server sends: <h1>\/page\/9<\/h1> as the first server has rendered it\n$/,
  '19-documents.mjs': /^worker thread pool → piscina: .*\ncommand-line programs → commander: .*\n$/,
  '20-pipeline.mjs': /^9999 results; from 6171 it takes most steps to 1, which is 261\n$/,
  '21-graph.mjs':
    /^\d+ of 1000000 nodes can be reached from the first, the farthest in \d+ steps\nafter a collection there are as many: true\n$/,
  '22-lisp.mjs': /^\(2 3 5 7 11 .* 83 89 97\)\neverything has moved again and again: true\n$/,
  '23-time-series.mjs':
    /^garden: 5000 readings, between .* and .* of late\nattic is gone: attic\.log can be closed\nseries that went with their sensors: 1\n$/,
  '24-many-heaps.ts':
    /^Ada has counted 100 words\nGrace has counted 2000 words\nEdsger has counted more than a thousand, then there was no room: ERR_HEAP_EXHAUSTED\nBarbara has counted 500 words\n$/,
  '25-graceful-shutdown.mjs': /^SIGTERM: no more orders are taken\nall that were taken have been done: true\nthe heap is closed\n$/,
  '26-userfaultfd.mjs': /^squares: 9, 10000000000, 9, 160000000000\n3 of 1000 pages were made, 12 KiB\n$/,
};

/** They compile under `strict`, too (docs/programs.md). */
const STRICT = /^(1[89]|2\d)-/;

const outputs = new Map<string, Promise<string>>();

/** TypeScript is translated as docs/deployment.md says. */
function runnable(path: string): string {
  if (!path.endsWith('.ts')) return path;
  const outfile = join('build', path.replace(/\.ts$/, '.mjs'));
  buildSync({ absWorkingDir: ROOT, entryPoints: [path], outfile, format: 'esm', target: 'node20' });
  return outfile;
}

function outputOf(path: string): Promise<string> {
  let output = outputs.get(path);
  if (output === undefined) outputs.set(path, (output = run([runnable(path)], { timeout: 60_000, killSignal: 'SIGKILL' })));
  return output;
}

/** What a program prints that runs in the project's folder. */
async function run(words: readonly string[], options: { timeout: number; killSignal?: 'SIGKILL' }): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT, encoding: 'utf8', ...options });
  return stdout;
}

describe('an example', () => {
  const files = readdirSync(join(ROOT, 'examples')).filter((name) => /\.(mjs|ts)$/.test(name));

  it('is expected here if it exists', () => expect(files.sort()).toEqual(Object.keys(EXPECTED)));

  it.concurrent.each(files)(
    'runs and prints what it should: %s',
    async (name) => {
      expect(await outputOf(`examples/${name}`)).toMatch(EXPECTED[name] ?? /$ nothing/);
    },
    70_000,
  );

  const checked = {
    'no type errors': { strict: 'false', names: files },
    'no type errors under strict either, if it is one of the eight programs': {
      strict: 'true',
      names: files.filter((name) => STRICT.test(name)),
    },
  };
  it.concurrent.each(Object.entries(checked))(
    'has %s',
    async (_, { strict, names }) => {
      const types = ['--lib', 'ES2023,ESNext.Disposable', '--types', 'node', '--skipLibCheck'];
      const options = ['--ignoreConfig', '--noEmit', '--allowJs', '--checkJs', '--strict', strict, '--module', 'NodeNext', ...types];
      const words = ['node_modules/typescript/bin/tsc', '--target', 'ES2023', ...options, ...names.map((name) => `examples/${name}`)];
      // What is wrong comes on the compiler's standard output.
      const complaints = await run(words, { timeout: 110_000 }).catch(({ stdout }) => stdout as string);
      expect(complaints).toBe('');
    },
    120_000,
  );
});

describe('a quotation in a document', () => {
  const textOf = async ({ kind, source }: { kind: 'file' | 'output'; source: string }): Promise<string> =>
    kind === 'file' ? read(source) : outputOf(source);

  for (const document of documents()) {
    const found = quotations(read(document));
    if (found.length === 0) continue;
    it(`is what it quotes: ${document}`, async () => {
      const texts = await Promise.all(found.map(textOf));
      if (update)
        writeFileSync(
          join(ROOT, document),
          withQuotations(read(document), () => texts.shift()!),
        );
      for (const { kind, source, text } of quotations(read(document))) {
        expect(text, `${kind} of ${source}`).toBe(await textOf({ kind, source }));
      }
    }, 120_000);
  }

  it('is there for every example', () => {
    const quoted = new Set(documents().flatMap((document) => quotations(read(document)).map(({ source }) => source)));
    for (const name of Object.keys(EXPECTED)) expect(quoted).toContain(`examples/${name}`);
  });
});
