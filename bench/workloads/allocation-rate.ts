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
 * of live clusters are swung, and one cluster is checked, object by object.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { Random } from './random.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

/** Objects of a cluster. */
const CLUSTER = 8;
const MOST_REFERENCES = 8;
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

/** Clusters on one kind of memory. The one that is being made has its objects at `members` 0 to {@link CLUSTER} - 1. */
interface Clusters {
  build(holders: number): void;
  /** A new member with so many references and words; its first reference leads to the one before. A safepoint. */
  make(member: number, words: number, references: number, stamp: number): void;
  linkMember(member: number, reference: number, to: number): void;
  linkHolder(member: number, reference: number, holder: number): void;
  /** The cluster just made goes into the holder, or nowhere (-1). */
  put(holder: number): void;
  /** Swings the second reference of the object after `steps` steps to the newest one of its cluster. */
  swing(holder: number, steps: number): void;
  /** How many objects of the holder's cluster carry the right stamps, which count down from `stamp` on. */
  count(holder: number, stamp: number): number;
  spoil(holder: number): void;
}

class AllocationRate extends Work {
  readonly #clusters: Clusters;
  readonly #random: Random;
  readonly #sizes: SizeDistribution;
  readonly #density: number;
  readonly #mutations: number;
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
    this.#survivalPercent = knob(parameters, 'survivalPercent');
    const holders = Math.max(1, Math.floor(knob(parameters, 'liveBytes') / (CLUSTER * knob(parameters, 'objectBytesMean'))));
    this.#numbers = new Uint32Array(holders);
  }

  build(): void {
    this.#clusters.build(this.#numbers.length);
    for (let holder = 0; holder < this.#numbers.length; holder++) this.#makeCluster(holder);
  }

  step(_index: number): void {
    const holders = this.#numbers.length;
    const survives = this.#random.below(100) < this.#survivalPercent;
    this.#makeCluster(survives ? this.#random.below(holders) : -1);
    for (let i = 0; i < this.#mutations; i++) this.#clusters.swing(this.#random.below(holders), this.#random.below(CLUSTER));
    this.#checkCluster(this.#random.below(holders));
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

const TABLE = 0;
const FIRST_MEMBER = 1;
const FIRST_REFERENCE = 2;

class HeapClusters implements Clusters {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #table: BenchShape;
  readonly #holder: BenchShape;
  /** By number of references. */
  readonly #shapes: BenchShape[] = [];
  /** By shape id: where the stamp is, in words from the object's start. */
  readonly #stampOf: number[] = [];
  /** By shape id: how many references. */
  readonly #referencesOf: number[] = [];

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#table = memory.defineArray('bench.table', 0, true);
    this.#holder = memory.defineShape('bench.holder', 1, 0);
    for (let references = 1; references <= MOST_REFERENCES; references++) {
      const shape = memory.defineArray(`bench.member-${references}`, references, false);
      this.#shapes[references] = shape;
      this.#stampOf[shape.shape.id] = shape.elements;
      this.#referencesOf[shape.shape.id] = references;
    }
  }

  build(holders: number): void {
    this.#roots[TABLE] = this.#memory.allocate(this.#table, holders);
    for (let i = 0; i < holders; i++) {
      const holder = this.#memory.allocate(this.#holder);
      this.#memory.store(this.#slot(i), holder);
    }
  }

  make(member: number, words: number, references: number, stamp: number): void {
    const shape = this.#shapes[references]!;
    const object = this.#memory.allocate(shape, words - shape.fixedWords);
    this.#memory.f64[object + shape.elements] = stamp;
    if (member > 0) this.#memory.u32[object * 2 + FIRST_REFERENCE] = this.#roots[FIRST_MEMBER + member - 1]!;
    this.#roots[FIRST_MEMBER + member] = object;
  }

  linkMember(member: number, reference: number, to: number): void {
    this.#memory.u32[this.#roots[FIRST_MEMBER + member]! * 2 + FIRST_REFERENCE + reference] = this.#roots[FIRST_MEMBER + to]!;
  }

  linkHolder(member: number, reference: number, holder: number): void {
    const slot = this.#roots[FIRST_MEMBER + member]! * 2 + FIRST_REFERENCE + reference;
    this.#memory.u32[slot] = this.#memory.load(this.#slot(holder));
  }

  put(holder: number): void {
    if (holder >= 0) this.#memory.store(this.#newest(holder), this.#roots[FIRST_MEMBER + CLUSTER - 1]!);
    this.#roots.fill(0, FIRST_MEMBER, FIRST_MEMBER + CLUSTER);
  }

  swing(holder: number, steps: number): void {
    const newest = this.#memory.load(this.#newest(holder));
    let object = newest;
    for (let i = 0; i < steps; i++) object = this.#memory.load(object * 2 + FIRST_REFERENCE);
    if (this.#referencesOf[this.#memory.u32[object * 2]!]! > 1) this.#memory.store(object * 2 + FIRST_REFERENCE + 1, newest);
  }

  count(holder: number, stamp: number): number {
    let right = 0;
    let wanted = stamp;
    const { f64, u32 } = this.#memory;
    for (let object: Ref = this.#memory.load(this.#newest(holder)); object !== 0; ) {
      if (f64[object + this.#stampOf[u32[object * 2]!]!] === wanted) right++;
      wanted--;
      object = this.#memory.load(object * 2 + FIRST_REFERENCE);
    }
    return right;
  }

  spoil(holder: number): void {
    const object = this.#memory.load(this.#newest(holder));
    this.#memory.f64[object + this.#stampOf[this.#memory.u32[object * 2]!]!] = -1;
  }

  #slot(holder: number): number {
    return this.#roots[TABLE]! * 2 + this.#table.elements + holder;
  }

  #newest(holder: number): number {
    return this.#memory.load(this.#slot(holder)) * 2 + FIRST_REFERENCE;
  }
}

interface PlainHolder {
  newest: Member | null;
}

/** References, then the stamp, then zeros. */
interface Member {
  readonly references: number;
  readonly slots: (Member | PlainHolder | number | null)[];
}

class PlainClusters implements Clusters {
  #holders: PlainHolder[] = [];
  readonly #members: (Member | null)[] = new Array<Member | null>(CLUSTER).fill(null);

  build(holders: number): void {
    this.#holders = Array.from({ length: holders }, () => ({ newest: null }));
  }

  make(member: number, words: number, references: number, stamp: number): void {
    // As many slots as make the array, its elements and the object about that long in V8.
    const slots = new Array<Member | PlainHolder | number | null>(Math.max(references + 1, words - 1)).fill(null);
    slots[references] = stamp;
    if (member > 0) slots[0] = this.#members[member - 1]!;
    this.#members[member] = { references, slots };
  }

  linkMember(member: number, reference: number, to: number): void {
    this.#members[member]!.slots[reference] = this.#members[to]!;
  }

  linkHolder(member: number, reference: number, holder: number): void {
    this.#members[member]!.slots[reference] = this.#holders[holder]!;
  }

  put(holder: number): void {
    if (holder >= 0) this.#holders[holder]!.newest = this.#members[CLUSTER - 1]!;
    this.#members.fill(null);
  }

  swing(holder: number, steps: number): void {
    const newest = this.#holders[holder]!.newest!;
    let object = newest;
    for (let i = 0; i < steps; i++) object = object.slots[0] as Member;
    if (object.references > 1) object.slots[1] = newest;
  }

  count(holder: number, stamp: number): number {
    let right = 0;
    let wanted = stamp;
    for (let object = this.#holders[holder]!.newest; object !== null; object = object.slots[0] as Member | null) {
      if (object.slots[object.references] === wanted) right++;
      wanted--;
    }
    return right;
  }

  spoil(holder: number): void {
    const { slots, references } = this.#holders[holder]!.newest!;
    slots[references] = -1;
  }
}

export const allocationRate: Workload = {
  name: 'allocation-rate',
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
    mutationsPerOperation: 4,
    survivalPercent: 10,
    warmUpOperations: 300_000,
    operations: 2_000_000,
  },
  // Sizes and live data as benchmarks/bms/*/stats-nominal.yml of dacapobench tell them (AOS, AOM, AOL, AOA, GMD, ARA); density,
  // survival and mutation are not told there.
  presets: {
    lusearch: {
      objectBytesP10: 24, objectBytesP50: 24, objectBytesP90: 96, objectBytesMean: 75, liveBytes: 21e6, survivalPercent: 1,
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
