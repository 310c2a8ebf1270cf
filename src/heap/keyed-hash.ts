/**
 * Keyed hash: hashes values that a program, or its input, may choose, with a secret key of the heap: HalfSipHash-1-3 (Aumasson & Bernstein,
 * "SipHash: a fast short-input PRF", 2012, in 32-bit words). Without the key, nobody can choose texts that collide. A text is hashed as the
 * bytes of its UTF-16 code units. native/heap/keyed_hash.h is the same function; both are tested with the same vectors.
 */

/** The secret: two halves of 32 bits. The same in all threads of a heap; never in a token, event or message. */
export interface HashKey {
  readonly low: number;
  readonly high: number;
}

/** The state of the hash that is being computed; a thread computes one at a time. */
const state = new Int32Array(4);

/** @internal Hashes with one key. Each hash is 32 bits, unsigned. */
export class KeyedHash {
  readonly #low: number;
  readonly #high: number;

  /** Different `variant`s of a key (small integers) hash independently of each other. */
  constructor({ low, high }: HashKey, variant = 0) {
    this.#low = low | 0;
    this.#high = (high + variant) | 0;
  }

  ofText(text: string): number {
    this.#begin();
    const { length } = text;
    for (let i = 1; i < length; i += 2) add(text.charCodeAt(i - 1) | (text.charCodeAt(i) << 16));
    return end((length << 25) | ((length & 1) === 0 ? 0 : text.charCodeAt(length - 1)));
  }

  /** The hash of 32 bits. */
  ofWord(word: number): number {
    this.#begin();
    add(word);
    return end(4 << 24);
  }

  /** The hash of 64 bits. */
  ofWords(low: number, high: number): number {
    this.#begin();
    add(low);
    add(high);
    return end(8 << 24);
  }

  #begin(): void {
    state[0] = this.#low;
    state[1] = this.#high;
    state[2] = this.#low ^ 0x6c796765;
    state[3] = this.#high ^ 0x74656462;
  }
}

/** One round. */
function add(word: number): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]! ^ word;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  state[0] = v0 ^ word;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

/** `last`: the bytes after the last whole word, and above them the total number of bytes, modulo 256. */
function end(last: number): number {
  add(last);
  state[2] = state[2]! ^ 0xff;
  add(0);
  add(0);
  add(0);
  return (state[1]! ^ state[3]!) >>> 0;
}
