/**
 * The stores of the workload lru: a hash table with chains, and a ring in the order of use. On a heap, and of plain objects.
 */
import type { Ref } from 'faultline';
import type { BenchMutator, BenchShape } from './bench-mutator.ts';
import { mixed } from './random.ts';
import { RootTable } from './root-table.ts';

/** Number `index` of the value that was put in for the key at that stamp: an integer below 2^30. */
export function valueWord(key: number, stamp: number, index: number): number {
  return mixed(Math.imul(key, 0x9e3779b1) ^ (stamp + index)) >>> 2;
}

/** The cache on one kind of memory: an `Entry` names an entry until the next safepoint. */
export interface Store<Entry> {
  build(buckets: number): void;
  find(key: number): Entry | null;
  stamp(entry: Entry): number;
  expires(entry: Entry): number;
  /** Of the value. */
  words(entry: Entry): number;
  word(entry: Entry, index: number): number;
  /** Makes it the newest. */
  touch(entry: Entry): void;
  /** A safepoint. */
  insert(key: number, stamp: number, expires: number, words: number): void;
  remove(key: number): void;
  /** The oldest entry's key, -1 when there is none. */
  oldestKey(): number;
  /** From the newest entry on. */
  forEach(visit: (entry: Entry, key: number) => void): void;
  spoil(entry: Entry): void;
}

/** u32 slots from an entry's start. */
const CHAIN = 2;
const NEWER = 3;
const OLDER = 4;
const VALUE = 5;
const KEY = 6;
const STAMP = 7;
const EXPIRES = 8;
const NO_KEY = 0xffffffff;

const TABLE = 0;
const ENDS = 1;
const NEW_VALUE = 2;

export class HeapStore implements Store<Ref> {
  readonly #memory: BenchMutator;
  readonly #roots: Uint32Array;
  readonly #u32: Uint32Array;
  readonly #buckets: RootTable;
  readonly #entry: BenchShape;
  readonly #value: BenchShape;
  #mask = 0;

  constructor(memory: BenchMutator) {
    this.#memory = memory;
    this.#roots = memory.roots;
    this.#u32 = memory.u32;
    this.#buckets = new RootTable(memory, TABLE);
    this.#entry = memory.defineShape('bench.entry', 4, 3);
    this.#value = memory.defineArray('bench.doubles', 0, false);
  }

  build(buckets: number): void {
    this.#mask = buckets - 1;
    this.#buckets.build(buckets);
    const ends = this.#memory.allocate(this.#entry);
    this.#u32[ends * 2 + KEY] = NO_KEY;
    this.#u32[ends * 2 + NEWER] = ends;
    this.#u32[ends * 2 + OLDER] = ends;
    this.#roots[ENDS] = ends;
  }

  find(key: number): Ref | null {
    let entry = this.#memory.load(this.#bucket(key));
    while (entry !== 0 && this.#u32[entry * 2 + KEY] !== key) entry = this.#memory.load(entry * 2 + CHAIN);
    return entry === 0 ? null : entry;
  }

  stamp(entry: Ref): number {
    return this.#u32[entry * 2 + STAMP]!;
  }

  expires(entry: Ref): number {
    return this.#u32[entry * 2 + EXPIRES]!;
  }

  words(entry: Ref): number {
    return this.#memory.count(this.#memory.load(entry * 2 + VALUE));
  }

  word(entry: Ref, index: number): number {
    return this.#memory.f64[this.#memory.load(entry * 2 + VALUE) + this.#value.elements + index]!;
  }

  touch(entry: Ref): void {
    this.#unlink(entry);
    this.#link(entry);
  }

  insert(key: number, stamp: number, expires: number, words: number): void {
    const value = this.#memory.allocate(this.#value, words);
    this.#roots[NEW_VALUE] = value;
    const first = value + this.#value.elements;
    for (let i = 0; i < words; i++) this.#memory.f64[first + i] = valueWord(key, stamp, i);
    const entry = this.#memory.allocate(this.#entry);
    const slot = entry * 2;
    this.#u32[slot + VALUE] = this.#roots[NEW_VALUE]!;
    this.#roots[NEW_VALUE] = 0;
    this.#u32[slot + KEY] = key;
    this.#u32[slot + STAMP] = stamp;
    this.#u32[slot + EXPIRES] = expires;
    const bucket = this.#bucket(key);
    this.#u32[slot + CHAIN] = this.#memory.load(bucket);
    this.#memory.store(bucket, entry);
    this.#link(entry);
  }

  remove(key: number): void {
    let slot = this.#bucket(key);
    for (let entry = this.#memory.load(slot); entry !== 0; entry = this.#memory.load(slot)) {
      if (this.#u32[entry * 2 + KEY] === key) {
        this.#memory.store(slot, this.#memory.load(entry * 2 + CHAIN));
        this.#unlink(entry);
        return;
      }
      slot = entry * 2 + CHAIN;
    }
  }

  oldestKey(): number {
    const key = this.#u32[this.#memory.load(this.#roots[ENDS]! * 2 + NEWER) * 2 + KEY]!;
    return key === NO_KEY ? -1 : key;
  }

  forEach(visit: (entry: Ref, key: number) => void): void {
    const ends = this.#roots[ENDS]!;
    for (let entry = this.#memory.load(ends * 2 + OLDER); entry !== ends; entry = this.#memory.load(entry * 2 + OLDER)) {
      visit(entry, this.#u32[entry * 2 + KEY]!);
    }
  }

  spoil(entry: Ref): void {
    this.#memory.f64[this.#memory.load(entry * 2 + VALUE) + this.#value.elements] = -1;
  }

  #bucket(key: number): number {
    return this.#buckets.slot(mixed(key) & this.#mask);
  }

  /** The ring runs from `ends` by OLDER to the newest entry first, by NEWER to the oldest one. */
  #link(entry: Ref): void {
    const ends = this.#roots[ENDS]!;
    const newest = this.#memory.load(ends * 2 + OLDER);
    this.#memory.store(entry * 2 + OLDER, newest);
    this.#memory.store(entry * 2 + NEWER, ends);
    this.#memory.store(newest * 2 + NEWER, entry);
    this.#memory.store(ends * 2 + OLDER, entry);
  }

  #unlink(entry: Ref): void {
    const newer = this.#memory.load(entry * 2 + NEWER);
    const older = this.#memory.load(entry * 2 + OLDER);
    this.#memory.store(newer * 2 + OLDER, older);
    this.#memory.store(older * 2 + NEWER, newer);
  }
}

class PlainEntry {
  chain: PlainEntry | null = null;
  newer: PlainEntry = this;
  older: PlainEntry = this;
  readonly value: number[];
  readonly key: number;
  readonly stamp: number;
  readonly expires: number;

  constructor(value: number[], key: number, stamp: number, expires: number) {
    this.value = value;
    this.key = key;
    this.stamp = stamp;
    this.expires = expires;
  }
}

export class PlainStore implements Store<PlainEntry> {
  #table: (PlainEntry | null)[] = [];
  readonly #ends = new PlainEntry([], -1, 0, 0);

  build(buckets: number): void {
    this.#table = new Array<PlainEntry | null>(buckets).fill(null);
  }

  find(key: number): PlainEntry | null {
    let entry = this.#table[this.#bucket(key)]!;
    while (entry !== null && entry.key !== key) entry = entry.chain!;
    return entry;
  }

  stamp(entry: PlainEntry): number {
    return entry.stamp;
  }

  expires(entry: PlainEntry): number {
    return entry.expires;
  }

  words(entry: PlainEntry): number {
    return entry.value.length;
  }

  word(entry: PlainEntry, index: number): number {
    return entry.value[index]!;
  }

  touch(entry: PlainEntry): void {
    this.#unlink(entry);
    this.#link(entry);
  }

  insert(key: number, stamp: number, expires: number, words: number): void {
    const value: number[] = new Array<number>(words);
    for (let i = 0; i < words; i++) value[i] = valueWord(key, stamp, i);
    const entry = new PlainEntry(value, key, stamp, expires);
    const bucket = this.#bucket(key);
    entry.chain = this.#table[bucket]!;
    this.#table[bucket] = entry;
    this.#link(entry);
  }

  remove(key: number): void {
    const bucket = this.#bucket(key);
    let before: PlainEntry | null = null;
    for (let entry = this.#table[bucket]!; entry !== null; entry = entry.chain!) {
      if (entry.key === key) {
        if (before === null) this.#table[bucket] = entry.chain;
        else before.chain = entry.chain;
        this.#unlink(entry);
        return;
      }
      before = entry;
    }
  }

  oldestKey(): number {
    return this.#ends.newer.key;
  }

  forEach(visit: (entry: PlainEntry, key: number) => void): void {
    for (let entry = this.#ends.older; entry !== this.#ends; entry = entry.older) visit(entry, entry.key);
  }

  spoil(entry: PlainEntry): void {
    entry.value[0] = -1;
  }

  #bucket(key: number): number {
    return mixed(key) & (this.#table.length - 1);
  }

  #link(entry: PlainEntry): void {
    const newest = this.#ends.older;
    entry.older = newest;
    entry.newer = this.#ends;
    newest.newer = entry;
    this.#ends.older = entry;
  }

  #unlink(entry: PlainEntry): void {
    entry.newer.older = entry.older;
    entry.older.newer = entry.newer;
  }
}
