// One cycle on a heap of seven objects, computed by hand first and then done by the collector: docs/a-collection-cycle.md.
import { Heap } from 'faultline';

const REGION_WORDS = 131_072; // 1 MiB of 8-byte words
const PAGE_WORDS = 512; // 4 KiB
const BLOCK_WORDS = 64; // one entry of the offset table

const heap = Heap.create({ capacityBytes: '4M', verify: true });
const mutator = heap.attachMutator();
const { u32 } = mutator;
const pair = heap.defineShape({ name: 'pair', fields: { first: 'ref', second: 'ref' } }); // 2 words with its header
const bytes = heap.defineShape({ name: 'bytes', elements: 'u8' }); // 1 word and its elements
const table = heap.defineShape({ name: 'table', elements: 'ref' });
const [FIRST, SECOND] = [pair.field('first').offset, pair.field('second').offset];

// --- The heap before -----------------------------------------------------------------------------------------------------
// A program must not keep raw references across allocations like this; here nothing collects before the end.
const place = (shape, count, live) => ({ at: mutator.allocate(shape, count), words: shape.words(count), live });
const A = place(pair, 0, true);
const B = place(bytes, 232, false);
const C = place(pair, 0, true);
const D = place(bytes, 152, true);
const E = place(bytes, 232, false);
const F = place(pair, 0, true);
const G = place(table, REGION_WORDS, true); // above half a region: large, never copied
const objects = { A, B, C, D, E, F, G };
const elementOfG = (ref) => ref * 2 + 2 + 100_000; // element 100,000
u32[A.at * 2 + FIRST] = C.at;
u32[A.at * 2 + SECOND] = G.at;
u32[elementOfG(G.at)] = F.at;
u32[F.at * 2 + FIRST] = D.at;
const root = mutator.handle(A.at);

console.log('object   at      words  alive');
for (const [name, { at, words, live }] of Object.entries(objects)) {
  console.log(`${name}   ${String(at).padStart(8)} ${String(words).padStart(9)}  ${live ? 'yes' : 'no'}`);
}

// --- By hand: live bits, block offsets, address function -------------------------------------------------------------------
const source = 0; // the region of A to F
const target = 1; // the lowest free region
const live = new Uint8Array(REGION_WORDS);
for (const object of [A, B, C, D, E, F]) if (object.live) live.fill(1, object.at, object.at + object.words);

const offsets = []; // of each block: where its first live word will be
for (let block = 0, next = target * REGION_WORDS; block < REGION_WORDS / BLOCK_WORDS; block++) {
  offsets[block] = next;
  for (let word = block * BLOCK_WORDS; word < (block + 1) * BLOCK_WORDS; word++) next += live[word];
}
const newAddress = (word) => {
  if (Math.floor(word / REGION_WORDS) !== source) return word;
  const block = Math.floor(word / BLOCK_WORDS);
  let before = 0; // the popcount
  for (let w = block * BLOCK_WORDS; w < word; w++) before += live[w];
  return offsets[block] + before;
};

console.log('\nblock  words        live  offset');
for (const block of [8, 9]) {
  const count = live.subarray(block * BLOCK_WORDS, (block + 1) * BLOCK_WORDS).reduce((sum, bit) => sum + bit);
  const words = `${block * BLOCK_WORDS} … ${(block + 1) * BLOCK_WORDS - 1}`;
  console.log(`${String(block).padEnd(6)} ${words} ${String(count).padStart(7)}  ${offsets[block]}`);
}
console.log('\nobject   new address');
for (const [name, { at, live: alive }] of Object.entries(objects)) {
  if (alive) console.log(`${name}   ${String(newAddress(at)).padStart(16)}`);
}

// --- By the collector --------------------------------------------------------------------------------------------------
const cycles = [];
heap.on('cycle', (cycle) => cycles.push(cycle));
await heap.collect({ kind: 'full' }); // `compact` would not choose this region
const cycle = cycles.find(({ sourceRegions }) => sourceRegions > 0);

const foundA = mutator.get(root);
const foundC = u32[foundA * 2 + FIRST];
const foundG = u32[foundA * 2 + SECOND];
const foundF = u32[elementOfG(foundG)];
const foundD = u32[foundF * 2 + FIRST];
const found = [foundA, foundC, foundD, foundF, foundG];
const computed = [A, C, D, F, G].map(({ at }) => newAddress(at));
console.log('\nfound where they were computed to be:', found.join() === computed.join());
console.log(`objects marked: ${cycle.markedObjects}, bytes copied: ${cycle.copiedBytes}, roots rewritten: ${cycle.roots}`);
const pages = { target: Math.ceil((2 + 2 + 20 + 2) / PAGE_WORDS), large: Math.ceil(G.words / PAGE_WORDS) };
const built = cycle.pagesByWorkers + cycle.pagesByMutators;
console.log(`pages built: ${built} = ${pages.target} target page + ${pages.large} pages of G in place`);

mutator.detach();
await heap.close();
