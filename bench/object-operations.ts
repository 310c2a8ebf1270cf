/**
 * Operations of the objects level, each against the same in plain JavaScript in the same run: what a program pays for a view. In
 * scopes, as a program that makes many would do it.
 */
import { median } from 'simple-statistics';
import { Heap, type Mutator } from 'faultline';

/** Medians, in nanoseconds. */
export interface OperationFigures {
  operation: string;
  ns: number;
  /** What it is held against; undefined when JavaScript has nothing of the kind. */
  plain: string | undefined;
  plainNs: number | undefined;
}

/** One operation on the heap, and the same in plain JavaScript, if there is such a thing. */
export interface Arms {
  heap: (i: number) => unknown;
  plain?: (i: number) => unknown;
  /** What `plain` is, in a word or two; the same by default. */
  against?: string;
}

const TURN = 2_000;
/** Turns before the first that counts. */
const WARM_UP = 30;

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
  const cursor = heap.cursor(Point, point);
  let step = plain;
  const texts = Array.from({ length: 16 }, (_, i) => `text ${i}`);
  const known = new Map(texts.map((text, i) => [text, i]));

  const operations: Record<string, Arms> = {
    'load and store of a field, raw': { heap: (i) => (f64[at + x] = f64[at + x]! + i), plain: (i) => (plain.x += i) },
    'load and store of a field, view': { heap: (i) => (point.x += i), plain: (i) => (plain.x += i) },
    'store of a reference': { heap: () => (point.to = point), plain: () => (plain.to = plain) },
    'load of a reference (a view)': { heap: () => point.to, plain: () => plain.to },
    'load and store of an element': {
      heap: (i) => elements.set(i & 15, elements.get((i + 1) & 15) + 1),
      plain: (i) => (plain.elements[i & 15] = plain.elements[(i + 1) & 15]! + 1),
    },
    'cursor step': { heap: () => cursor.follow('to'), plain: () => (step = step.to as typeof plain), against: 'a load' },
    'a new object': {
      heap: (i) => heap.create(Point, { x: i, y: 1 }, 2),
      plain: (i) => (kept[i & 15] = { x: i, y: 1, to: null, name: null, elements: [0, 0] }),
    },
    'load of a short string (a copy)': { heap: () => point.name, plain: () => plain.name },
    'store of a short string (a new one)': { heap: (i) => (point.name = texts[i & 15]!), plain: (i) => (plain.name = texts[i & 15]!) },
    'a new short string': { heap: (i) => heap.string(texts[i & 15]!), plain: (i) => texts[i & 15] },
    'interning a known text': { heap: () => heap.intern('a point'), plain: (i) => known.get(texts[i & 15]!), against: 'Map.get' },
    'a view for a raw reference': { heap: () => heap.view(point.ref) },
    'offer and redeem of a token': { heap: () => heap.redeem(heap.offer(point)) },
  };
  const figures = compare(mutator, operations, turns);
  mutator.detach();
  await heap.close();
  return figures;
}

/** The median of many turns of each arm, the two in turns. */
export function compare(mutator: Mutator, operations: Readonly<Record<string, Arms>>, turns: number): OperationFigures[] {
  return Object.entries(operations).map(([operation, { heap, plain, against }]) => {
    const [heapNs, plainNs]: [number[], number[]] = [[], []];
    const loops = { heap: loopOver(heap), plain: plain === undefined ? undefined : loopOver(plain) };
    for (let turn = 0; turn < turns + WARM_UP; turn++) {
      const [ours, theirs] = [turnOf(mutator, loops.heap), loops.plain === undefined ? 0 : turnOf(mutator, loops.plain)];
      if (turn < WARM_UP) continue;
      heapNs.push(ours);
      plainNs.push(theirs);
    }
    const figures = { operation, ns: median(heapNs) };
    if (plain === undefined) return { ...figures, plain: undefined, plainNs: undefined };
    return { ...figures, plain: against ?? 'the same', plainNs: median(plainNs) };
  });
}

/** A loop of its own for each arm, so that V8 sees one function called in it, as in a program. */
function loopOver(run: (i: number) => unknown): (count: number) => unknown {
  const make = new Function('run', 'return (count) => { let last; for (let i = 0; i < count; i++) last = run(i); return last; }');
  return (make as (run: unknown) => (count: number) => unknown)(run);
}

/**
 * Nanoseconds an operation. In a scope; the reference of a raw arm stays valid in it, since no arm that allocates runs between its loads.
 */
function turnOf(mutator: Mutator, loop: (count: number) => unknown): number {
  const begin = performance.now();
  mutator.scope(() => loop(TURN));
  return ((performance.now() - begin) * 1e6) / TURN;
}
