/**
 * allocation-rate: after HyperAlloc (the synthetic workload of Amazon's Heapothesys): how much is allocated a second, and how much stays
 * alive, as two knobs; beside them sizes of objects, density of pointers, mutation rate and survival. Presets take the sizes of
 * programs of the DaCapo suite from its nominal statistics.
 *
 *     table ─▶ holder ─▶ newest object of a cluster ─▶ … ─▶ oldest
 *                          └──▶ other objects of the cluster, and any holders
 *
 * One operation makes a cluster of objects that refer to each other; a share of the clusters takes the place of another one in a holder
 * chosen at random, which dies then. Clusters refer to each other by holders only, so that what is dead is not kept alive. References
 * of live clusters are swung, and now and then one cluster is checked, object by object.
 */
import { CLUSTER, type Clusters, HeapClusters, MOST_REFERENCES, PlainClusters } from './clusters.ts';
import { Random } from './random.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

/** Of the references to anything but the object made before, this share (1/n) goes to a holder. */
const HOLDER_SHARE = 4;
/** Header, one word of references, the stamp. */
const LEAST_WORDS = 3;

/** The sizes of objects, in words with their headers: a distribution with given percentiles and mean. */
export class SizeDistribution {
  readonly #words10: number;
  readonly #words50: number;
  readonly #words90: number;
  readonly #mostWords: number;

  constructor(parameters: Parameters) {
    this.#words10 = Math.max(LEAST_WORDS, knob(parameters, 'objectBytesP10') >>> 3);
    this.#words50 = Math.max(this.#words10, knob(parameters, 'objectBytesP50') >>> 3);
    this.#words90 = Math.max(this.#words50, knob(parameters, 'objectBytesP90') >>> 3);
    // Nine tenths of the objects lie between the percentiles; the mean says how large the largest tenth has to be.
    const rest = 0.1 * this.#words10 + 0.2 * (this.#words10 + this.#words50) + 0.2 * (this.#words50 + this.#words90);
    const tail = (knob(parameters, 'objectBytesMean') / 8 - rest) * 10;
    this.#mostWords = Math.max(this.#words90, Math.floor(2 * tail) - this.#words90);
  }

  pick(random: Random): number {
    const share = random.fraction();
    if (share < 0.1) return this.#words10;
    if (share < 0.5) return this.#between(random, this.#words10, this.#words50);
    if (share < 0.9) return this.#between(random, this.#words50, this.#words90);
    return this.#between(random, this.#words90, this.#mostWords);
  }

  #between(random: Random, least: number, most: number): number {
    return least + random.below(most - least + 1);
  }
}

/** Reference fields of an object of that size: at least one, and room for the stamp is left. */
export function referencesOf(words: number, density: number): number {
  let references = Math.max(1, Math.min(MOST_REFERENCES, Math.floor(density * words + 0.5)));
  while (1 + ((references + 1) >>> 1) + 1 > words) references--;
  return references;
}

class AllocationRate extends Work {
  readonly #clusters: Clusters;
  readonly #random: Random;
  readonly #sizes: SizeDistribution;
  readonly #density: number;
  readonly #mutations: number;
  readonly #checkEvery: number;
  readonly #survivalPercent: number;
  /** The number of the cluster in each holder. */
  readonly #numbers: Uint32Array;
  #made = 0;

  constructor(clusters: Clusters, parameters: Parameters, seed: number) {
    super();
    this.#clusters = clusters;
    this.#random = new Random(seed);
    this.#sizes = new SizeDistribution(parameters);
    this.#density = knob(parameters, 'pointerDensity');
    this.#mutations = knob(parameters, 'mutationsPerOperation');
    this.#checkEvery = knob(parameters, 'checkEvery');
    this.#survivalPercent = knob(parameters, 'survivalPercent');
    const holders = Math.max(1, Math.floor(knob(parameters, 'liveBytes') / (CLUSTER * knob(parameters, 'objectBytesMean'))));
    this.#numbers = new Uint32Array(holders);
  }

  build(): void {
    this.#clusters.build(this.#numbers.length);
    for (let holder = 0; holder < this.#numbers.length; holder++) this.#makeCluster(holder);
  }

  step(index: number): void {
    const holders = this.#numbers.length;
    const survives = this.#random.below(100) < this.#survivalPercent;
    this.#makeCluster(survives ? this.#random.below(holders) : -1);
    for (let i = 0; i < this.#mutations; i++) this.#clusters.swing(this.#random.below(holders), this.#random.below(CLUSTER));
    if (index % this.#checkEvery === 0) this.#checkCluster(this.#random.below(holders));
  }

  verify(): void {
    for (let holder = 0; holder < this.#numbers.length; holder++) {
      this.#checkCluster(holder);
      this.add(this.#numbers[holder]!);
    }
  }

  corrupt(): void {
    for (let holder = 0; holder < this.#numbers.length; holder++) this.#clusters.spoil(holder);
  }

  #makeCluster(holder: number): void {
    const number = ++this.#made;
    for (let member = 0; member < CLUSTER; member++) {
      const words = this.#sizes.pick(this.#random);
      const references = referencesOf(words, this.#density);
      this.#clusters.make(member, words, references, number * CLUSTER + member);
      for (let reference = 1; reference < references; reference++) {
        if (this.#random.below(HOLDER_SHARE) === 0) {
          this.#clusters.linkHolder(member, reference, this.#random.below(this.#numbers.length));
        } else this.#clusters.linkMember(member, reference, this.#random.below(member + 1));
      }
    }
    this.#clusters.put(holder);
    if (holder >= 0) this.#numbers[holder] = number;
  }

  #checkCluster(holder: number): void {
    const last = this.#numbers[holder]! * CLUSTER + CLUSTER - 1;
    this.checks += CLUSTER;
    this.mismatches += CLUSTER - this.#clusters.count(holder, last);
  }
}

export const allocationRate: Workload = {
  name: 'allocation-rate',
  quick: { liveBytes: 4 * 2 ** 20, warmUpOperations: 20_000, operations: 100_000 },
  unit: 'clusters of 8 objects',
  hasRequests: true,
  defaults: {
    /** Allocated a second by each mutator, at a fixed schedule; 0: as fast as it goes. */
    bytesPerSecond: 0,
    liveBytes: 32 * 2 ** 20,
    objectBytesP10: 24,
    objectBytesP50: 40,
    objectBytesP90: 96,
    objectBytesMean: 56,
    /** Reference slots among all words. */
    pointerDensity: 0.35,
    /** References of live clusters that are swung. */
    mutationsPerOperation: 1,
    /** Operations from one look at a live cluster to the next. */
    checkEvery: 4,
    survivalPercent: 10,
    warmUpOperations: 200_000,
    operations: 1_500_000,
  },
  // Sizes and live data as benchmarks/bms/*/stats-nominal.yml of dacapobench tell them (AOS, AOM, AOL, AOA, GMD, ARA); density,
  // survival and mutation are not told there.
  presets: {
    lusearch: {
      objectBytesP10: 24,
      objectBytesP50: 24,
      objectBytesP90: 96,
      objectBytesMean: 75,
      liveBytes: 21e6,
      survivalPercent: 1,
    },
    h2: { objectBytesP10: 24, objectBytesP50: 32, objectBytesP90: 64, objectBytesMean: 41, liveBytes: 681e6, survivalPercent: 15 },
    cassandra: { objectBytesP10: 24, objectBytesP50: 32, objectBytesP90: 56, objectBytesMean: 38, liveBytes: 128e6, survivalPercent: 10 },
  },
  plan: (parameters) => ({
    warmUp: knob(parameters, 'warmUpOperations'),
    operations: knob(parameters, 'operations'),
    operationsPerSecond: knob(parameters, 'bytesPerSecond') / (CLUSTER * knob(parameters, 'objectBytesMean')),
  }),
  onHeap: (memory, parameters, seed) => new AllocationRate(new HeapClusters(memory), parameters, seed),
  plain: (parameters, seed) => new AllocationRate(new PlainClusters(), parameters, seed),
};
