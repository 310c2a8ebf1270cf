/**
 * Measures the costs given in docs/pinned-memory.md and docs/snapshots.md: `node scripts/pins-and-snapshots.mjs`, after `npm run build`.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Heap } from '../dist/index.js';

const OBJECTS = 1_000_000;
const ROUNDS = 500;

const heap = Heap.create({ capacityBytes: '256M' });
const mutator = heap.attachMutator();

/** @param {number[]} timesUs */
const median = (timesUs) => timesUs.toSorted((a, b) => a - b)[timesUs.length >> 1].toFixed(1);

/** @param {() => void} action */
function timeUs(action) {
  const beginMs = performance.now();
  action();
  return (performance.now() - beginMs) * 1000;
}

const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' });
console.log('object        createPinnable, pin, release (us, medians)');
for (const length of [4096, 65_536, 2 ** 20]) {
  const times = { create: [], pin: [], release: [] };
  for (let round = 0; round < ROUNDS; round++) {
    let view;
    let pin;
    times.create.push(timeUs(() => (view = heap.createPinnable(bytes, length))));
    times.pin.push(timeUs(() => (pin = heap.pin(view))));
    times.release.push(timeUs(() => pin.release()));
    view.release();
  }
  console.log(`${String(length).padEnd(12)}  ${Object.values(times).map(median).join(', ')}`);
}

const node = heap.defineShape({ name: 'node', fields: { next: 'ref', other: 'ref', value: 'f64' } });
const list = mutator.handle(0);
for (let i = 0; i < OBJECTS; i++) {
  const ref = mutator.allocate(node);
  mutator.u32[node.refSlot(ref, 0)] = mutator.get(list);
  if (i % 3 === 0) mutator.u32[node.refSlot(ref, 1)] = mutator.get(list);
  mutator.set(list, ref);
}
const path = join(tmpdir(), `faultline-${process.pid}.heapsnapshot`);
for (let round = 0; round < 3; round++) {
  const { objects, references, fileBytes, pauseUs, durationMs } = await heap.writeSnapshot(path);
  console.log(
    `snapshot of ${objects} objects, ${references} references: pause ${(pauseUs / 1000).toFixed(1)} ms, ` +
      `${(durationMs / 1000).toFixed(2)} s, ${(fileBytes / 1e6).toFixed(1)} MB`,
  );
}
await rm(path);
await heap.close();
