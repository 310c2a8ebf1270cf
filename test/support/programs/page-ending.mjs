/**
 * Threads and processes that end while somebody waits for a page: node page-ending.mjs SITUATION.
 */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { MemoryFile, UserfaultFd } from '../../../dist/userfaultfd.js';

const PAGE = 4096;

function serve(modes = ['missing']) {
  const file = MemoryFile.create({ bytes: 4 * PAGE });
  const window = file.map();
  const fd = UserfaultFd.open();
  return { window, fd, range: fd.register(window, modes), file };
}

/** A thread that touches a page and says what it has read. */
function startToucher({ buffer, byteOffset }) {
  return new Worker(
    `const { workerData: { buffer, byteOffset } } = require('node:worker_threads');
     process.stdout.write('read ' + new Uint8Array(buffer, byteOffset)[0] + '\\n');`,
    { eval: true, workerData: { buffer, byteOffset } },
  );
}

async function untilWaiting(fd) {
  while (fd.waiting().threads === 0 || fd.waiting().queued === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

const situations = {
  /** Nobody is left to answer. */
  async 'touches its own page'() {
    const { window } = serve();
    console.log('touching');
    console.log(new Uint8Array(window.buffer, window.byteOffset)[PAGE]);
  },
  /** No message is sent, and the thread need not wait. */
  async 'touches a page by signal'() {
    const file = MemoryFile.create({ bytes: 2 * PAGE });
    const window = file.map();
    const fd = UserfaultFd.open({ features: ['sigbus'] });
    const range = fd.register(window, ['missing', 'minor']);
    const raw = new Uint8Array(window.buffer, window.byteOffset);
    try {
      writeSync(1, raw, 0, 1);
    } catch ({ code }) {
      console.log(code);
    }
    range.copy(0, new Uint8Array(PAGE).fill(65));
    console.log(raw[0]);
    console.log(raw[PAGE]);
  },
  /** A fork waits until its event is read, with the locks of malloc held, and this thread waits for the fork. */
  async 'forks again and again'() {
    const file = MemoryFile.create({ bytes: PAGE });
    for (let i = 0; i < 10; i++) {
      const window = file.map({ inherited: true });
      const fd = UserfaultFd.open({ features: ['event-fork'] });
      const range = fd.register(window, ['missing']);
      for (let fork = 0; fork < 2; fork++) spawnSync('true');
      let forks = 0;
      for await (const { kind, child } of fd) {
        const [copy] = child.registrations;
        // The child has become another program, or has ended.
        if (i === 0) console.log(kind, copy.mapping === window, copy.copy(0, new Uint8Array(PAGE)).error);
        child.close();
        if (++forks === 2) break;
      }
      if (i === 0) console.log(range.copy(0, new Uint8Array(PAGE)).bytes);
      fd.close();
      window.close();
    }
    const window = file.map();
    const fd = UserfaultFd.open({ features: ['event-fork'] });
    fd.register(window, ['missing']);
    spawnSync('true');
    console.log(`of memory that is not inherited: ${fd.take()}`);
    fd.close();
  },
  async 'closes while a thread waits'() {
    const { window, fd } = serve();
    startToucher(window);
    await untilWaiting(fd);
    console.log('closing');
    fd.close();
    // Plain zeros are there from here on, and a thread that was woken may not have run yet.
    window.close();
  },
  async 'unregisters while a thread waits for half a page'() {
    const { window, fd, file, range } = serve(['missing', 'minor']);
    file.write(new Uint8Array(100).fill(1));
    startToucher(window);
    await untilWaiting(fd);
    console.log('unregistering');
    range.unregister();
  },
  async 'releases while a thread waits'() {
    const { window, fd } = serve();
    const toucher = startToucher(window);
    await untilWaiting(fd);
    toucher.on('exit', () => console.log('ended'));
    fd.close({ waited: 'release' });
  },
  async 'exits while a thread waits'() {
    const { window, fd } = serve();
    startToucher(window);
    await untilWaiting(fd);
    process.on('exit', (code) => console.log(`exit ${code}`));
    process.exit(7);
  },
  async 'throws while a thread waits'() {
    const { window, fd } = serve();
    startToucher(window);
    await untilWaiting(fd);
    throw new Error('thrown');
  },
  /** The other thread answers no more. */
  async 'ends a thread that answers'() {
    const server = new Worker(new URL(import.meta.url), { workerData: 'server' });
    const window = await new Promise((resolve) => server.once('message', resolve));
    startToucher(window);
    await new Promise((resolve) => server.once('message', resolve));
    console.log('terminating');
    await server.terminate();
  },
  async 'exits with everything open'() {
    const { window, range } = serve();
    range.copy(0, new Uint8Array(PAGE).fill(5));
    console.log(window.bytes(0, 1)[0]);
  },
  async 'exits while nobody waits'() {
    const { range } = serve();
    range.copy(0, new Uint8Array(PAGE));
    process.exit(3);
  },
};

if (isMainThread) {
  await situations[process.argv[2]]();
} else if (workerData === 'server') {
  const { window, fd } = serve();
  parentPort.postMessage({ buffer: window.buffer, byteOffset: window.byteOffset });
  await untilWaiting(fd);
  parentPort.postMessage('waiting');
  setInterval(() => fd.waiting(), 1000);
}
