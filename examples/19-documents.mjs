// Documents from real JSON: the package.json of every installed package, and an index of the words that describe it. Another thread
// searches what this one has read.
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { arrayOf, definition, Heap } from 'faultline';

/** @import { HeapArray, HeapMap, View } from 'faultline' */

const PACKAGE = definition({ name: 'package', fields: { name: 'string', version: 'string', description: 'string' } });

/** @param {string} text */
const wordsOf = (text) => new Set(text.toLowerCase().match(/\w{2,}/g));

if (isMainThread) {
  const [folder = 'node_modules'] = process.argv.slice(2);
  const heap = Heap.create({ capacityBytes: '64M' });
  const mutator = heap.attachMutator();
  const Package = heap.defineShape(PACKAGE);
  const index = heap.createMap('string', arrayOf(Package)); // word → the packages that it describes

  const files = readdirSync(folder).map((name) => `${folder}/${name}/package.json`);
  for (const file of files.filter((file) => existsSync(file))) {
    const { name, version, description = '', keywords = [] } = JSON.parse(readFileSync(file, 'utf8'));
    mutator.scope(() => {
      const document = heap.fromObject(Package, { name, version, description });
      for (const word of wordsOf([name, description, ...keywords].join(' '))) {
        index.getOrInsertComputed(word, () => heap.createArray(Package))?.push(document);
      }
    });
  }

  const worker = new Worker(new URL(import.meta.url), { workerData: { token: heap.token, index: heap.offer(index) } });
  await once(worker, 'exit');
  await heap.close();
} else {
  const heap = Heap.attach(workerData.token);
  heap.attachMutator();
  /** @type {HeapMap<'string', HeapArray<View<typeof PACKAGE>>>} */
  const index = heap.redeem(workerData.index);

  for (const query of ['worker thread pool', 'command-line programs']) {
    /** How many of the words each document has. */
    const found = new Map();
    for (const word of wordsOf(query)) {
      for (const document of index.get(word) ?? []) {
        const text = `${document?.name}: ${document?.description}`;
        found.set(text, (found.get(text) ?? 0) + 1);
      }
    }
    const [best] = [...found].sort(([, a], [, b]) => b - a)[0] ?? ['nothing'];
    console.log(`${query} → ${best}`);
  }
  await heap.close();
}
