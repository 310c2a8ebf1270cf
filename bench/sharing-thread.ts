/**
 * A thread of bench:sharing: reads and writes until its time is over, and says how many operations a second that came to.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ENTRIES, keyOf, open, textOf, type WayName } from './sharing-ways.ts';

const { way, given, seed, seconds, start } = workerData as {
  way: WayName;
  given: unknown;
  seed: number;
  seconds: number;
  start: Int32Array;
};
const THREADS = 2;
const OPERATIONS_BETWEEN_LOOKS = 500;

const cache = open(way, given);
const keys = Array.from({ length: ENTRIES }, (_, i) => keyOf(i));
let state = seed + 1;
let characters = 0;

/** Below `limit`; Marsaglia's xorshift. */
function random(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

function step(): Promise<unknown> | undefined {
  const entry = random(ENTRIES);
  if (random(10) === 0) {
    const done = cache.set(keys[entry]!, textOf(random(ENTRIES)));
    return done instanceof Promise ? done : undefined;
  }
  const text = cache.get(keys[entry]!);
  if (typeof text === 'string') characters += text.length;
  else return text;
  return undefined;
}

async function run(forSeconds: number): Promise<number> {
  const begin = performance.now();
  let operations = 0;
  for (let now = begin; now - begin < forSeconds * 1000; now = performance.now()) {
    for (let i = 0; i < OPERATIONS_BETWEEN_LOOKS; i++) {
      const wait = step();
      if (wait !== undefined) await wait;
    }
    operations += OPERATIONS_BETWEEN_LOOKS;
  }
  return (operations * 1000) / (performance.now() - begin);
}

parentPort!.postMessage('ready');
while (Atomics.load(start, 0) < THREADS) Atomics.wait(start, 0, 1, 10);
await run(Math.min(1, seconds / 3));
const rate = await run(seconds);
if (characters < 0) throw new Error('unreachable');
parentPort!.postMessage({ rate });
await cache.close();
