/**
 * The integrity matrix of the objects level: every public operation on views, cursors, elements, strings and tokens × {idle, while
 * marking runs, while compaction runs, closed heap, detached mutator, foreign object}. Each either works or fails with its code.
 */
import { describe, expect, it } from 'vitest';
import {
  type Cursor, type Elements, type HandleToken, type Heap, type HeapString, type Mutator, type ObjectView, type Shape, type View,
} from '../support/faultline.ts';
import { makeHeap } from '../support/heaps.ts';
import { CONCURRENT_MODES, MODES } from '../support/modes.ts';

const NODE = {
  name: 'node',
  fields: { next: 'self', any: 'ref', text: 'string', number: 'u32', wide: 'i64', bits: { array: 'u8', length: 4 } },
  elements: 'ref',
} as const;
type Node = typeof NODE;

interface Subject {
  heap: Heap;
  mutator: Mutator;
  shape: Shape<Node>;
  node: View<Node>;
  cursor: Cursor<Node>;
  elements: Elements<ObjectView | null>;
  bits: Elements<number>;
  string: HeapString;
  token: HandleToken;
}

type Outcome = 'works' | `ERR_${string}`;
interface Operation {
  /** `other` is another subject, of the same heap or a foreign one. */
  readonly run: (subject: Subject, other: Subject) => unknown;
  readonly closed: Outcome;
  readonly detached: Outcome;
  /** With `other` of another heap; `works` when the operation has no second object. */
  readonly foreign: Outcome;
}

const DETACHED = 'ERR_MUTATOR_DETACHED';
const FOREIGN = 'ERR_FOREIGN_REFERENCE';
const CLOSED = 'ERR_HEAP_CLOSED';

/** An operation on a view: it needs an attached mutator, and takes nothing from elsewhere. */
const own = (run: Operation['run']): Operation => ({ run, closed: DETACHED, detached: DETACHED, foreign: 'works' });
/** One that takes a second object. */
const taking = (run: Operation['run']): Operation => ({ ...own(run), foreign: FOREIGN });
/** One of the heap. */
const ofHeap = (run: Operation['run']): Operation => ({ ...own(run), closed: CLOSED });
const always = (run: Operation['run']): Operation => ({ run, closed: 'works', detached: 'works', foreign: 'works' });

const OPERATIONS: Record<string, Operation> = {
  'heap.create': ofHeap(({ heap, shape }) => heap.create(shape, { number: 1, text: 'new' }, 3).release()),
  'heap.create, with a view': { ...ofHeap(({ heap, shape }, { node }) => heap.create(shape, { next: node }).release()), foreign: FOREIGN },
  'heap.create, with a shape': { ...ofHeap(({ heap }, { shape }) => heap.create(shape).release()), foreign: 'ERR_SHAPE_UNKNOWN' },
  'heap.cursor': ofHeap(({ heap, shape }) => heap.cursor(shape).release()),
  'heap.cursor, at a view': { ...ofHeap(({ heap, shape }, { node }) => heap.cursor(shape, node).release()), foreign: FOREIGN },
  'heap.view': ofHeap(({ heap, mutator, node }) => heap.view(mutator.attached ? node.ref : 0)?.release()),
  'heap.string': ofHeap(({ heap }) => heap.string('text').release()),
  'heap.intern': ofHeap(({ heap }) => heap.intern('text').release()),
  'heap.dropInterned': ofHeap(({ heap }) => heap.dropInterned('nothing')),
  'heap.offer, withdraw': { ...ofHeap(({ heap }, { node }) => heap.withdraw(heap.offer(node))), foreign: FOREIGN },
  'heap.redeem': {
    ...ofHeap(({ heap }, other) => {
      const view = heap.redeem(other.token) as unknown as View<Node>;
      other.token = heap.offer(view);
      view.release();
    }),
    foreign: FOREIGN,
  },
  'view.number': own(({ node }) => node.number),
  'view.number =': own(({ node }) => (node.number = 5)),
  'view.wide': own(({ node }) => (node.wide = node.wide + 1n)),
  'view.text': own(({ node }) => node.text),
  'view.text =': own(({ node }) => (node.text = 'other text')),
  'view.next': own(({ node }) => node.next!.release()),
  'view.next =': taking(({ node }, { node: to }) => (node.next = to)),
  'view.any': own(({ node }) => node.any?.release()),
  'view.any =': taking(({ node }, { string }) => (node.any = string)),
  'view.bits': own(({ bits }) => bits.set(1, bits.get(0) + 1)),
  'view.ref': own(({ node }) => node.ref),
  'view.shape': always(({ node }) => node.shape.name),
  'view.isSame': taking(({ node }, { node: to }) => node.isSame(to)),
  'view.released': always(({ node }) => node.released),
  'view.keep': always(({ node }) => node.keep()),
  'elements.length': own(({ elements }) => elements.length),
  'elements.get': own(({ elements }) => elements.get(0)?.release()),
  'elements.set': taking(({ elements }, { node }) => elements.set(1, node)),
  'elements, in order': own(({ elements }) => {
    for (const it of elements) it?.release();
  }),
  'elements.toArray': own(({ bits }) => bits.toArray()),
  'elements.copyTo': own(({ bits }) => bits.copyTo(new Uint8Array(4))),
  'elements.copyFrom': own(({ bits }) => bits.copyFrom(new Uint8Array(4))),
  'elements.copyFrom, views': taking(({ elements }, { node }) => elements.copyFrom([node, null])),
  'cursor.number': own(({ cursor }) => cursor.number),
  'cursor.moveTo': taking(({ cursor }, { node }) => cursor.moveTo(node)),
  'cursor.moveTo, a raw reference': own(({ cursor, mutator, node }) => cursor.moveTo(mutator.attached ? node.ref : 0)),
  'cursor.follow': own(({ cursor, node }) => expect(cursor.moveTo(node).follow('next')).toBe(true)),
  'cursor.followElement': own(({ cursor, node }) => expect(cursor.moveTo(node).followElement(0)).toBe(true)),
  'cursor.isNull': own(({ cursor }) => cursor.isNull),
  'string.toString': own(({ string }) => expect(string.toString()).toBe('a string')),
  'string.length': own(({ string }) => string.length),
  'string.charCodeAt': own(({ string }) => string.charCodeAt(3)),
  'string.equals': own(({ string }) => string.equals('a string')),
  'mutator.setReference': always(({ mutator, node, shape }) => mutator.attached && mutator.setReference(node.ref * 2 + shape.offsets.any, 0)),
  'mutator.compareExchangeReference': always(({ mutator, node, shape }) =>
    mutator.attached && mutator.compareExchangeReference(node.ref * 2 + shape.offsets.any, 1, 0)),
};

/** With a few MiB alive, so that marking and compaction take some time. */
function subject(options: Parameters<typeof makeHeap>[0], ballast: number): Subject {
  const heap = makeHeap({ ...options, verify: false });
  const mutator = heap.attachMutator();
  const shape = heap.defineShape(NODE);
  const node = heap.create(shape, { number: 1, text: 'some text', any: heap.string('held') }, 2);
  node.next = node;
  node.elements.set(0, node);
  const filler = heap.defineShape({ name: 'filler', fields: { next: 'ref' }, elements: 'u8' });
  const list = mutator.handle(0);
  for (let i = 0; i < ballast; i++) {
    const made = mutator.allocate(filler, 40);
    if (i % 2 === 0) continue;
    mutator.setReference(filler.refSlot(made, 0), mutator.get(list));
    mutator.set(list, made);
  }
  const other = heap.create(shape);
  return {
    heap, mutator, shape, node, cursor: heap.cursor(shape, node), elements: node.elements, bits: node.bits,
    string: heap.string('a string'), token: heap.offer(other),
  };
}

function outcome({ run }: Operation, what: Subject, other: Subject): string {
  try {
    run(what, other);
    return 'works';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Comes to the phase and runs `body` in it; whether the phase was still on afterwards. The collections go on by themselves. */
function during({ heap, mutator }: Subject, phase: string, body: () => void): boolean {
  for (let turns = 0; heap.phase !== phase && turns < 200_000; turns++) mutator.poll();
  body();
  return heap.phase === phase;
}

describe.each(MODES)('the integrity matrix of objects (fault mode %s)', (fault) => {
  it.each([false, true])('idle, checked %s: every operation works', (checked) => {
    const what = subject({ capacityBytes: '8M', fault, checked }, 100);
    for (const [name, operation] of Object.entries(OPERATIONS)) expect(`${name}: ${outcome(operation, what, what)}`).toBe(`${name}: works`);
  });

  it('closed: every operation works or says so', async () => {
    const what = subject({ capacityBytes: '8M', fault }, 100);
    await what.heap.close();
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${outcome(operation, what, what)}`).toBe(`${name}: ${operation.closed}`);
    }
  });

  it('detached: every operation works or says so', () => {
    const what = subject({ capacityBytes: '8M', fault }, 100);
    what.mutator.detach();
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${outcome(operation, what, what)}`).toBe(`${name}: ${operation.detached}`);
    }
  });

  it('foreign: no operation takes what belongs to another heap', () => {
    const what = subject({ capacityBytes: '8M', fault }, 100);
    const other = subject({ capacityBytes: '8M', fault }, 100);
    other.heap.defineShape({ name: 'other', fields: {} });
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${outcome(operation, what, other)}`).toBe(`${name}: ${operation.foreign}`);
    }
  });
});

const PHASES = [
  ...MODES.map((fault) => ['marking', fault] as const),
  ...CONCURRENT_MODES.map((fault) => ['compacting', fault] as const),
];

describe.each(PHASES)('the integrity matrix of objects while the heap is %s (fault mode %s)', (phase, fault) => {
  it('every operation works', async () => {
    const what = subject({ capacityBytes: '24M', fault, workers: 0 }, 80_000);
    const names = Object.keys(OPERATIONS);
    const missing = new Set(names);
    let over = false;
    const collections = (async () => {
      while (!over) await what.heap.collect({ kind: 'full' });
    })();
    collections.catch(() => {}); // of a test that has failed already
    for (let round = 0; round < 40 && missing.size > 0; round++) {
      for (const name of [...missing]) {
        const met = during(what, phase, () => expect(`${name}: ${outcome(OPERATIONS[name]!, what, what)}`).toBe(`${name}: works`));
        if (met) missing.delete(name);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    over = true;
    await collections;
    // A machine with much other work may let a phase pass unseen; never most of them.
    expect(missing.size).toBeLessThan(names.length / 2);
    expect(await what.heap.verify()).toBeGreaterThan(40_000);
  }, 120_000);
});
