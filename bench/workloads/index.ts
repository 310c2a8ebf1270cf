/** Every workload by name. */
import { allocationRate } from './allocation-rate.ts';
import { binaryTrees } from './binary-trees.ts';
import { documents } from './documents.ts';
import { fragmentation } from './fragmentation.ts';
import { gcbench } from './gcbench.ts';
import { graph } from './graph.ts';
import { lru } from './lru.ts';
import { replay } from './replay.ts';
import type { Workload } from './workload.ts';

const ALL = [gcbench, binaryTrees, lru, fragmentation, allocationRate, graph, documents, replay];

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(ALL.map((workload) => [workload.name, workload]));
