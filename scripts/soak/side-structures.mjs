/**
 * Side structures: what a soak round has in a heap besides its random graph: tens of thousands of handles, root ranges, and byte arrays of
 * many megabytes. Each knows what it must find.
 */

/** A small object that knows what it is. */
export const TAG = { name: 'soak-tag', fields: { id: 'u32', check: 'u32' } };
const GIANT = { name: 'soak-giant', fields: { id: 'u32' }, elements: 'u8' };
const SAMPLE_EVERY = 4_093;
const STORM = 20_000;
const STORM_LEAST = 100;

const seal = (id) => (Math.imul(id, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;

export function makeTag(shape, mutator, id) {
  const ref = mutator.allocate(shape);
  mutator.u32[ref * 2 + shape.field('id').offset] = id;
  mutator.u32[ref * 2 + shape.field('check').offset] = seal(id);
  return ref;
}

export function expectTag(shape, mutator, ref, id, what) {
  const slot = ref * 2;
  const found = [mutator.u32[slot], mutator.u32[slot + shape.field('id').offset], mutator.u32[slot + shape.field('check').offset]];
  if (found[0] !== shape.id || found[1] !== id || found[2] !== seal(id)) {
    throw new Error(`${what}: word ${ref} holds shape ${found[0]}, id ${found[1]}, seal ${found[2]} instead of id ${id}`);
  }
}

/** Handles made, read and released in random order. */
export function stormRound(heap, mutator, random, most) {
  const shape = heap.defineShape(TAG);
  const count = Math.min(most, STORM_LEAST + random.below(random.chance(1, 8) ? STORM : STORM / 20));
  const live = [];
  try {
    for (let id = 0; id < count; id++) {
      live.push({ handle: mutator.handle(makeTag(shape, mutator, id)), id });
      if (!random.chance(1, 3)) continue;
      const at = random.below(live.length);
      const [gone] = live.splice(at, 1);
      expectTag(shape, mutator, mutator.get(gone.handle), gone.id, 'handle');
      mutator.release(gone.handle);
    }
    mutator.poll();
    for (const { handle, id } of live) expectTag(shape, mutator, mutator.get(handle), id, 'handle');
  } finally {
    for (const { handle } of live) mutator.release(handle);
  }
  return count;
}

/** A root range that grows and shrinks like a stack. */
export function rangeRound(heap, mutator, random, most) {
  const shape = heap.defineShape(TAG);
  const range = mutator.createRootRange(1 + random.below(3_000));
  const ids = [];
  let steps = Math.min(most, 2_000);
  try {
    while (steps-- > 0) {
      if (ids.length < range.slots.length && random.chance(3, 5)) {
        const id = random.below(2 ** 31);
        const ref = makeTag(shape, mutator, id);
        range.slots[ids.length] = ref;
        ids.push(id);
        range.used = ids.length;
      } else if (ids.length > 0) {
        expectTag(shape, mutator, range.slots[ids.length - 1], ids.pop(), 'root range');
        range.used = ids.length;
      }
    }
    mutator.poll();
    ids.forEach((id, index) => expectTag(shape, mutator, range.slots[index], id, 'root range'));
  } finally {
    range.release();
  }
  return 2_000;
}

/** Byte arrays, from one byte to a large part of the heap. */
export class Giants {
  #heap;
  #mutator;
  #random;
  #shape;
  #live = [];
  #bytes = 0;

  constructor(heap, mutator, random) {
    this.#heap = heap;
    this.#mutator = mutator;
    this.#random = random;
  }

  /** Makes one or lets one go; all together stay below `limitBytes`. */
  round(largestBytes, limitBytes) {
    this.#shape ??= this.#heap.defineShape(GIANT);
    const random = this.#random;
    const count = 1 + Math.floor(Math.min(largestBytes, limitBytes) * (random.below(1_000) / 1_000) ** 3);
    while (this.#live.length > 0 && this.#bytes + count > limitBytes) this.#release(random.below(this.#live.length));
    const id = random.next();
    const ref = this.#mutator.allocate(this.#shape, count);
    this.#mutator.u32[ref * 2 + this.#shape.field('id').offset] = id;
    this.#visit(ref, count, (index, i) => (this.#mutator.u8[index] = (id + i) & 255));
    this.#live.push({ handle: this.#mutator.handle(ref), count, id });
    this.#bytes += count;
    return 1;
  }

  compare() {
    for (const { handle, count, id } of this.#live) {
      const ref = this.#mutator.get(handle);
      const found = this.#mutator.u32[ref * 2 + this.#shape.field('id').offset];
      if (found !== id || this.#mutator.u32[ref * 2 + 1] !== count)
        throw new Error(`giant ${id} of ${count} bytes: ${found} is at word ${ref}`);
      this.#visit(ref, count, (index, i) => {
        const byte = this.#mutator.u8[index];
        if (byte !== ((id + i) & 255)) throw new Error(`giant ${id}: byte ${i} of ${count} is ${byte} instead of ${(id + i) & 255}`);
      });
    }
  }

  releaseHalf() {
    for (let left = Math.ceil(this.#live.length / 2); left > 0; left--) this.#release(0);
  }

  #release(at) {
    const [gone] = this.#live.splice(at, 1);
    this.#mutator.release(gone.handle);
    this.#bytes -= gone.count;
  }

  #visit(ref, count, visit) {
    const first = ref * 8 + this.#shape.elementsOffset;
    for (let i = 0; i < count; i += SAMPLE_EVERY) visit(first + i, i);
    visit(first + count - 1, count - 1);
  }
}
