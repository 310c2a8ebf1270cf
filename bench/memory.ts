/**
 * Memory: how large the heap file gets during a cycle and what is left after a full collection. Sizes are the blocks that the
 * file occupies; process memory counts every page once per mapping and says nothing here.
 */
import { Heap } from 'faultline';

export interface MemoryFigures {
  metadataShare: number;
  /** Peak of the file during the compacting cycles, over its size at the start and the targets of that cycle. */
  peakOverBytes: number;
  liveBytes: number;
  afterFullBytes: number;
  copyCalls: number;
}

const REGION_BYTES = 2 ** 20;
const OBJECTS = 1_000_000;

export async function measureMemory(): Promise<MemoryFigures> {
  const heap = Heap.create({ capacityBytes: '256M' });
  const node = heap.defineShape({ name: 'node', fields: { next: 'ref', value: 'u32', a: 'f64', b: 'f64' } });
  const mutator = heap.attachMutator();
  // A list of every third object: two thirds of the heap become garbage, evenly spread.
  const head = mutator.handle(0);
  for (let i = 0; i < OBJECTS * 3; i++) {
    const ref = mutator.allocate(node);
    if (i % 3 !== 0) continue;
    mutator.u32[ref * 2 + 2] = mutator.get(head);
    mutator.set(head, ref);
  }
  let peakOverBytes = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const before = heap.statistics();
    let targets = 0;
    const count = (cycle: { targetRegions: number }): void => void (targets += cycle.targetRegions);
    heap.on('cycle', count);
    await heap.collect();
    heap.off('cycle', count);
    const after = heap.statistics();
    const peak = Math.max(after.peakFileBytes, after.fileBytes);
    if (peak > before.peakFileBytes || round === 0) {
      peakOverBytes = Math.max(peakOverBytes, peak - before.fileBytes - targets * REGION_BYTES);
    }
  }
  await heap.collect({ kind: 'full' });
  const end = heap.statistics();
  mutator.detach();
  await heap.close();
  return {
    metadataShare: end.metadataBytes / end.reservedBytes,
    peakOverBytes,
    liveBytes: end.liveBytes,
    afterFullBytes: end.fileBytes,
    copyCalls: end.pages.copyCalls,
  };
}
