/**
 * Container subjects: where a test with several threads keeps its containers, and what goes into them. Written in JavaScript because
 * worker threads load it as it is.
 */
/** Which shared root slot holds what. */
export const SUBJECT_ROOT = 0;
export const LOCK_ROOT = 1;
export const CONDITION_ROOT = 2;
/** An array of objects that are keys. */
export const KEYS_ROOT = 3;

const GARBAGE = { name: 'garbage of containers', elements: 'u8' };
export const BOX = { name: 'box', fields: { number: 'f64' } };

/** Values are told apart over all threads, and in the order in which a thread made them. */
const PER_THREAD = 2 ** 32;
export const valueOf = (thread, number) => thread * PER_THREAD + number;
export const threadOf = (value) => Math.floor(value / PER_THREAD);

/** A view of the container in that root slot. */
export const at = (heap, root) => heap.view(heap.roots.slots[root]);

/** Garbage, so that there is something to collect. */
export function litter(heap, mutator, random) {
  const shape = heap.defineShape(GARBAGE);
  for (let i = 0; i < 4; i++) mutator.allocate(shape, random.below(300));
}

/** How values go into a container of that kind and come out of it. */
export function coder(heap, kind) {
  if (kind === 'f64') return { encode: (value) => value, decode: (value) => value };
  if (kind === 'string') return { encode: String, decode: Number };
  const box = heap.defineShape(BOX);
  return { encode: (number) => heap.create(box, { number }), decode: (view) => view.number };
}
