/**
 * Writes a large real heap snapshot for long runs: `node scripts/make-snapshot.mjs SIZE [FILE]`.
 *
 * SIZE is about the live heap of the process that the snapshot is taken of ("100M", "1G"); the file is about 1.8 times as long.
 * The content is of the same kind as that of the default input: loaded packages and a model of the dependency tree's source
 * texts, read repeatedly until the size is reached. With Node 20.20 on 2 virtual CPUs: 100M takes 8 s and 0.8 GB of memory,
 * 300M takes 25 s and 2.2 GB.
 */
import { argv, exit } from 'node:process';
import { statSync } from 'node:fs';

const UNITS = { M: 1e6, G: 1e9 };

const [size = '', file = `faultline-${size}.heapsnapshot`] = argv.slice(2);
const [, number, unit] = /^(\d+(?:\.\d+)?)([MG])$/.exec(size) ?? [];
if (number === undefined) {
  console.error('usage: node scripts/make-snapshot.mjs SIZE [FILE], SIZE like 100M or 1G');
  exit(2);
}

const { takeSample } = await import('../dist/cli/snapshot/index.js').catch(() => {
  console.error('dist/ is missing: run `npm run build` first');
  exit(2);
});
try {
  const { texts, tokens, modelMs, snapshotMs } = await takeSample(file, number * UNITS[unit]);
  const megabytes = Math.round(statSync(file).size / 1e6);
  console.log(`${file}: ${megabytes} MB, ${tokens} tokens of ${texts} texts; built in ${modelMs} ms, written in ${snapshotMs} ms`);
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  exit(1);
}
