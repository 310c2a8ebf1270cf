/**
 * Limits: much more of everything than a program should ever have. FAULTLINE_LONG=1 for all of it in every mode.
 */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { Heap } from '../support/faultline.ts';
import { makeHeap, makeHeapWithMutator } from '../support/heaps.ts';
import { MODES, rounds, SHORT } from '../support/modes.ts';
import { makeRandom } from '../support/random.mjs';
import { seedOfTest } from '../support/seeds.ts';
import { Threads } from '../support/threads.ts';

const LIMIT_MS = 600_000;
const MUTATORS = rounds(64, 32);
/** All modes, or the first. */
const modes = SHORT ? MODES.slice(0, 1) : MODES;

describe.each(modes)('a million handles (fault mode %s)', (fault) => {
  it(
    'lead where they led, through cycles, and are free again',
    () => {
      const random = makeRandom(seedOfTest());
      const count = 1_000_000;
      const heap = makeHeap({ capacityBytes: '96M', fault });
      const mutator = heap.attachMutator({ handleCapacity: count });
      const shape = heap.defineShape({ name: 'numbered', fields: { number: 'u32', rest: 'u32' } });
      const slot = shape.field('number').offset;
      const make = (number: number): number => {
        const ref = mutator.allocate(shape);
        mutator.u32[ref * 2 + slot] = number;
        return ref;
      };
      const handles = new Uint32Array(count);
      for (let i = 0; i < count; i++) {
        handles[i] = mutator.handle(make(i));
        make(i); // Garbage between them, so that all of them move.
      }
      expect(() => mutator.handle(make(0))).toThrow(expect.objectContaining({ code: 'ERR_HANDLES_EXHAUSTED' }));
      const check = (step: number): void => {
        for (let i = 0; i < count; i += step) {
          const number = mutator.u32[mutator.get(handles[i]!) * 2 + slot];
          if (number !== i) throw new Error(`handle ${i} leads to ${number}`);
        }
      };
      mutator.collect({ kind: 'full' });
      check(1);
      expect(heap.statistics().cycles.copiedBytes).toBeGreaterThan(count * 8);
      for (let i = 0; i < count; i += 2) mutator.release(handles[i]!);
      for (let i = 0; i < count; i += 2) handles[i] = mutator.handle(make(i));
      for (let i = 0; i < 5; i++) {
        mutator.collect({ kind: random.pick(['compact', 'full']) });
        check(1 + random.below(50));
      }
      for (const handle of handles) mutator.release(handle);
      mutator.collect({ kind: 'full' });
      expect(heap.statistics().liveBytes).toBe(0);
    },
    LIMIT_MS,
  );
});

describe.each(modes)(`${MUTATORS} mutators (fault mode %s)`, (fault) => {
  it(
    'each keep their graph, and all stop for every pause',
    async () => {
      const seed = seedOfTest();
      const { heap, mutator } = makeHeapWithMutator({ capacityBytes: '128M', fault });
      const threads = new Threads();
      for (let thread = 1; thread < MUTATORS; thread++) {
        threads.start(heap.token, 'shadow', { seed: seed + thread, liveWordsLimit: 20_000, idBase: thread << 24 });
      }
      mutator.park();
      await threads.ready();
      expect(heap.statistics().mutators).toBe(MUTATORS);
      // The pauses of each cycle wait until the scheduler has let everybody run: a second or two.
      for (let i = 0; i < rounds(12, 2); i++) await heap.collect();
      expect(heap.statistics().cycles.compacting).toBeGreaterThan(0);
      const results = await threads.finish<{ operations: number }>();
      expect(results).toHaveLength(MUTATORS - 1);
      expect(Math.min(...results.map(({ operations }) => operations))).toBeGreaterThan(0);
      expect(heap.statistics().mutators).toBe(1);
    },
    LIMIT_MS,
  );
});

describe.each(modes)('many heaps, one after the other (fault mode %s)', (fault) => {
  it(
    'leave nothing behind: descriptors, threads, mappings, memory',
    async () => {
      const count = rounds(200, 60);
      const child = await runProgram('many-heaps', [fault, count], { limitMs: LIMIT_MS - 5_000, flags: ['--expose-gc'] });
      expect(child, `${child.stdout}\n${child.stderr}`).toMatchObject({ hung: false, signal: null, code: 0 });
      const { before, after } = JSON.parse(child.stdout) as Record<'before' | 'after', Record<string, number>>;
      expect(after['descriptors']).toBeLessThanOrEqual(before['descriptors']!);
      expect(after['threads']).toBeLessThanOrEqual(before['threads']!);
      expect(after['heapFiles']).toBe(0);
      // V8 and the C library keep a little, however many heaps there were: some mappings, some megabytes.
      expect(after['mappings']! - before['mappings']!).toBeLessThan(count / 2 + 20);
      // A heap that kept its memory would leave megabytes; one that kept its side tables or its threads' isolates, hundreds of KiB.
      expect((after['residentBytes']! - before['residentBytes']! - 8 * 2 ** 20) / count).toBeLessThan(100 * 1024);
    },
    LIMIT_MS,
  );
});

describe.each(modes)('many heaps at once (fault mode %s)', (fault) => {
  it(
    'collect side by side, and each keeps its own',
    async () => {
      const heaps = Array.from({ length: rounds(24, 8) }, () => Heap.create({ capacityBytes: '2M', fault, workers: 1, verify: true }));
      try {
        const kept = heaps.map((heap, i) => {
          const mutator = heap.attachMutator();
          const shape = heap.defineShape({ name: 'numbered', fields: { number: 'u32' } });
          for (let n = 0; n < 10_000; n++) mutator.allocate(shape);
          const ref = mutator.allocate(shape);
          mutator.u32[ref * 2 + shape.field('number').offset] = i;
          return { mutator, shape, handle: mutator.handle(ref) };
        });
        await Promise.all(heaps.map((heap) => heap.collect({ kind: 'full' })));
        kept.forEach(({ mutator, shape, handle }, i) => {
          expect(mutator.u32[mutator.get(handle) * 2 + shape.field('number').offset]).toBe(i);
        });
      } finally {
        for (const heap of heaps) await heap.close();
      }
    },
    LIMIT_MS,
  );
});
