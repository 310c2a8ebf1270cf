/**
 * Shared structures: what several threads do to one object graph at once. Written in JavaScript because worker threads load it as
 * it is.
 */
import { makeRandom } from './random.mjs';

const TABLE_ROOT = 0;
const COUNTERS_ROOT = 1;

const TABLE = { name: 'shared-table', elements: 'ref' };
const MESSAGE = { name: 'shared-message', fields: { link: 'ref', writer: 'u32', number: 'u32', check: 'u32' }, elements: 'u32' };
const COUNTERS = { name: 'shared-counters', elements: 'u32' };

const seal = (writer, number) => (Math.imul(writer + 1, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0;

export function makeTable(heap, mutator, length) {
  heap.roots.slots[TABLE_ROOT] = mutator.allocate(heap.defineShape(TABLE), length);
}

export function makeCounters(heap, mutator, length) {
  heap.roots.slots[COUNTERS_ROOT] = mutator.allocate(heap.defineShape(COUNTERS), length);
}

/** A message is intact: nobody sees one that is half written or half moved. Answers the one it links to. */
function read(mutator, shape, ref) {
  const { u32 } = mutator;
  const slot = ref * 2;
  if (u32[slot] !== shape.id) throw new Error(`word ${ref} holds shape ${u32[slot]} instead of a message`);
  const count = u32[slot + 1];
  const writer = u32[slot + shape.field('writer').offset];
  const number = u32[slot + shape.field('number').offset];
  const check = u32[slot + shape.field('check').offset];
  if (check !== seal(writer, number)) throw new Error(`message ${writer}/${number} has the seal ${check}`);
  for (let i = 0; i < count; i++) {
    const element = u32[slot + shape.elementsOffset + i];
    if (element !== (check + i) >>> 0) throw new Error(`message ${writer}/${number}: element ${i} is ${element}`);
  }
  return mutator.getReference(slot + 2);
}

/**
 * Puts sealed messages into random places of the table, and reads those of others. Every table place that belongs to this thread
 * alone (place % threads === thread) must hold what it put there last.
 */
export function exchange(heap, mutator, { thread, threads, seed, running }) {
  const random = makeRandom(seed);
  const messages = heap.defineShape(MESSAGE);
  const table = heap.shape(TABLE.name);
  const { u32 } = mutator;
  const slots = heap.roots.slots;
  const length = u32[slots[TABLE_ROOT] * 2 + 1];
  const place = (index) => slots[TABLE_ROOT] * 2 + table.elementsOffset + index;
  const own = new Map();
  let written = 0;
  let reads = 0;
  for (; running(); written++) {
    const count = random.below(40);
    const ref = mutator.allocate(messages, count);
    const check = seal(thread, written);
    u32[ref * 2 + messages.field('writer').offset] = thread;
    u32[ref * 2 + messages.field('number').offset] = written;
    u32[ref * 2 + messages.field('check').offset] = check;
    for (let i = 0; i < count; i++) u32[ref * 2 + messages.elementsOffset + i] = check + i;
    const half = length >>> 1;
    if (random.chance(1, 3)) {
      const index = random.below(Math.floor(half / threads)) * threads + thread;
      mutator.setReference(place(index), ref);
      own.set(index, written);
    } else {
      // The shared half: a message may link to another thread's. Chains are cut, so that they do not grow for ever.
      const index = half + random.below(length - half);
      if (random.chance(3, 4)) mutator.setReference(ref * 2 + 2, mutator.getReference(place(index)));
      mutator.setReference(place(index), ref);
    }
    for (let i = 0; i < 4; i++) {
      let at = mutator.getReference(place(random.below(length)));
      for (let depth = 0; at !== 0 && depth < 8; depth++, reads++) at = read(mutator, messages, at);
    }
    mutator.poll();
  }
  for (const [index, number] of own) {
    const found = u32[mutator.getReference(place(index)) * 2 + messages.field('number').offset];
    if (found !== number) throw new Error(`place ${index} holds message ${found} instead of ${number}`);
  }
  return { written, reads };
}

/** Adds one to random counters, and makes garbage so that there is something to collect. */
export function increment(heap, mutator, { seed, running }) {
  const random = makeRandom(seed);
  const counters = heap.shape(COUNTERS.name);
  const garbage = heap.defineShape({ name: 'shared-garbage', elements: 'u8' });
  const { u32 } = mutator;
  const slots = heap.roots.slots;
  const length = u32[slots[COUNTERS_ROOT] * 2 + 1];
  let added = 0;
  while (running()) {
    for (let i = 0; i < 32; i++, added++) {
      Atomics.add(u32, slots[COUNTERS_ROOT] * 2 + counters.elementsOffset + random.below(length), 1);
    }
    mutator.allocate(garbage, random.below(200));
  }
  return { added };
}

/** The sum of all counters. No safepoint. */
export function sumOfCounters(heap, mutator) {
  const counters = heap.shape(COUNTERS.name);
  const first = heap.roots.slots[COUNTERS_ROOT] * 2;
  let sum = 0;
  for (let i = 0; i < mutator.u32[first + 1]; i++) sum += mutator.u32[first + counters.elementsOffset + i];
  return sum;
}
