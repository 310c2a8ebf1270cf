/**
 * Plain objects as objects of the heap, and out again.
 */
import { describe, expect, it } from 'vitest';
import { array, definition, type Heap, type Mutator, ref, type Shape } from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';
import { code } from './support.ts';

const PLACE = definition({ name: 'place', fields: { x: 'f32', y: 'f32' } });
const CITY = definition({
  name: 'city',
  fields: {
    name: 'string',
    at: ref(PLACE),
    twin: 'self',
    any: 'ref',
    visits: 'i64',
    mixed: 'tagged',
    capital: 'bool',
    sizes: array('u16', 3),
    around: array(ref(PLACE), 2),
  },
  elements: 'self',
});

function make(options = {}): { heap: Heap; mutator: Mutator; City: Shape<typeof CITY> } {
  const heap = makeHeap({ capacityBytes: '4M', fault: 'stw', workers: 0, ...options });
  const mutator = heap.attachMutator({ handleCapacity: 64 });
  heap.defineShape(PLACE);
  return { heap, mutator, City: heap.defineShape(CITY) };
}

const BERGEN = { name: 'Bergen', at: { x: 60.5, y: 5.25 }, sizes: [1, 2, 3], visits: 3n ** 30n, capital: false };

describe.each([{ checked: false }, { checked: true }, { marker: 'satb' }, { stressEvery: 256 }])('in a heap with %o', (options) => {
  it('what was copied in is copied out the same', () => {
    const { heap, City } = make(options);
    const around = [{ x: 1, y: 2 }, null];
    const oslo = { ...BERGEN, name: 'Oslo', twin: BERGEN, any: 'a text', mixed: -9, capital: true, around, elements: [BERGEN, null] };
    const { name, at, twin, any, visits, mixed, capital, sizes, ...runs } = heap.fromObject(City, oslo).toObject();
    expect({ name, at, any, visits, mixed, capital, sizes }).toEqual({
      name: 'Oslo',
      at: { x: 60.5, y: 5.25 },
      any: 'a text',
      visits: 3n ** 30n,
      mixed: -9,
      capital: true,
      sizes: [1, 2, 3],
    });
    expect(twin).toMatchObject(BERGEN);
    expect(runs.elements).toEqual([twin, null]);
    expect(runs.around).toEqual(around);
  });

  it('what is shared or circular is so in the heap', () => {
    const { heap, City } = make(options);
    const bergen: Record<string, unknown> = { ...BERGEN };
    bergen['twin'] = { name: 'Oslo', twin: bergen, elements: [bergen, bergen] };
    const made = heap.fromObject(City, bergen);
    const twin = made.twin!;
    expect([twin.twin!.isSame(made), twin.elements.get(1)!.isSame(made)]).toEqual([true, true]);
  });
});

describe('copying in', () => {
  it('takes views of this heap wherever a reference is', () => {
    const { heap, City } = make();
    const oslo = heap.create(City, { name: 'Oslo' });
    const made = heap.fromObject(City, { twin: oslo, any: oslo, mixed: oslo, elements: [oslo] });
    for (const it of [made.twin, made.any, made.mixed, made.elements.get(0)]) expect(oslo.isSame(it as typeof oslo)).toBe(true);
  });

  it('needs no handle and no room on the stack for each object', () => {
    const { heap, mutator } = make({ capacityBytes: '16M' });
    const Node = heap.defineShape({ name: 'list node', fields: { next: 'self', number: 'u32' } });
    let list: { next: unknown; number: number } | null = null;
    for (let number = 0; number < 50_000; number++) list = { next: list, number };
    const at: any = mutator.scope(() => heap.fromObject(Node, list as any).keep());
    mutator.collect({ kind: 'full' });
    const cursor = heap.cursor(Node, at);
    let length = 1;
    while (cursor.follow('next')) length++;
    expect([length, cursor.isNull]).toEqual([50_000, true]);
    at.release();
    cursor.release();
    // What was copied is kept alive by nothing else.
    mutator.collect({ kind: 'full' });
    expect(heap.statistics().liveBytes).toBeLessThan(100_000);
  });

  it('reads JSON as JSON.stringify has written it', () => {
    const { heap, City } = make();
    const first = heap.fromObject(City, { ...BERGEN, twin: { name: 'Oslo', visits: 7 } });
    const second = heap.fromJSON(City, JSON.stringify(first));
    expect(second.toObject()).toEqual(first.toObject());
    expect(() => heap.fromJSON(City, '{')).toThrow(code('ERR_OPTION'));
  });

  it('refuses what does not fit, and has made nothing then', async () => {
    const { heap, City } = make({ checked: true });
    const wrong: Record<string, unknown> = {
      'an unknown field': { nmae: 'Oslo' },
      'one further away': { twin: { twin: { nmae: 'Oslo' } } },
      'a text that is none': { name: 5 },
      'an object of no known shape': { any: {} },
      'an array for an object': { twin: [] },
      'too many elements of an array field': { sizes: [1, 2, 3, 4] },
      'a number that does not fit': { sizes: [70_000] },
      'no 64-bit integer': { visits: 0.5 },
      'an array that is none': { elements: 3 },
      'a map': { twin: new Map([['a', 1]]), any: heap },
    };
    for (const [what, value] of Object.entries(wrong)) {
      expect(() => heap.fromObject(City, value as any), what).toThrow(code('ERR_OPTION'));
    }
    const shared = {};
    expect(() => heap.fromObject(City, { twin: shared, at: shared })).toThrow(/elsewhere/);
    expect(() => heap.fromObject(heap.createMap('f64', 'f64').shape as any, {})).toThrow(code('ERR_OPTION'));
    await heap.collect({ kind: 'full' });
    expect(await heap.verify()).toBeLessThan(3);
  });

  it('runs the getters of a program before it makes anything', () => {
    const { heap, mutator, City } = make({ stressEvery: 256 });
    const value = {
      get name() {
        mutator.collect({ kind: 'full' });
        return 'Oslo';
      },
      twin: {
        get name() {
          return heap.fromObject(City, { name: 'Bergen' }).name;
        },
      },
    };
    const { name, twin } = heap.fromObject(City, value);
    expect([name, twin!.name]).toEqual(['Oslo', 'Bergen']);
  });
});
