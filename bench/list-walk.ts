/**
 * List walk: a million nodes, one after the other, by raw access and by a cursor, against the same walk over an Int32Array of the
 * same layout and over plain JavaScript objects. The arms are interleaved, and each is compared by its fastest walk.
 */
import { Heap } from 'faultline';

export interface ListWalkFigures {
  rawNs: number;
  int32ArrayNs: number;
  cursorNs: number;
  plainObjectsNs: number;
  /** Raw access against the Int32Array, and the cursor against plain objects. */
  rawRatio: number;
  cursorRatio: number;
}

type Slots = Uint32Array | Int32Array;

interface PlainNode {
  readonly next: PlainNode | null;
  readonly value: number;
}

/**
 * Each arm gets a function of its own, so that the compiler specializes each for its kind of array. The name makes the texts
 * different: V8 shares what it has learnt between functions of the same text.
 */
function rawWalk(name: string, references: Slots, values: Slots, next: number, value: number, first: () => number): () => number {
  const make = new Function(
    'references',
    'values',
    'next',
    'value',
    'first',
    `return function ${name}() {
      let sum = 0;
      for (let at = first(); at !== 0; at = references[at * 2 + next]) sum = (sum + values[at * 2 + value]) | 0;
      return sum;
    };`,
  ) as (...parameters: unknown[]) => () => number;
  return make(references, values, next, value, first);
}

/** Calls of each arm on a short list first, so that what is timed is compiled from its beginning, not in the middle of a loop. */
const WARM_UPS = 5_000;
const SHORT_NODES = 100;

export async function measureListWalk(nodes: number, walks: number): Promise<ListWalkFigures> {
  const heap = Heap.create({ capacityBytes: Math.max(2 ** 24, nodes * 128) });
  const mutator = heap.attachMutator();
  const Node = heap.defineShape({ name: 'node', fields: { next: 'self', value: 'i32' } });
  const { i32, u32 } = mutator;
  const { next, value } = Node.offsets;
  const list = mutator.handle(0);
  const short = mutator.handle(0);
  const array = new Int32Array(4 * (nodes + 1));
  let plain: PlainNode | null = null;
  let shortPlain: PlainNode | null = null;
  for (let i = 0; i < nodes; i++) {
    const made = mutator.allocate(Node);
    i32[made * 2 + value] = i & 1023;
    u32[made * 2 + next] = mutator.get(list);
    mutator.set(list, made);
    array[2 * (2 * (i + 1)) + value] = i & 1023;
    array[2 * (2 * (i + 1)) + next] = 2 * i;
    plain = { next: plain, value: i & 1023 };
    if (i + 1 !== SHORT_NODES) continue;
    mutator.set(short, made);
    shortPlain = plain;
  }
  mutator.collect({ kind: 'full' });
  const cursor = heap.cursor(Node);
  let isShort = true;
  const arms = {
    raw: rawWalk('raw', u32, i32, next, value, () => mutator.get(isShort ? short : list)),
    int32Array: rawWalk('int32Array', array, array, next, value, () => 2 * (isShort ? SHORT_NODES : nodes)),
    cursor: () => {
      let sum = 0;
      cursor.moveTo(mutator.get(isShort ? short : list));
      do sum = (sum + cursor.value) | 0;
      while (cursor.follow('next'));
      return sum;
    },
    plainObjects: () => {
      let sum = 0;
      for (let at = isShort ? shortPlain : plain; at !== null; at = at.next) sum = (sum + at.value) | 0;
      return sum;
    },
  };
  const names = Object.keys(arms) as (keyof typeof arms)[];
  for (const name of names) for (let i = 0; i < WARM_UPS; i++) arms[name]();
  isShort = false;
  const best: Record<keyof typeof arms, number> = { raw: Infinity, int32Array: Infinity, cursor: Infinity, plainObjects: Infinity };
  const expected = arms.int32Array();
  for (let walk = 0; walk < walks; walk++) {
    for (const name of walk % 2 === 0 ? names : names.toReversed()) {
      const begin = performance.now();
      const sum = arms[name]();
      best[name] = Math.min(best[name], ((performance.now() - begin) * 1e6) / nodes);
      if (sum !== expected) throw new Error(`the walk by ${name} found ${sum}, not ${expected}`);
    }
  }
  mutator.detach();
  await heap.close();
  return {
    rawNs: best.raw,
    int32ArrayNs: best.int32Array,
    cursorNs: best.cursor,
    plainObjectsNs: best.plainObjects,
    rawRatio: best.raw / best.int32Array,
    cursorRatio: best.cursor / best.plainObjects,
  };
}
