/**
 * The integrity matrix: every public operation, in a heap that is idle, that collects, that is closed, and with a mutator that is
 * detached. Each either works or fails with its code; none of them crashes, hangs or does something else.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Heap, HeapError, type Mutator, type Shape } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES } from '../support/modes.ts';
import { Threads } from '../support/threads.ts';

interface Subject {
  heap: Heap;
  mutator: Mutator;
  shape: Shape;
  large: Shape;
  handle: number;
}

type Outcome = 'works' | `ERR_${string}`;
interface Operation {
  readonly run: (subject: Subject) => unknown;
  /** Of a closed heap, and of an open heap whose mutator is detached. */
  readonly closed: Outcome;
  readonly detached: Outcome;
}

const SNAPSHOT = join(tmpdir(), `faultline-integrity-${process.pid}.heapsnapshot`);
afterAll(() => rmSync(SNAPSHOT, { force: true }));

const CLOSED = 'ERR_HEAP_CLOSED';
const DETACHED = 'ERR_MUTATOR_DETACHED';

const OPERATIONS: Record<string, Operation> = {
  // The heap.
  'heap.token': { run: ({ heap }) => heap.token.id, closed: 'works', detached: 'works' },
  'heap.capabilities': { run: ({ heap }) => heap.capabilities.faultMode, closed: 'works', detached: 'works' },
  'heap.closed': { run: ({ heap }) => heap.closed, closed: 'works', detached: 'works' },
  'heap.phase': { run: ({ heap }) => heap.phase, closed: CLOSED, detached: 'works' },
  'heap.statistics': { run: ({ heap }) => heap.statistics().liveBytes, closed: CLOSED, detached: 'works' },
  'heap.defineShape, known': { run: ({ heap }) => heap.defineShape({ name: 'cell', fields: { next: 'ref' } }), closed: CLOSED, detached: 'works' },
  'heap.defineShape, new': { run: ({ heap }) => heap.defineShape({ name: 'other', fields: { a: 'f64' } }), closed: CLOSED, detached: 'works' },
  'heap.shape, unknown here': { run: ({ heap }) => Heap.attach(heap.token).shape('cell'), closed: 'ERR_HEAP_UNKNOWN', detached: 'works' },
  'heap.collect': { run: ({ heap }) => heap.collect(), closed: CLOSED, detached: 'works' },
  'heap.collect, full': { run: ({ heap }) => heap.collect({ kind: 'full' }), closed: CLOSED, detached: 'works' },
  'heap.verify': { run: ({ heap }) => heap.verify(), closed: CLOSED, detached: 'works' },
  'heap.writeSnapshot': { run: ({ heap }) => heap.writeSnapshot(SNAPSHOT), closed: CLOSED, detached: 'works' },
  'heap.createPinnable': { run: ({ heap, large }) => heap.createPinnable(large, 5).release(), closed: CLOSED, detached: DETACHED },
  'heap.pin': { run: ({ heap, large }) => heap.pin(heap.createPinnable(large, 5)).release(), closed: CLOSED, detached: DETACHED },
  'mutator.allocatePinnable': { run: ({ mutator, large }) => mutator.allocatePinnable(large, 5), closed: DETACHED, detached: DETACHED },
  'heap.measureBareFault': { run: ({ heap }) => heap.measureBareFault(5), closed: CLOSED, detached: 'works' },
  'heap.roots': { run: ({ heap }) => heap.roots.slots[0], closed: 'works', detached: 'works' },
  'heap.finalizable': { run: ({ heap }) => heap.finalizable().return!(), closed: 'works', detached: 'works' },
  'Heap.attach': { run: ({ heap }) => Heap.attach(heap.token).close(), closed: 'ERR_HEAP_UNKNOWN', detached: 'works' },
  // The mutator.
  'mutator.allocate': { run: ({ mutator, shape }) => mutator.allocate(shape), closed: DETACHED, detached: DETACHED },
  'mutator.allocate, large': { run: ({ mutator, large }) => mutator.allocate(large, 2 ** 20), closed: DETACHED, detached: DETACHED },
  'mutator.poll': { run: ({ mutator }) => mutator.poll(), closed: 'works', detached: 'works' },
  'mutator.park, unpark': {
    run: ({ mutator }) => {
      mutator.park();
      mutator.unpark();
    },
    closed: DETACHED,
    detached: DETACHED,
  },
  'mutator.parked': { run: ({ mutator }) => mutator.parked(() => 0), closed: DETACHED, detached: DETACHED },
  'mutator.handle': { run: ({ mutator }) => mutator.release(mutator.handle(0)), closed: DETACHED, detached: DETACHED },
  'mutator.get': { run: ({ mutator, handle }) => mutator.get(handle), closed: 'works', detached: 'works' },
  'mutator.scope, local': { run: ({ mutator }) => mutator.scope(() => mutator.local(0)), closed: DETACHED, detached: DETACHED },
  'mutator.createRootRange': { run: ({ mutator }) => mutator.createRootRange(2).release(), closed: DETACHED, detached: DETACHED },
  'mutator.copyReferences': { run: ({ mutator }) => mutator.copyReferences(1024, 1024, 0), closed: 'works', detached: 'works' },
  'mutator.collect': { run: ({ mutator }) => mutator.collect(), closed: CLOSED, detached: DETACHED },
  'mutator.utilization': { run: ({ mutator }) => mutator.utilization(10), closed: DETACHED, detached: DETACHED },
  'mutator.attached': { run: ({ mutator }) => mutator.attached, closed: 'works', detached: 'works' },
  'mutator.readWeak': { run: ({ mutator }) => mutator.readWeak(1024), closed: 'works', detached: 'works' },
  'mutator.identityHash': { run: ({ mutator, handle }) => mutator.identityHash(mutator.get(handle)), closed: DETACHED, detached: DETACHED },
  'mutator.finalizeLater': { run: ({ mutator, handle }) => mutator.finalizeLater(mutator.get(handle), 1), closed: DETACHED, detached: DETACHED },
  'mutator.weakReferences.allocate': { run: ({ mutator, handle }) => mutator.weakReferences.allocate(mutator.get(handle)), closed: DETACHED, detached: DETACHED },
  'mutator.weakMaps.allocate': { run: ({ mutator }) => mutator.weakMaps.allocate(), closed: CLOSED, detached: DETACHED },
  'mutator.weakMaps, set and get': {
    run: ({ mutator, handle }) =>
      mutator.scope(() => {
        const map = mutator.local(mutator.weakMaps.allocate());
        mutator.weakMaps.set(mutator.get(map), mutator.get(handle), 0);
        if (!mutator.weakMaps.has(mutator.get(map), mutator.get(handle))) throw new Error('the entry is not there');
      }),
    closed: CLOSED,
    detached: DETACHED,
  },
  'mutator.detach': { run: ({ mutator }) => mutator.detach(), closed: 'works', detached: 'works' },
};

function subject(fault: (typeof MODES)[number]): Subject {
  const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault });
  const shape = heap.defineShape({ name: 'cell', fields: { next: 'ref' } });
  const large = heap.defineShape({ name: 'large', elements: 'u8' });
  return { heap, mutator, shape, large, handle: mutator.handle(mutator.allocate(shape)) };
}

async function outcome(operation: Operation, what: Subject): Promise<string> {
  try {
    await operation.run(what);
    return 'works';
  } catch (error) {
    expect(error).toBeInstanceOf(HeapError);
    return (error as HeapError).code;
  }
}

describe.each(MODES)('the integrity matrix (fault mode %s)', (fault) => {
  it('idle: every operation works', async () => {
    const what = subject(fault);
    // Detaching comes last.
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${await outcome(operation, what)}`).toBe(`${name}: works`);
    }
  });

  it('collecting: every operation works while one cycle follows the other', async () => {
    const what = subject(fault);
    let over = false;
    const collections = (async () => {
      while (!over) await what.heap.collect({ kind: 'full' });
    })();
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      for (let i = 0; i < 5_000; i++) if (what.mutator.attached) what.mutator.allocate(what.shape);
      await wait(3);
      expect(`${name}: ${await outcome(operation, what)}`).toBe(`${name}: works`);
    }
    over = true;
    await collections;
  });

  it('closed: every operation works or says so', async () => {
    const what = subject(fault);
    await what.heap.close();
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${await outcome(operation, what)}`).toBe(`${name}: ${operation.closed}`);
    }
  });

  it('detached: every operation works or says so', async () => {
    const what = subject(fault);
    what.mutator.detach();
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(`${name}: ${await outcome(operation, what)}`).toBe(`${name}: ${operation.detached}`);
      expect(`${name}: ${(await outcome({ ...operation, run: ({ heap }) => heap.attachMutator().detach() }, what))}`).toBe(`${name}: works`);
    }
  });
});

describe('a heap', () => {
  it('takes one mutator of a thread at a time', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    expect(() => heap.attachMutator()).toThrow(expect.objectContaining({ code: 'ERR_MUTATOR_ATTACHED' }));
    mutator.detach();
    expect(heap.attachMutator().attached).toBe(true);
  });

  it('is not closed while mutators of other threads are attached, and everything stays as it is', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    const threads = new Threads();
    threads.start(heap.token, 'parked');
    threads.start(heap.token, 'idle');
    await threads.ready();
    await expect(heap.close()).rejects.toMatchObject({ code: 'ERR_HEAP_IN_USE', figures: { attached: 2 } });
    expect(heap.closed).toBe(false);
    expect(mutator.attached).toBe(true);
    mutator.allocate(heap.defineShape({ name: 's', fields: { a: 'ref' } }));
    await heap.collect();
    await threads.finish();
    await heap.close();
    expect(heap.closed).toBe(true);
  });

  it('is closed once: a second close does nothing', async () => {
    const heap = makeHeap({ capacityBytes: '1M' });
    await Promise.all([heap.close(), heap.close()]);
    await heap.close();
  });

  it('rejects the collections and verifications that are still awaited when it is closed', async () => {
    const heap = makeHeap({ capacityBytes: '1M' });
    const awaited = [heap.collect(), heap.collect({ kind: 'full' }), heap.verify()].map((promise) =>
      promise.then(
        () => 'done',
        (error: HeapError) => error.code,
      ),
    );
    await heap.close();
    for (const answer of await Promise.all(awaited)) expect(['done', 'ERR_HEAP_CLOSED']).toContain(answer);
  });

  it('answers every verification, from the first moment on and several at once', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '1M' });
    const first = heap.verify();
    mutator.handle(mutator.allocate(heap.defineShape({ name: 's', fields: { a: 'ref' } })));
    expect(await Promise.all([first, heap.verify(), heap.verify()])).toEqual([1, 1, 1]);
  });

  it.each<[string, (token: Heap['token']) => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', () => 'heap 1'],
    ['an empty object', () => ({})],
    ['an unknown number', (token) => ({ ...token, id: 4711 })],
    ['the buffer of somebody else', (token) => ({ ...token, view: new SharedArrayBuffer(64) })],
    ['plain memory', (token) => ({ ...token, view: new ArrayBuffer(64) })],
  ])('does not let %s pass for its token', (_what, forge) => {
    const heap = makeHeap({ capacityBytes: '1M' });
    expect(() => Heap.attach(forge(heap.token) as Heap['token'])).toThrow(expect.objectContaining({ code: 'ERR_HEAP_UNKNOWN' }));
  });

  it('does not let the token of another open heap pass with its own number', () => {
    const one = makeHeap({ capacityBytes: '1M' });
    const two = makeHeap({ capacityBytes: '1M' });
    expect(() => Heap.attach({ ...one.token, view: two.token.view })).toThrow(expect.objectContaining({ code: 'ERR_HEAP_UNKNOWN' }));
  });
});
