/**
 * Allocation: what an object costs in a tight loop of TypeScript: header and one field stored, 32 bytes in all.
 *
 * On recycled pages the heap is small and collects all the time, so every buffer is made of pages that were used before;
 * collections are part of the time. On fresh pages a large heap is filled once.
 */
import { Heap, type Mutator, type Shape } from 'faultline';

export interface AllocationFigures {
  objects: number;
  recycledNs: number;
  freshNs: number;
}

const SHAPE = { name: 'cell', fields: { value: 'u32', a: 'f64', b: 'f64' } } as const;

function allocateMany(mutator: Mutator, shape: Shape, objects: number): number {
  const offset = shape.field('value').offset;
  const { u32 } = mutator;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < objects; i++) {
    const ref = mutator.allocate(shape);
    u32[ref * 2 + offset] = i;
  }
  return Number(process.hrtime.bigint() - begin) / objects;
}

async function measure(capacityBytes: string, objects: number, rounds: number): Promise<number> {
  const heap = Heap.create({ capacityBytes });
  const shape = heap.defineShape(SHAPE);
  if (shape.fixedWords !== 4) throw new Error('the shape is not 32 bytes');
  const mutator = heap.attachMutator();
  const figures = [];
  for (let round = 0; round < rounds; round++) figures.push(allocateMany(mutator, shape, objects));
  mutator.detach();
  await heap.close();
  return Math.min(...figures);
}

export async function measureAllocation(objects: number): Promise<AllocationFigures> {
  const recycledNs = await measure('64M', objects, 4);
  const freshNs = await measure('1G', Math.min(objects, 12_000_000), 1);
  return { objects, recycledNs, freshNs };
}
