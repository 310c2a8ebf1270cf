/**
 * lru: a cache with a limit in bytes, least recently used out first, whose entries also expire. Requests come at a fixed schedule (open
 * loop) or one after the other. A few keys are asked for most of the time.
 *
 *     table ─▶ entry ─▶ entry ─▶ …      chains of a hash table
 *     ends  ⇄  newest ⇄ … ⇄ oldest       a ring in the order of use
 *     entry ─▶ value                     an array of doubles that tells key and stamp
 *
 * A request asks for a key. It is answered from the cache and its value compared, or the value is made anew and put in, which drops the
 * oldest ones. Time to live is counted in requests, so that it does not depend on the clock. Beside the cache a plain array tells, for
 * each key, which stamp is in it: what is found must be just that.
 */
import { HeapStore, PlainStore, type Store, valueWord } from './lru-stores.ts';
import { Random } from './random.ts';
import { knob, type Parameters, Work, type Workload } from './workload.ts';

/** Header of a value and its entry with their fields, for the limit. */
const ENTRY_BYTES = 48;

class Lru<Entry> extends Work {
  readonly #store: Store<Entry>;
  readonly #random: Random;
  readonly #keys: number;
  readonly #limitBytes: number;
  readonly #leastWords: number;
  readonly #moreWords: number;
  readonly #ttl: number;
  readonly #writePercent: number;
  readonly #stamps: Uint32Array;
  #bytes = 0;
  #clock = 0;

  constructor(store: Store<Entry>, parameters: Parameters, seed: number) {
    super();
    this.#store = store;
    this.#random = new Random(seed);
    this.#keys = knob(parameters, 'keys');
    this.#limitBytes = knob(parameters, 'limitBytes');
    this.#leastWords = knob(parameters, 'valueBytesLeast') >>> 3;
    this.#moreWords = (knob(parameters, 'valueBytesMost') >>> 3) - this.#leastWords + 1;
    this.#ttl = knob(parameters, 'ttlRequests');
    this.#writePercent = knob(parameters, 'writePercent');
    this.#stamps = new Uint32Array(this.#keys);
  }

  build(): void {
    const meanBytes = (this.#leastWords + this.#moreWords / 2) * 8 + ENTRY_BYTES;
    let buckets = 1;
    while (buckets < this.#limitBytes / meanBytes) buckets *= 2;
    this.#store.build(buckets);
  }

  step(_index: number): void {
    this.#clock++;
    const key = this.#random.skewed(this.#keys);
    const isWrite = this.#random.below(100) < this.#writePercent;
    const words = this.#leastWords + this.#random.below(this.#moreWords);
    const entry = this.#store.find(key);
    const stamp = this.#stamps[key]!;
    this.check((entry !== null) === (stamp !== 0));
    if (entry !== null) {
      this.#checkEntry(entry, key);
      if (!isWrite && this.#clock < this.#store.expires(entry)) {
        this.#store.touch(entry);
        return;
      }
      this.#remove(key);
    }
    this.#insert(key, words);
  }

  verify(): void {
    let bytes = 0;
    this.#store.forEach((entry, key) => {
      this.#checkEntry(entry, key);
      bytes += this.#store.words(entry) * 8 + ENTRY_BYTES;
      this.add(key);
      this.add(this.#store.stamp(entry));
    });
    this.check(bytes === this.#bytes);
  }

  corrupt(): void {
    this.#store.forEach((entry) => this.#store.spoil(entry));
  }

  override liveBytes(): number {
    return this.#bytes;
  }

  #checkEntry(entry: Entry, key: number): void {
    const stamp = this.#stamps[key]!;
    const words = this.#store.words(entry);
    this.check(this.#store.stamp(entry) === stamp);
    this.check(this.#store.word(entry, 0) === valueWord(key, stamp, 0));
    this.check(this.#store.word(entry, words >>> 1) === valueWord(key, stamp, words >>> 1));
    this.check(this.#store.word(entry, words - 1) === valueWord(key, stamp, words - 1));
  }

  #insert(key: number, words: number): void {
    const bytes = words * 8 + ENTRY_BYTES;
    while (this.#bytes + bytes > this.#limitBytes) {
      const oldest = this.#store.oldestKey();
      if (oldest < 0) break;
      this.#remove(oldest);
    }
    this.#store.insert(key, this.#clock, this.#clock + this.#ttl, words);
    this.#stamps[key] = this.#clock;
    this.#bytes += bytes;
  }

  #remove(key: number): void {
    const entry = this.#store.find(key);
    if (entry === null) {
      this.check(false);
      return;
    }
    this.#bytes -= this.#store.words(entry) * 8 + ENTRY_BYTES;
    this.#store.remove(key);
    this.#stamps[key] = 0;
  }
}

export const lru: Workload = {
  name: 'lru',
  quick: { keys: 80_000, limitBytes: 8 * 2 ** 20, warmUpRequests: 50_000, requests: 200_000 },
  unit: 'requests',
  hasRequests: true,
  defaults: {
    keys: 400_000,
    /** Values, and {@link ENTRY_BYTES} for each. */
    limitBytes: 48 * 2 ** 20,
    valueBytesLeast: 64,
    valueBytesMost: 1024,
    ttlRequests: 1_000_000,
    writePercent: 10,
    warmUpRequests: 500_000,
    requests: 1_000_000,
  },
  plan: (parameters) => ({ warmUp: knob(parameters, 'warmUpRequests'), operations: knob(parameters, 'requests') }),
  onHeap: (memory, parameters, seed) => new Lru(new HeapStore(memory), parameters, seed),
  plain: (parameters, seed) => new Lru(new PlainStore(), parameters, seed),
};
