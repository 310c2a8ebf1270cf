/**
 * Operations of the objects level, each against the same in plain JavaScript in the same run: what a program pays for a view. In
 * scopes, as a program that makes many would do it.
 */
import { Heap, type Mutator } from 'faultline';

export interface OperationFigures {
  operation: string;
  ns: number;
  plainNs: number;
}

/** One turn's work on the heap, and the same in plain JavaScript. */
export interface Arms {
  heap: (i: number) => unknown;
  plain: (i: number) => unknown;
}

const TURN = 2_000;

export async function measureObjectOperations(turns: number): Promise<OperationFigures[]> {
  const heap = Heap.create({ capacityBytes: '64M' });
  const mutator = heap.attachMutator();
  const Point = heap.defineShape({ name: 'point', fields: { x: 'f64', y: 'f64', to: 'self', name: 'string' }, elements: 'u32' });
  const point = heap.create(Point, { name: 'a point' }, 16);
  point.to = point;
  const { elements } = point;
  const { f64 } = mutator;
  const { x } = Point.offsets;
  const plain = { x: 0, y: 0, to: null as unknown, name: 'a point', elements: new Uint32Array(16) };
  plain.to = plain;
  const kept: unknown[] = new Array(16).fill(null);
  const at = point.ref;

  const operations: Record<string, Arms> = {
    'raw load and store of a field': { heap: (i) => (f64[at + x] = f64[at + x]! + i), plain: (i) => (plain.x += i) },
    'load and store of a field': { heap: (i) => (point.x += i), plain: (i) => (plain.x += i) },
    'store of a reference': { heap: () => (point.to = point), plain: () => (plain.to = plain) },
    'load of a reference (a view)': { heap: () => point.to, plain: () => plain.to },
    'load and store of an element': {
      heap: (i) => elements.set(i & 15, elements.get((i + 1) & 15) + 1),
      plain: (i) => (plain.elements[i & 15] = plain.elements[(i + 1) & 15]! + 1),
    },
    'a new object': {
      heap: (i) => heap.create(Point, { x: i, y: 1 }, 2),
      plain: (i) => (kept[i & 15] = { x: i, y: 1, to: null, name: null, elements: [0, 0] }),
    },
    'load of a short string': { heap: () => point.name, plain: () => plain.name },
    'interning a known text': { heap: () => heap.intern('a point'), plain: () => plain.name === 'a point' },
  };
  const figures = compare(mutator, operations, turns);
  mutator.detach();
  await heap.close();
  return figures;
}

/** The best of many turns of each arm, one after the other. */
export function compare(mutator: Mutator, operations: Readonly<Record<string, Arms>>, turns: number): OperationFigures[] {
  return Object.entries(operations).map(([operation, arms]) => {
    const best = { heap: Infinity, plain: Infinity };
    for (let turn = 0; turn < turns; turn++) {
      for (const arm of ['heap', 'plain'] as const) {
        const run = arms[arm];
        // The reference of a raw arm stays valid: no arm that allocates runs between its loads.
        const begin = performance.now();
        mutator.scope(() => {
          for (let i = 0; i < TURN; i++) run(i);
        });
        best[arm] = Math.min(best[arm], ((performance.now() - begin) * 1e6) / TURN);
      }
    }
    return { operation, ns: best.heap, plainNs: best.plain };
  });
}
