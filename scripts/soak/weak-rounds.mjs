/**
 * Weak rounds: weak references, a weak map and finalizers, each round on objects of its own. A live object that is missing or has
 * changed, and a held value that comes with the wrong object, are exceptions. A death may be noticed late.
 */
import { expectTag, makeTag, TAG } from './side-structures.mjs';

const MOST = 300;
/** Tokens are the ids of tags; those of other tests of this heap are not. */
const TOKENS = 2 ** 20;

/** Objects that are held or let go, each with a weak reference and an entry of a weak map whose value is another object. */
export function weakRound(heap, mutator, random, most, collects) {
  const shape = heap.defineShape(TAG);
  const { weakMaps, weakReferences } = mutator;
  const count = Math.min(most, 10 + random.below(MOST));
  const handles = [];
  const take = (ref) => handles[handles.push(mutator.handle(ref)) - 1];
  try {
    const map = take(weakMaps.allocate());
    const objects = [];
    for (let id = 0; id < count; id++) {
      const held = mutator.handle(makeTag(shape, mutator, id));
      handles.push(held);
      const reference = take(weakReferences.allocate(mutator.get(held)));
      const value = makeTag(shape, mutator, id + count);
      weakMaps.set(mutator.get(map), mutator.get(held), value);
      objects.push({ id, held, reference });
    }
    for (const object of objects) {
      if (random.chance(1, 2)) continue;
      mutator.set(object.held, 0);
      object.lost = true;
    }
    if (collects) mutator.collect({ kind: random.pick(['mark', 'compact', 'full']) });
    else for (let i = 0; i < count; i++) makeTag(shape, mutator, i);
    for (const { id, held, reference, lost } of objects) {
      const found = weakReferences.get(mutator.get(reference));
      if (found !== 0) expectTag(shape, mutator, found, id, 'weak reference');
      if (lost) {
        if (found !== 0 && collects && mutator.get(held) !== 0) throw new Error(`weak reference ${id}: its handle is not empty`);
        continue;
      }
      if (found !== mutator.get(held)) throw new Error(`weak reference ${id}: ${found} instead of ${mutator.get(held)}`);
      const value = weakMaps.get(mutator.get(map), mutator.get(held));
      if (value === 0) throw new Error(`weak map: the entry of ${id} is gone`);
      expectTag(shape, mutator, value, id + count, 'value of a weak map');
      if (random.chance(1, 4) && !weakMaps.delete(mutator.get(map), mutator.get(held)))
        throw new Error(`weak map: no entry of ${id} to delete`);
    }
    return count * 4;
  } finally {
    for (const handle of handles) mutator.release(handle);
  }
}

/** Registers some objects that die at once, and takes those of whatever thread. */
export function finalizerRound(heap, mutator, random, most) {
  const shape = heap.defineShape(TAG);
  for (let i = Math.min(most, random.below(20)); i > 0; i--) {
    const id = random.below(TOKENS);
    mutator.finalizeLater(makeTag(shape, mutator, id), id);
  }
  let taken = 0;
  // All that there are: one that nobody takes keeps its object alive.
  for (let each = mutator.takeFinalizable(); each !== null; each = mutator.takeFinalizable()) {
    taken++;
    try {
      expectTag(shape, mutator, mutator.get(each.handle), each.heldValue, 'object of a held value');
    } finally {
      mutator.release(each.handle);
    }
  }
  return 20 + taken;
}
