/** Heap snapshots as input: reading them, and taking one when none is given. */
export type { ObjectGraph } from './object-graph.ts';
export { readSnapshot, type ReadOptions } from './read-snapshot.ts';
export { defaultSnapshot, takeSample, type DefaultSnapshotOptions } from './default-snapshot.ts';
