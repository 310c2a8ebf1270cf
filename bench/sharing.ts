/**
 * bench:sharing: what a cache costs that two threads share, in each of the ways there are, and what one costs that is not shared at all.
 *
 *     npm run bench:sharing [-- --seconds 3] [-- --rounds 3] [-- --print]
 *
 * 100,000 short texts by short keys, all there from the beginning. Each of two workers picks keys at random, and reads nine times of ten
 * and writes once. Every way runs by itself, the ways in turn, and the median of the rounds counts. Writes the chart into README.md;
 * `--print` writes it to standard output instead. SQLite is the one that Node has, from Node 22.13 on; an older Node leaves its row out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { isAvailable, prepare, WAYS, type WayName } from './sharing-ways.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    print: { type: 'boolean', default: false },
  },
});
const DOCUMENT = fileURLToPath(new URL('../../README.md', import.meta.url));
const BEGIN = '<!-- sharing: begin -->';
const END = '<!-- sharing: end -->';
const THREADS = 2;
const BAR = 40;

/** Operations a second of all threads together. */
async function measure(way: WayName): Promise<number> {
  const { data, end } = await prepare(way, THREADS);
  const start = new Int32Array(new SharedArrayBuffer(4));
  const seconds = Number(values.seconds);
  const workers = data.map((given, seed) => {
    const workerData = { way, given: given.value, seed, seconds, start };
    return new Worker(new URL('./sharing-thread.js', import.meta.url), { workerData, transferList: [...given.transfer] });
  });
  const rates = workers.map(
    (worker) =>
      new Promise<number>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('message', (message: 'ready' | { rate: number }) => {
          if (message === 'ready') Atomics.add(start, 0, 1);
          else resolve(message.rate);
          if (start[0] === THREADS) Atomics.notify(start, 0);
        });
      }),
  );
  const sum = (await Promise.all(rates)).reduce((all, rate) => all + rate, 0);
  await Promise.all(workers.map((worker) => worker.terminate()));
  await end();
  return sum;
}

const names = WAYS.map(({ name }) => name).filter(isAvailable);
const found = new Map<WayName, number[]>(names.map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const name of names) found.get(name)!.push(await measure(name));
}

const median = (of: number[]): number => of.sort((a, b) => a - b)[of.length >> 1]!;
const rows = WAYS.filter(({ name }) => found.has(name)).map(({ name, title }) => ({ title, rate: median(found.get(name)!) }));
const most = Math.max(...rows.map(({ rate }) => rate));
const widest = Math.max(...rows.map(({ title }) => title.length));
const lines = rows.map(({ title, rate }) => {
  const figure = Number(rate.toPrecision(2)).toLocaleString('en').padStart(10);
  return `${title.padEnd(widest)} ${figure}  ${'█'.repeat(Math.max(1, Math.round((BAR * rate) / most)))}`;
});
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const processor = `${cpus().length} × ${cpus()[0]?.model ?? '?'}`;
const machine = `(commit ${commit}, Linux ${release()}, ${processor}, Node ${process.version}; \`npm run bench:sharing\`)`;
const chart = ['```text', 'operations a second, both threads together', '', ...lines, '```'].join('\n');

if (values.print) {
  process.stdout.write(`${chart}\n\n${machine}\n`);
} else {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no place for the chart: ${BEGIN} … ${END}`);
  writeFileSync(DOCUMENT, `${document.slice(0, begin + BEGIN.length)}\n\n${chart}\n\n${machine}\n\n${document.slice(end)}`);
}
