/**
 * Pages that come into being when they are touched: a worker reads squares out of memory that is empty at first. Each page that it touches
 * is computed here, put into the file, and shown; the worker only waits a little.
 */
import { Worker } from 'node:worker_threads';
import { MemoryFile, UserfaultFd } from 'faultline/userfaultfd';

const PAGE = 4096;
const NUMBERS = PAGE / 8;
const file = MemoryFile.create({ bytes: 1000 * PAGE });
const window = file.map();

const fd = UserfaultFd.open();
// Both: with `missing` alone, a page that is half written would be seen.
const range = fd.register(window, ['missing', 'minor']);

const reader = new Worker(
  `const { parentPort, workerData: { buffer, byteOffset, length } } = require('node:worker_threads');
   const squares = new Float64Array(buffer, byteOffset, length);
   parentPort.postMessage([squares[3], squares[100_000], squares[3], squares[400_000]]);`,
  { eval: true, workerData: { buffer: window.buffer, byteOffset: window.byteOffset, length: 1000 * NUMBERS } },
);
reader.on('message', (squares) => {
  console.log(`squares: ${squares.join(', ')}`);
  fd.close();
});

let made = 0;
for await (const event of fd) {
  if (event.kind !== 'page-fault') continue;
  const first = event.offset / 8;
  const numbers = Float64Array.from({ length: NUMBERS }, (_, i) => (first + i) ** 2);
  file.write(new Uint8Array(numbers.buffer), event.offset);
  range.continue(event.offset);
  made++;
}

console.log(`${made} of 1000 pages were made, ${(file.allocatedBytes ?? 0) / 1024} KiB`);
window.close();
file.close();
