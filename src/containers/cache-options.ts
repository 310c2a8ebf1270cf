/**
 * Cache options: the limits of a cache, and what is said of one of its entries.
 */
import { argumentRangeError, argumentTypeError, optionsOf } from '../errors.ts';
import { parseBytes } from '../option-kinds.ts';

const MOST_ENTRIES = 2 ** 31 - 1;

/** What a cache holds at most; at least one of the two limits is needed. */
export interface CacheOptions {
  /** How many entries: 1 to 2^31 - 1. */
  readonly maxEntries?: number;
  /**
   * How much memory: keys, values and what the cache needs for them, in bytes or as text like `64M`. A reference counts as the object that
   * it leads to, and not what that leads to; {@link CacheEntryOptions.bytes} says more.
   */
  readonly maxBytes?: number | string;
  /** After how many milliseconds an entry is no longer there; default: never. */
  readonly ttlMs?: number;
}

/** What is said of one entry. */
export interface CacheEntryOptions {
  /** After how many milliseconds it is no longer there; default: that of the cache. */
  readonly ttlMs?: number;
  /** Bytes that it stands for besides its key and its value, which count for `maxBytes`: for an object, what that leads to. */
  readonly bytes?: number;
}

/** The limits of a cache; Infinity where there is none. */
export interface CacheLimits {
  /** How many entries. */
  readonly maxEntries: number;
  /** How much memory. */
  readonly maxBytes: number;
  /** After how many milliseconds an entry is no longer there. */
  readonly ttlMs: number;
}

/** @internal Throws TypeError or RangeError ERR_OPTION. */
export function limitsOf(options: CacheOptions): CacheLimits {
  const { maxEntries = Infinity, maxBytes, ttlMs = Infinity } = optionsOf('options of a cache', options);
  if (maxEntries === Infinity && maxBytes === undefined) {
    throw argumentRangeError('options of a cache', 'an object with maxEntries or maxBytes (what has no limit is a map)', options);
  }
  if (maxEntries !== Infinity && !(Number.isInteger(maxEntries) && maxEntries >= 1 && maxEntries <= MOST_ENTRIES)) {
    throw argumentRangeError('maxEntries', `an integer from 1 to ${MOST_ENTRIES}`, maxEntries);
  }
  return { maxEntries, maxBytes: maxBytes === undefined ? Infinity : parseBytes('maxBytes', maxBytes), ttlMs: timeOf(ttlMs) };
}

/** @internal {@link CacheEntryOptions}, read once. */
export interface EntryTerms {
  /** Undefined for that of the cache. */
  readonly ttlMs: number | undefined;
  readonly bytes: number;
}

/** @internal Reading them may do anything, so it comes before all else. Throws TypeError or RangeError ERR_OPTION. */
export function entryTermsOf(options: CacheEntryOptions): EntryTerms {
  const { ttlMs, bytes = 0 } = optionsOf('options of an entry', options);
  if (typeof bytes !== 'number') throw argumentTypeError('bytes of an entry', 'a number', bytes);
  if (!(bytes >= 0)) throw argumentRangeError('bytes of an entry', 'a number of at least 0', bytes);
  return { ttlMs: ttlMs === undefined ? undefined : timeOf(ttlMs), bytes };
}

function timeOf(ttlMs: number): number {
  if (typeof ttlMs !== 'number') throw argumentTypeError('ttlMs', 'a number', ttlMs);
  if (!(ttlMs > 0)) throw argumentRangeError('ttlMs', 'a number above 0', ttlMs);
  return ttlMs;
}
