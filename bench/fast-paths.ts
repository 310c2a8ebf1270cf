/**
 * Fast paths: how often a second a mutator in JavaScript allocates, loads and stores a field, and goes through a handle, beside the same
 * on plain JavaScript objects. The `benchmark` package times loops; the two arms of a path take turns, and each is
 * reported by its fastest samples. The figure of allocation includes its collections, which find an empty heap and move nothing.
 */
import Benchmark from 'benchmark';
import { Heap } from 'faultline';

export interface FastPathFigures {
  readonly path: 'allocation' | 'field access' | 'handle access';
  /** Operations a second. */
  readonly heap: number;
  readonly plain: number;
  /** What `plain` is. */
  readonly against: string;
}

interface Arms {
  readonly path: FastPathFigures['path'];
  readonly against: string;
  /** Each does {@link LOOP} operations. */
  heap(): number;
  plain(): number;
}

const LOOP = 4096;
const KEPT = 16;
/** The first one is discarded: `benchmark` compiles its loop for the first arm it sees, and again for the others. */
const ROUNDS = 4;

export async function measureFastPaths(samples: number): Promise<FastPathFigures[]> {
  const heap = Heap.create({ capacityBytes: '64M' });
  const mutator = heap.attachMutator();
  const Cell = heap.defineShape({ name: 'cell', fields: { next: 'ref', number: 'u32' } });
  const { u32 } = mutator;
  const { number } = Cell.offsets;
  const kept: unknown[] = new Array(KEPT).fill(null);
  const handle = mutator.handle(mutator.allocate(Cell));
  const cell = { next: null as unknown, number: 0 };
  const slots: { number: number }[] = Array.from({ length: KEPT }, () => ({ next: null, number: 1 }));
  const paths: Arms[] = [
    {
      path: 'allocation',
      against: 'an object literal',
      heap: () => {
        let last = 0;
        for (let i = 0; i < LOOP; i++) {
          last = mutator.allocate(Cell);
          u32[last * 2 + number] = i;
        }
        return last;
      },
      plain: () => {
        for (let i = 0; i < LOOP; i++) kept[i % KEPT] = { next: null, number: i };
        return kept.length;
      },
    },
    {
      path: 'field access',
      against: 'a field of an object',
      heap: () => {
        const slot = mutator.get(handle) * 2 + number;
        for (let i = 0; i < LOOP; i++) u32[slot] = u32[slot]! ^ i;
        return u32[slot]!;
      },
      plain: () => {
        for (let i = 0; i < LOOP; i++) cell.number ^= i;
        return cell.number;
      },
    },
    {
      path: 'handle access',
      against: 'an element of an array',
      heap: () => {
        let sum = 0;
        for (let i = 0; i < LOOP; i++) sum = (sum + u32[mutator.get(handle) * 2 + number]!) | 0;
        return sum;
      },
      plain: () => {
        let sum = 0;
        for (let i = 0; i < LOOP; i++) sum = (sum + slots[i % KEPT]!.number) | 0;
        return sum;
      },
    },
  ];
  const figures = paths.map((arms) => measured(arms, samples));
  mutator.detach();
  await heap.close();
  return figures;
}

function measured({ path, against, heap, plain }: Arms, samples: number): FastPathFigures {
  const best = { heap: Infinity, plain: Infinity };
  let sink = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, arm] of Object.entries({ heap, plain }) as [keyof typeof best, () => number][]) {
      const benchmark = new Benchmark(() => (sink = (sink + arm()) | 0), { minSamples: samples, maxTime: 0.3 });
      benchmark.run();
      if (round > 0) best[name] = Math.min(best[name], ...benchmark.stats.sample);
    }
  }
  if (!Number.isInteger(sink)) throw new Error('the loops were optimised away');
  return { path, against, heap: LOOP / best.heap, plain: LOOP / best.plain };
}
