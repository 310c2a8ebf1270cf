/**
 * Barriers: the whole matrix of modes, markers and fault-arounds, each row for a short while; and what the research modes promise.
 */
import { describe, expect, it } from 'vitest';
import { FAULT_MODES, FAULT_MODE_NAMES, type FaultMode, traitsOf } from '../../src/gc/fault-modes.ts';
import { Heap } from '../support/faultline.ts';
import { countdown, LinkedList, makeHeap, makeHeapWithMutator, recordEvents } from '../support/heaps.ts';
import { MARKERS, MOVING_MODES, RAW_LOAD_MODES, rounds } from '../support/modes.ts';
import { seedOfTest } from '../support/seeds.ts';
import { ShadowProgram } from '../support/shadow-program.mjs';

const FAULT_AROUND_SETTINGS = [1, 4, 16, 64, 'adaptive'] as const;

/** One point of the comparison. */
interface BarrierChoice {
  readonly mode: FaultMode;
  readonly marker: 'barrier-free' | 'satb' | 'stopped';
  readonly faultAroundPages: (typeof FAULT_AROUND_SETTINGS)[number];
}

/** Every point that means something: a mode that does not collect has no marker to choose, one that does not fault has no fault-around. */
function barrierMatrix(): BarrierChoice[] {
  const markers = ['barrier-free', 'satb', 'stopped'] as const;
  return FAULT_MODES.flatMap(({ mode, collects, faultAround }) =>
    (collects ? markers : (['stopped'] as const)).flatMap((marker) =>
      (faultAround ? FAULT_AROUND_SETTINGS : (['adaptive'] as const)).map((faultAroundPages) => ({ mode, marker, faultAroundPages })),
    ),
  );
}

const matrix = barrierMatrix().filter(({ mode, marker }) => MOVING_MODES.includes(mode) && MARKERS.includes(marker));

describe('the matrix of barriers', () => {
  it('has every mode, and every marker and fault-around where they mean something', () => {
    expect(new Set(barrierMatrix().map(({ mode }) => mode))).toEqual(new Set(FAULT_MODE_NAMES));
    const rowsOf = (wanted: string): number => barrierMatrix().filter(({ mode }) => mode === wanted).length;
    expect(['sigbus', 'stw', 'load-barrier', 'none'].map(rowsOf)).toEqual([3 * 5, 3, 3, 1]);
  });

  it.each(matrix)('keeps a graph: $mode, $marker, fault-around $faultAroundPages', ({ mode, marker, faultAroundPages }) => {
    const seed = seedOfTest();
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: mode, marker, faultAroundPages, stressEvery: 90 });
    new ShadowProgram(heap, mutator, { seed, liveWordsLimit: 150_000 }).run(rounds(3_000, 1_200), 500);
    expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
    expect(heap.capabilities).toMatchObject({ faultMode: mode, marker });
  });

  it.each(FAULT_MODES.filter(({ automatic }) => !automatic).map(({ mode }) => mode))(
    'has mode %s for those only who ask for it',
    (mode) => {
      expect(makeHeap({ capacityBytes: '1M' }).capabilities.faultMode).not.toBe(mode);
    },
  );
});

describe('a heap that never collects', () => {
  it('answers requests and does nothing for them', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'none' });
    const list = new LinkedList(heap, mutator);
    for (let i = 0; i <= 1_000; i++) {
      list.push(i);
      list.garbage();
    }
    const events = recordEvents(heap);
    const before = heap.statistics().usedBytes;
    const where = mutator.get(list.head);
    const { cycles } = await heap.collect({ kind: 'full' });
    mutator.collect();
    expect(cycles).toBe(0);
    expect(heap.statistics()).toMatchObject({ usedBytes: before, cycles: { count: 0 }, faults: { count: 0 } });
    expect(mutator.get(list.head)).toBe(where);
    expect(list.values()).toEqual(countdown(1_000));
    expect(events.filter(({ type }) => type === 'cycle' || type === 'trigger' || type === 'pause')).toEqual([]);
    expect(heap.capabilities).toMatchObject({ faultMode: 'none', userfaultfd: 'none', systemCallsOnHeap: true });
  });

  it('is full for good when it is full, and says so at once', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '4M', fault: 'none' });
    const shape = heap.defineShape({ name: 'kilobyte', elements: 'f64' });
    const fill = (): number => {
      for (let count = 0; ; count++) {
        if (count > 10_000) throw new Error('a heap of 4 MiB took 10,000 KiB');
        try {
          mutator.allocate(shape, 127);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HEAP_EXHAUSTED' });
          expect((error as Error).message).toMatch(/nothing is ever collected/);
          return count;
        }
      }
    };
    // All of the capacity but region 0's first page and the ends of buffers.
    expect(fill()).toBeGreaterThan(4 * 1024 * 0.95);
    expect(fill()).toBe(0);
    expect(heap.statistics().collections.count).toBe(0);
  });
});

describe.runIf(MOVING_MODES.includes('load-barrier'))('a load barrier', () => {
  it('gives new addresses by getReference, and leaves no old one behind', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '16M', fault: 'load-barrier', workers: 0 });
    const list = new LinkedList(heap, mutator, 40);
    for (let i = 0; i <= 20_000; i++) {
      list.push(i);
      for (let garbage = 0; garbage < 3; garbage++) list.garbage();
    }
    const before = mutator.get(list.head);
    await heap.collect({ kind: 'full' });
    expect(mutator.get(list.head)).not.toBe(before);
    expect(list.values()).toEqual(countdown(20_000));
    const { cycles, pages, pauses } = heap.statistics();
    expect(cycles.compacting).toBeGreaterThan(0);
    expect(pages).toMatchObject({ mappedByContinue: 0, copyCalls: 0 });
    expect(pauses.settled.count).toBe(cycles.compacting);
    // Between compactions every load is a plain one.
    const settled = heap.statistics().pages.settledLoads;
    list.values();
    expect(heap.statistics().pages.settledLoads).toBe(settled);
  });

  it('is asked by views, weak references, copies and compare-and-swap', async () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '8M', fault: 'load-barrier' });
    const node = heap.defineShape({ name: 'node', fields: { next: 'self', number: 'u32' }, elements: 'ref' });
    const first = heap.create(node, { number: 1 }, 10);
    const weak = mutator.handle(0);
    mutator.set(weak, mutator.weakReferences.allocate(mutator.allocate(node, 0)));
    first.next = heap.create(node, { number: 2 }, 0);
    for (let i = 0; i < 10; i++) first.elements.set(i, heap.create(node, { number: 100 + i }, 0));
    const kept = mutator.handle(0);
    mutator.set(weak, mutator.weakReferences.allocate(mutator.getReference(first.ref * 2 + node.field('next').offset)));
    mutator.set(kept, first.ref);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 2_000; i++) mutator.allocate(node, 20);
      mutator.collect({ kind: 'full' });
      expect(first.next!.number).toBe(2);
      const element = heap.view(mutator.getReference(mutator.get(kept) * 2 + node.elementsOffset + (round % 10)));
      expect(element).toMatchObject({ number: 100 + (round % 10) });
      const slot = mutator.get(kept) * 2 + node.elementsOffset;
      mutator.copyReferences(slot + 1, slot + 1, 9);
      const zeroth = mutator.getReference(slot);
      expect(mutator.compareExchangeReference(slot, zeroth, zeroth)).toBe(true);
      expect(mutator.u32[mutator.weakReferences.get(mutator.get(weak)) * 2 + node.field('number').offset]).toBe(2);
    }
  });

  it('cannot be had together with what loads references where it does not see it', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '2M', fault: 'load-barrier' });
    const refused = expect.objectContaining({ code: 'ERR_FAULT_MODE' });
    expect(() => heap.createArray('u32')).toThrow(refused);
    expect(() => heap.createMap('string', 'ref')).toThrow(refused);
    expect(() => heap.intern('text')).toThrow(refused);
    expect(() => heap.containers).toThrow(refused);
    expect(() => mutator.weakMaps).toThrow(refused);
    expect(() => Heap.create({ capacityBytes: '2M', fault: 'load-barrier', checked: true })).toThrow(refused);
  });
});

describe('mode move', () => {
  it('is refused, and the kernel is asked why', () => {
    expect(() => Heap.create({ capacityBytes: '2M', fault: 'move' })).toThrow(
      expect.objectContaining({
        code: 'ERR_FAULT_MODE',
        message: expect.stringMatching(/private anonymous pages only.*into such a view: .*: E[A-Z]+; between private pages: /),
      }),
    );
  });
});

describe.each(RAW_LOAD_MODES)('raw loads (fault mode %s)', (fault) => {
  it('are what getReference does', () => {
    const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '2M', fault });
    const shape = heap.defineShape({ name: 'pair', fields: { a: 'ref', b: 'ref' } });
    const ref = mutator.allocate(shape);
    mutator.u32[shape.refSlot(ref, 1)] = ref;
    expect(mutator.getReference(shape.refSlot(ref, 1))).toBe(ref);
    expect(traitsOf(fault).barrieredLoads).toBe(false);
  });
});
