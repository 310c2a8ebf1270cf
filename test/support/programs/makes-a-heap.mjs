/**
 * A heap, collected so many times: node makes-a-heap.mjs COLLECTIONS. Prints the codes of errors and warnings. Used as a preload too: then
 * it says so, in whatever thread it runs.
 */
import { writeSync } from 'node:fs';
import { Heap } from '../../../dist/index.js';

writeSync(1, 'runs\n');
process.on('warning', ({ code }) => code?.startsWith('FAULTLINE') && writeSync(1, `warning ${code}\n`));
try {
  const heap = Heap.create({ capacityBytes: '8M', workers: 2 });
  const mutator = heap.attachMutator();
  const shape = heap.defineShape({ name: 'node', fields: { number: 'u32' } });
  for (let i = 0; i < Number(process.argv[2] ?? 1); i++) {
    for (let n = 0; n < 5_000; n++) mutator.allocate(shape);
    await heap.collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await heap.close();
  writeSync(1, 'closed\n');
} catch (error) {
  writeSync(1, `${error.code}: ${error.message}\n`);
}
