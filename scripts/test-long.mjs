/**
 * The long form of random and long tests, which `npm test` runs in a short form: more rounds, more modes, larger systems.
 *
 *   npm run test:long                       all of it, which takes most of an hour
 *   npm run test:long -- --minutes 1        in random order, and nothing begins after that time: what CI does with every change
 *   npm run test:long -- --seed 7           the same order again
 *   npm run test:long -- gc/shadow          those whose name contains one of the words
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: 'Infinity' }, seed: { type: 'string', default: String(Date.now() % 1e6) } },
});
const endMs = performance.now() + 60_000 * Number(values.minutes);
if (Number.isNaN(endMs)) throw new RangeError(`--minutes must be a number, not ${values.minutes}`);

const sourcesIn = (folder, ending) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
const mentions = (words) => (path) => words.test(readFileSync(join(ROOT, path), 'utf8'));

/** The words that vitest is given for each: a file, or one of the native tests. */
const tests = [
  ...sourcesIn('test', '.test.ts')
    .filter(mentions(/\b(rounds|SHORT)\b.*modes\.ts'/))
    .map((file) => [file]),
  ...sourcesIn('native/test', '_test.cc')
    .filter(mentions(/\bShortForm\(/))
    .map((path) => ['test/native.test.ts', '-t', `native tests ${/(\w+)\.cc$/.exec(path)[1]}$`]),
].filter((words) => positionals.length === 0 || positionals.some((part) => words.some((word) => word.includes(part))));
const place = (words) =>
  createHash('sha256')
    .update(`${values.seed} ${words.join(' ')}`)
    .digest('hex');
if (values.minutes !== 'Infinity') tests.sort((a, b) => (place(a) < place(b) ? -1 : 1));

const failed = [];
let begun = 0;
console.log(`${tests.length} long tests, seed ${values.seed}`);
for (const words of tests) {
  if (performance.now() >= endMs) break;
  begun++;
  const command = ['node_modules/vitest/vitest.mjs', 'run', ...words];
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, FAULTLINE_LONG: '1' } });
  if (status !== 0) failed.push(words.join(' '));
}
console.log(`${begun} of ${tests.length} long tests, ${failed.length} failed${failed.map((words) => `\n  ${words}`).join('')}`);
process.exitCode = failed.length === 0 && begun > 0 ? 0 : 1;
