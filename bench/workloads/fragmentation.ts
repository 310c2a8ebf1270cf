/**
 * fragmentation: after the test of Redis in "Mesh: compacting memory management for C/C++ applications" (Powers, Tench, Berger, McGregor;
 * PLDI 2019). A cache with a limit is filled with more values of one size than it holds, then with values of another size. What is evicted
 * is what was used least recently among a few entries taken at random, as Redis does it, so it leaves holes all over the heap.
 *
 * The figure to look at is the heap's file beside the bytes alive, over time, and after one collection that follows the last value.
 * One operation puts one value in and looks at a few; during that collection requests read values.
 */
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { mixed, Random } from './random.ts';
import { RootTable } from './root-table.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

const HEADER_BYTES = 8;
/** As in Redis (`maxmemory-samples`). */
const EVICTION_SAMPLES = 5;
/** Values looked at in an operation, and in a request that only reads. */
const LOOKS = 2;

/** Values by index. */
interface Values {
  build(capacity: number): void;
  /** A new value of so many doubles, which tell its stamp. A safepoint. */
  put(index: number, words: number, stamp: number): void;
  move(to: number, from: number): void;
  clear(index: number): void;
  words(index: number): number;
  word(index: number, at: number): number;
  spoil(index: number): void;
}

function stampWord(stamp: number, at: number): number {
  return mixed(stamp + at) >>> 2;
}

class Fragmentation extends Work {
  readonly #values: Values;
  readonly #random: Random;
  /** Of requests that only read: how many there are must not change the rest. */
  readonly #readRandom: Random;
  readonly #limitBytes: number;
  readonly #firstBytes: number;
  readonly #secondBytes: number;
  readonly #firstCount: number;
  readonly #stamps: Uint32Array;
  readonly #used: Uint32Array;
  #count = 0;
  #bytes = 0;
  #clock = 0;

  constructor(values: Values, parameters: Parameters, seed: number) {
    super();
    this.#values = values;
    this.#random = new Random(seed);
    this.#readRandom = new Random(~seed);
    this.#limitBytes = knob(parameters, 'limitBytes');
    this.#firstBytes = knob(parameters, 'firstBytes') & ~7;
    this.#secondBytes = (knob(parameters, 'secondBytes') + 7) & ~7;
    this.#firstCount = knob(parameters, 'firstCount');
    const capacity = Math.floor(this.#limitBytes / Math.min(this.#firstBytes, this.#secondBytes)) + 1;
    this.#stamps = new Uint32Array(capacity);
    this.#used = new Uint32Array(capacity);
  }

  build(): void {
    this.#values.build(this.#stamps.length);
  }

  step(index: number): void {
    this.#clock++;
    const bytes = index < this.#firstCount ? this.#firstBytes : this.#secondBytes;
    while (this.#bytes + bytes > this.#limitBytes) this.#evict();
    const at = this.#count++;
    this.#stamps[at] = this.#used[at] = this.#clock;
    this.#bytes += bytes;
    this.#values.put(at, (bytes - HEADER_BYTES) >>> 3, this.#clock);
    for (let look = 0; look < LOOKS; look++) {
      const seen = this.#random.below(this.#count);
      this.#used[seen] = this.#clock;
      this.#checkValue(seen);
    }
  }

  override look(): void {
    for (let look = 0; look < LOOKS; look++) {
      const seen = this.#readRandom.below(this.#count);
      if (!this.#isStamped(seen, 0) || !this.#isStamped(seen, this.#values.words(seen) - 1)) this.mismatches++;
    }
  }

  verify(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#checkValue(i);
      this.add(this.#stamps[i]!);
    }
  }

  corrupt(): void {
    for (let i = 0; i < this.#count; i += 2) this.#values.spoil(i);
  }

  override liveBytes(): number {
    return this.#bytes;
  }

  #evict(): void {
    let oldest = this.#random.below(this.#count);
    for (let sample = 1; sample < EVICTION_SAMPLES; sample++) {
      const other = this.#random.below(this.#count);
      if (this.#used[other]! < this.#used[oldest]!) oldest = other;
    }
    this.#bytes -= this.#values.words(oldest) * 8 + HEADER_BYTES;
    const last = --this.#count;
    this.#values.move(oldest, last);
    this.#values.clear(last);
    this.#stamps[oldest] = this.#stamps[last]!;
    this.#used[oldest] = this.#used[last]!;
  }

  #checkValue(index: number): void {
    this.check(this.#isStamped(index, 0));
    this.check(this.#isStamped(index, this.#values.words(index) - 1));
  }

  #isStamped(index: number, at: number): boolean {
    return this.#values.word(index, at) === stampWord(this.#stamps[index]!, at);
  }
}

const TABLE = 0;

class HeapValues implements Values {
  readonly #memory: BenchMutator;
  readonly #table: RootTable;
  readonly #value: BenchShape;

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#table = new RootTable(memory, TABLE);
    this.#value = memory.defineArray('bench.doubles', 0, false);
  }

  build(capacity: number): void {
    this.#table.build(capacity);
  }

  put(index: number, words: number, stamp: number): void {
    const value = this.#memory.allocate(this.#value, words);
    const first = value + this.#value.elements;
    for (let i = 0; i < words; i++) this.#memory.f64[first + i] = stampWord(stamp, i);
    this.#memory.store(this.#table.slot(index), value);
  }

  move(to: number, from: number): void {
    this.#memory.store(this.#table.slot(to), this.#memory.load(this.#table.slot(from)));
  }

  clear(index: number): void {
    this.#memory.store(this.#table.slot(index), 0);
  }

  words(index: number): number {
    return this.#memory.count(this.#memory.load(this.#table.slot(index)));
  }

  word(index: number, at: number): number {
    return this.#memory.f64[this.#memory.load(this.#table.slot(index)) + this.#value.elements + at]!;
  }

  spoil(index: number): void {
    this.#memory.f64[this.#memory.load(this.#table.slot(index)) + this.#value.elements] = -1;
  }
}

class PlainValues implements Values {
  #table: (number[] | null)[] = [];

  build(capacity: number): void {
    this.#table = new Array<number[] | null>(capacity).fill(null);
  }

  put(index: number, words: number, stamp: number): void {
    const value: number[] = new Array<number>(words);
    for (let i = 0; i < words; i++) value[i] = stampWord(stamp, i);
    this.#table[index] = value;
  }

  move(to: number, from: number): void {
    this.#table[to] = this.#table[from]!;
  }

  clear(index: number): void {
    this.#table[index] = null;
  }

  words(index: number): number {
    return this.#table[index]!.length;
  }

  word(index: number, at: number): number {
    return this.#table[index]![at]!;
  }

  spoil(index: number): void {
    this.#table[index]![0] = -1;
  }
}

export const fragmentation: Workload = {
  name: 'fragmentation',
  quick: { limitBytes: 8 * 2 ** 20, firstCount: 60_000, secondCount: 30_000 },
  unit: 'values',
  hasRequests: true,
  looksPerSecond: 50_000,
  defaults: {
    /** Of values with their headers. */
    limitBytes: 48 * 2 ** 20,
    /** Values of the first size: their bytes (rounded down to words) and how many; then those of the second (rounded up). */
    firstBytes: 240,
    firstCount: 350_000,
    secondBytes: 492,
    secondCount: 170_000,
  },
  plan: (parameters) => ({ warmUp: 0, operations: knob(parameters, 'firstCount') + knob(parameters, 'secondCount') }),
  onHeap: (memory, parameters, seed) => new Fragmentation(new HeapValues(memory), parameters, seed),
  plain: (parameters, seed) => new Fragmentation(new PlainValues(), parameters, seed),
};
