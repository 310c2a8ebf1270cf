/**
 * Views and cursors of references that are not plain: tagged fields and elements (a small integer or a reference), and elements that hold
 * their objects weakly.
 */
import { describe, expect, it } from 'vitest';
import { array, definition, type Heap, MAX_SMALL_INTEGER, MIN_SMALL_INTEGER, type Mutator, type ObjectView } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MARKERS, MODES, pairs, rounds } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { code, LEAF } from './support.ts';

const INTEGERS = [0, -0, 1, -1, 1000, MAX_SMALL_INTEGER, MIN_SMALL_INTEGER];
const NO_INTEGERS = [MAX_SMALL_INTEGER + 1, MIN_SMALL_INTEGER - 1, 0.5, NaN, Infinity];
const CELL = definition({ name: 'cell', fields: { mixed: 'tagged', next: 'self', pair: array('tagged', 2) }, elements: 'tagged' });
const TABLE = definition({ name: 'table', fields: { number: 'u32' }, elements: 'weak' });

const configurations = pairs(MODES, MARKERS);

describe.each(configurations)('a tagged place in mode %s with marker %s', (fault, marker) => {
  it.each([false, true])(
    'reads as the integer, the object or null that was stored, wherever the objects have moved (checked %s)',
    (checked) => {
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, marker, barrieredStores: true, checked });
      const Leaf = heap.defineShape(LEAF);
      const cell = heap.create(heap.defineShape(CELL), {}, 3);
      const places: [get: () => number | ObjectView | null, set: (value: number | ObjectView | null) => void][] = [
        [() => cell.mixed, (value) => (cell.mixed = value)],
        [() => cell.elements.get(2), (value) => cell.elements.set(2, value)],
        [() => cell.pair.get(1), (value) => cell.pair.set(1, value)],
      ];
      for (const [get, set] of places) {
        expect(get()).toBe(null);
        for (const value of INTEGERS) {
          set(value);
          mutator.collect();
          // There is one zero.
          expect(get()).toBe(value === 0 ? 0 : value);
        }
        mutator.scope(() => set(heap.create(Leaf, { number: 77 })));
        // Under checks everything moves at each allocation.
        for (let i = 0; i < (checked ? 30 : 2_000); i++) mutator.allocate(Leaf);
        mutator.collect({ kind: 'full' });
        mutator.scope(() => expect((get() as unknown as { number: number }).number).toBe(77));
        set(null);
        expect(get()).toBe(null);
      }
    },
  );
});

describe('a tagged place', () => {
  const cellHeap = (checked = false) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw', checked });
    return { heap, mutator, Cell: heap.defineShape(CELL) };
  };

  it.each([false, true])('refuses what is no small integer, no view and not null, and keeps what it had (checked %s)', (checked) => {
    const { heap, Cell } = cellHeap(checked);
    const cell = heap.create(Cell, { mixed: 5 }, [6]);
    for (const value of NO_INTEGERS) {
      expect(() => (cell.mixed = value)).toThrow(code('ERR_OPTION'));
      expect(() => cell.elements.set(0, value)).toThrow(code('ERR_OPTION'));
    }
    for (const value of [undefined, '5', 5n, true, {}]) expect(() => (cell.mixed = value as never)).toThrow(code('ERR_OPTION'));
    expect([cell.mixed, cell.elements.get(0)]).toEqual([5, 6]);
  });

  it('takes initial values, and its elements are copied one by one', () => {
    const { heap, mutator, Cell } = cellHeap();
    const other = heap.create(Cell);
    const cell = heap.create(Cell, { mixed: other, pair: [1, null] }, [-3, other, null]);
    mutator.collect({ kind: 'full' });
    expect(other.isSame(cell.mixed as ObjectView)).toBe(true);
    expect(cell.pair.toArray()).toEqual([1, null]);
    const copied = heap.create(Cell, {}, 4);
    copied.elements.copyFrom(cell.elements.toArray(), 1);
    mutator.collect({ kind: 'full' });
    expect([copied.elements.get(0), copied.elements.get(1), copied.elements.get(3)]).toEqual([null, -3, null]);
    expect(other.isSame(copied.elements.get(2) as ObjectView)).toBe(true);
  });

  it('is read by a cursor, which does not step along it', () => {
    const { heap, Cell } = cellHeap();
    const last = heap.create(Cell, { mixed: 3 });
    const first = heap.create(Cell, { mixed: last, next: last }, [last]);
    const cursor = heap.cursor(Cell, first);
    // @ts-expect-error it may hold an integer
    expect(() => cursor.follow('mixed')).toThrow(code('ERR_OPTION'));
    expect(() => cursor.followElement(0)).toThrow(code('ERR_OPTION'));
    expect(cursor.isSame(first)).toBe(true);
    cursor.moveTo(cursor.mixed as typeof last);
    expect(cursor.mixed).toBe(3);
    cursor.mixed = -4;
    expect(last.mixed).toBe(-4);
    cursor.moveTo(null);
    expect(() => cursor.mixed).toThrow(code('ERR_NULL_REFERENCE'));
  });
});

/** Fills a table with new leaves, of which every one is held that `isHeld` says. */
function fillTable(heap: Heap, mutator: Mutator, count: number, isHeld: (index: number) => boolean) {
  const Leaf = heap.defineShape(LEAF);
  const table = heap.create(heap.defineShape(TABLE), { number: count }, count);
  const held = new Map<number, ObjectView>();
  for (let i = 0; i < count; i++) {
    mutator.scope(() => {
      const leaf = heap.create(Leaf, { number: i });
      table.elements.set(i, leaf);
      if (isHeld(i)) held.set(i, leaf.keep());
    });
  }
  return { Leaf, table, held };
}

describe.each(configurations)('a weak element in mode %s with marker %s', (fault, marker) => {
  it.each([false, true])('reads as the object while something else holds it, and as null ever after (checked %s)', (checked) => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault, marker, barrieredStores: true, checked });
    const count = checked ? 150 : 1_000;
    const { table, held } = fillTable(heap, mutator, count, (i) => i % 3 === 0);
    mutator.collect({ kind: 'full' });
    const expectTable = (): void => {
      for (let i = 0; i < count; i++) {
        mutator.scope(() => {
          const found = table.elements.get(i) as unknown as { number: number } | null;
          expect(found?.number, `element ${i}`).toBe(held.has(i) ? i : undefined);
        });
      }
    };
    expectTable();
    for (const [i, view] of held) {
      if (i % 2 !== 0) continue;
      view.release();
      held.delete(i);
    }
    mutator.collect({ kind: 'full' });
    expectTable();
    expect(table.number).toBe(count);
  });
});

describe('a weak element', () => {
  it.each([false, true])(
    'brings nobody back while threads allocate and collections follow one another, at random (checked %s)',
    async (checked) => {
      const seed = seedOfTest();
      const random = makeRandom(seed);
      const heap = makeHeap({ capacityBytes: '8M', checked, delaySeed: seed });
      const mutator = heap.attachMutator();
      const { Leaf, table, held } = fillTable(heap, mutator, 500, () => random.chance(1, 2));
      let over = false;
      const collections = (async () => {
        while (!over) await heap.collect({ kind: 'full' });
      })();
      /** What has been seen dead once. */
      const dead = new Set<number>();
      for (let step = 0; step < rounds(20_000, checked ? 120 : 20_000); step++) {
        const i = random.below(500);
        mutator.scope(() => {
          const found = table.elements.get(i) as unknown as { number: number } | null;
          if (held.has(i)) expect(found?.number, `seed ${seed}, step ${step}`).toBe(i);
          if (dead.has(i)) expect(found, `seed ${seed}, step ${step}`).toBe(null);
          if (found === null) dead.add(i);
          else if (random.chance(1, 20) && held.has(i)) held.get(i)!.release(), held.delete(i);
          else if (random.chance(1, 20)) held.set(i, heap.view(found ? (found as unknown as ObjectView).ref : 0)!.keep());
          for (let n = 0; n < 10; n++) mutator.allocate(Leaf);
        });
        if (step % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      over = true;
      await collections;
      expect(dead.size).toBeGreaterThan(0);
    },
    60_000,
  );

  it('keeps alive by the view that it was read as, until that is released', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const { table, held } = fillTable(heap, mutator, 1, () => true);
    const found = table.elements.get(0)!;
    held.get(0)!.release();
    mutator.collect({ kind: 'full' });
    expect((table.elements.get(0) as unknown as { number: number }).number).toBe(0);
    found.release();
    const cleared = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const other = fillTable(cleared.heap, cleared.mutator, 1, () => false);
    cleared.mutator.collect({ kind: 'full' });
    expect(other.table.elements.get(0)).toBe(null);
  });

  it('is stored, emptied, iterated and copied like other elements', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const { Leaf, table, held } = fillTable(heap, mutator, 3, () => true);
    table.elements.set(1, null);
    expect([...table.elements].map((leaf) => (leaf as unknown as { number: number } | null)?.number)).toEqual([0, undefined, 2]);
    const copy = heap.create(heap.defineShape(TABLE), {}, table.elements.toArray());
    mutator.collect({ kind: 'full' });
    expect(held.get(2)!.isSame(copy.elements.get(2))).toBe(true);
    expect(() => table.elements.set(0, 5 as never)).toThrow(code('ERR_OPTION'));
    expect(() => table.elements.get(3)).toThrow(code('ERR_OPTION'));
    const cursor = heap.cursor(heap.defineShape(TABLE), table);
    expect(() => cursor.followElement(0)).toThrow(code('ERR_OPTION'));
    expect((cursor.elements.get(2) as unknown as { number: number }).number).toBe(2);
    expect(Leaf.name).toBe('leaf');
  });

  it('stays empty when a finalizer brings the object back', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'stw' });
    const { table, held } = fillTable(heap, mutator, 1, () => true);
    mutator.finalizeLater(held.get(0)!.ref, 9);
    held.get(0)!.release();
    mutator.collect({ kind: 'full' });
    const { value } = await heap.finalizable().next();
    expect(value.heldValue).toBe(9);
    expect((heap.view(mutator.get(value.handle)) as unknown as { number: number }).number).toBe(0);
    expect(table.elements.get(0)).toBe(null);
  });
});
