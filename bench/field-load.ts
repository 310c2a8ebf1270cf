/**
 * Field access: a load from the heap outside a cycle, against the same load from an ordinary ArrayBuffer. The `benchmark`
 * package times millions of loads a sample; the arms are interleaved, so that what disturbs one disturbs all.
 */
import Benchmark from 'benchmark';
import { Heap } from 'faultline';

export interface FieldLoadFigures {
  heapNs: number;
  arrayBufferNs: number;
  sharedArrayBufferNs: number;
  /** The heap against the faster of the two ordinary buffers, from the fastest samples of each. */
  ratio: number;
}

const LOADS = 1 << 16;

/** Each arm gets a function of its own, so that the compiler specializes each for its kind of array. */
function makeArm(array: Uint32Array, base: number): () => number {
  // eslint-disable-next-line no-new-func
  const body = new Function(
    'array',
    'base',
    `return () => { let sum = 0; for (let i = 0; i < ${LOADS}; i++) sum = (sum + array[base + i]) | 0; return sum; };`,
  ) as (array: Uint32Array, base: number) => () => number;
  return body(array, base);
}

export async function measureFieldLoad(samples: number): Promise<FieldLoadFigures> {
  const heap = Heap.create({ capacityBytes: '16M' });
  const shape = heap.defineShape({ name: 'data', elements: 'u32' });
  const mutator = heap.attachMutator();
  const ref = mutator.allocate(shape, LOADS);
  const arms = {
    heap: makeArm(mutator.u32, ref * 2 + shape.elementsOffset),
    arrayBuffer: makeArm(new Uint32Array(new ArrayBuffer(LOADS * 4 + 64)), 2),
    sharedArrayBuffer: makeArm(new Uint32Array(new SharedArrayBuffer(LOADS * 4 + 64)), 2),
  };
  const names = Object.keys(arms) as (keyof typeof arms)[];
  const best: Record<keyof typeof arms, number> = { heap: Infinity, arrayBuffer: Infinity, sharedArrayBuffer: Infinity };
  let sink = 0;
  // The first round is thrown away: `benchmark` compiles its loop for the first arm it sees, and again for the others.
  for (let round = 0; round < 5; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const benchmark = new Benchmark(() => (sink = (sink + arms[name]()) | 0), { minSamples: Math.ceil(samples / 4), maxTime: 0.7 });
      benchmark.run();
      if (round > 0) best[name] = Math.min(best[name], (Math.min(...benchmark.stats.sample) * 1e9) / LOADS);
    }
  }
  if (!Number.isInteger(sink)) throw new Error('the loops were optimised away');
  mutator.detach();
  await heap.close();
  return {
    heapNs: best.heap,
    arrayBufferNs: best.arrayBuffer,
    sharedArrayBufferNs: best.sharedArrayBuffer,
    ratio: best.heap / Math.min(best.arrayBuffer, best.sharedArrayBuffer),
  };
}
