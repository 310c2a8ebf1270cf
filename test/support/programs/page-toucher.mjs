/**
 * A worker that touches pages: what it is asked to do comes by message, one at a time, and so does what came of it. It may wait in a touch
 * for as long as nobody answers.
 */
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

const PAGE = 4096;

const touches = {
  read: ({ bytes, at }) => bytes[at],
  write: ({ bytes, at, value }) => (bytes[at] = value),
  /** The first bytes of pages that follow one another. */
  pages: ({ bytes, at, count }) => Array.from({ length: count }, (_, i) => bytes[at + i * PAGE]),
  writePages: ({ bytes, at, count, value }) => {
    for (let i = 0; i < count; i++) bytes[at + i * PAGE] = value;
  },
  /** Every byte of a page, if all are the same. */
  page: ({ bytes, at }) => {
    const [first] = bytes.subarray(at);
    return bytes.subarray(at, at + PAGE).every((byte) => byte === first) ? first : 'torn';
  },
  /** A system call whose argument is the memory. */
  writeTo: ({ bytes, at, file }) => writeSync(file, bytes, at, 8),
  /** Adds 1 to the first word of pages in a random order, so many times; one thread in a page at a time. */
  count: ({ buffer, byteOffset, at, count, rounds, seed }) => {
    const words = new Int32Array(buffer, byteOffset + at);
    let state = seed;
    for (let i = 0; i < rounds; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      Atomics.add(words, ((state >>> 8) % count) * (PAGE / 4), 1);
    }
  },
};

parentPort.on('message', ({ kind, ...touch }) => {
  const bytes = touch.buffer === undefined ? undefined : new Uint8Array(touch.buffer, touch.byteOffset, touch.byteLength);
  try {
    parentPort.postMessage({ result: touches[kind]({ ...touch, bytes }) });
  } catch (error) {
    parentPort.postMessage({ error: error.code ?? error.message });
  }
});
parentPort.postMessage({ result: 'ready' });
