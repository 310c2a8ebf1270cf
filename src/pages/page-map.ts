/**
 * Page map: what the kernel knows of each page of a process: mapped or not, written or not (`PAGEMAP_SCAN`, Linux 6.7, and
 * /proc/PID/pagemap).
 *
 * With `wp-async` and `write-protect` this is a write barrier that nobody executes: a scan returns the pages written since the last one and
 * protects them again, in one atomic step for each page, so that no write is lost.
 */
import { closeSync, openSync } from 'node:fs';
import { binding, isRefusal } from '../binding.ts';
import { argumentRangeError, HeapError, optionsOf } from '../errors.ts';
import { INSPECT, named, words } from '../inspection.ts';
import { PAGE_CATEGORIES, type PageCategory, SCAN_FLAG } from './abi.ts';
import { type Bits, decodeBits, encodeBits } from './bit-names.ts';
import { addressesOf, flag, type MemoryRange, readPageMap, basePageBytes } from './mapping.ts';
import { refused } from './refused.ts';

/** Categories by name; those that nobody here knows by bit, as bigints. */
export type PageCategories = readonly (PageCategory | bigint)[];

/** Which pages a scan is about, and what it does with them. */
export interface ScanOptions {
  /** A page must have all of these. Default: none is asked for. */
  all?: PageCategories;
  /** A page must have one of these at least. */
  anyOf?: PageCategories;
  /** Of these the opposite is meant, in `all` and `anyOf`. */
  inverted?: PageCategories;
  /** What is told of each page; without any, nothing is. Default: what `all` and `anyOf` name. */
  returns?: PageCategories;
  /** Whether the pages that are found are write-protected again. Needs `written` among the categories. Default false. */
  writeProtect?: boolean;
  /** Whether a range without `wp-async` is an error; else its pages look unwritten. Default: as `writeProtect`. */
  checkAsync?: boolean;
  /** So many pages are found at most. Default: all. */
  maxPages?: number;
  /** So many runs of pages are returned at most; with 0 none is, and everything is done that else is done. Default: all. */
  maxRegions?: number;
}

/** Neighbouring pages with the same categories. */
export interface ScannedRegion {
  /** From the start of the mapping, or of the range if it was given by addresses. */
  readonly offset: number;
  readonly bytes: number;
  readonly categories: Bits<PageCategory>;
}

/** What a scan has found. */
export interface ScanResult {
  readonly regions: readonly ScannedRegion[];
  /** How far the scan has come; less than the end of the range if a maximum was reached. */
  readonly end: number;
}

/** Bits of an entry of /proc/PID/pagemap, as {@link PageMap.entries} returns them. */
export const PAGE_ENTRY = {
  softDirty: 1n << 55n,
  exclusive: 1n << 56n,
  writeProtected: 1n << 57n,
  file: 1n << 61n,
  swapped: 1n << 62n,
  present: 1n << 63n,
} as const;

/** Regions of one call of the kernel. */
const REGIONS = 512;
const REGION_WORDS = 3;
const REQUEST_WORDS = 12;
const WALK_END = 4;

/** The page map of a process. It ends with `close` or `using`. */
export class PageMap implements Disposable {
  readonly #path: string;
  #file: number | undefined;

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens the page map of a process that one may debug; of this one by default. Throws ERR_MEMORY_REFUSED.
   */
  static open({ pid }: { pid?: number } = {}): PageMap {
    const path = `/proc/${pid ?? 'self'}/pagemap`;
    try {
      return new PageMap(path, openSync(path, 'r'));
    } catch (error) {
      const { errno = 0 } = error as NodeJS.ErrnoException;
      throw refused('ERR_MEMORY_REFUSED', `${path} cannot be opened`, { errno: -errno, syscall: 'open' });
    }
  }

  /** @internal */
  [INSPECT](): object {
    return this.#file === undefined ? words('[PageMap: closed]') : named('PageMap', { path: this.#path });
  }

  /**
   * Finds pages. Throws ERR_MEMORY_REFUSED: EPERM if the range is not registered with `write-protect` by a descriptor with `wp-async`,
   * EINVAL for what the kernel does not know. 1 us, and little more for pages that are not mapped.
   */
  scan(range: MemoryRange, options?: ScanOptions): ScanResult {
    const file = this.#open();
    const { start, bytes, base } = addressesOf(range);
    const { maxPages = 0, maxRegions = Infinity, ...what } = optionsOf('options of a scan', options);
    atLeast0('maxPages', maxPages);
    if (maxRegions !== Infinity) atLeast0('maxRegions', maxRegions);
    const masks = masksOf(what);
    const regions: ScannedRegion[] = [];
    let at = start;
    let pages = 0;
    do {
      const room = Math.min(REGIONS, maxRegions - regions.length);
      const words = new BigUint64Array(room * REGION_WORDS);
      const request = requestOf(at, start + bytes, maxPages === 0 ? 0 : maxPages - pages, masks);
      const found = binding().scanPages(file, request, words);
      if (isRefusal(found)) throw refused('ERR_MEMORY_REFUSED', `a scan of ${bytes} bytes`, found);
      at = Number(request[WALK_END]);
      for (let i = 0; i < found; i++) {
        const [begin = 0, end = 0] = [Number(words[i * REGION_WORDS]), Number(words[i * REGION_WORDS + 1])];
        pages += (end - begin) / basePageBytes();
        joinOrPush(regions, {
          offset: begin - base,
          bytes: end - begin,
          categories: decodeBits(words[i * REGION_WORDS + 2]!, PAGE_CATEGORIES),
        });
      }
    } while (at < start + bytes && regions.length < maxRegions && (maxPages === 0 || pages < maxPages));
    return { regions, end: at - base };
  }

  /** The entries of the pages of a range, one a page, with the bits of {@link PAGE_ENTRY}. Throws ERR_MEMORY_REFUSED. */
  entries(range: MemoryRange): BigUint64Array {
    this.#open();
    const { start, bytes } = addressesOf(range);
    const entries = new BigUint64Array(Math.ceil(bytes / basePageBytes()));
    readPageMap(this.#path, start, entries);
    return entries;
  }

  /** Ends it. A second call does nothing. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.#file === undefined) throw new HeapError('ERR_MEMORY_CLOSED', 'the page map is closed.');
    return this.#file;
  }
}

interface Masks {
  readonly flags: bigint;
  readonly inverted: bigint;
  readonly all: bigint;
  readonly anyOf: bigint;
  readonly returns: bigint;
}

function masksOf(what: Partial<ScanOptions>): Masks {
  const { all = [], anyOf = [], inverted = [], returns, writeProtect = false, checkAsync = writeProtect } = what;
  const mask = (name: string, categories: PageCategories): bigint => encodeBits(name, categories, PAGE_CATEGORIES);
  const masks = { inverted: mask('inverted', inverted), all: mask('all', all), anyOf: mask('anyOf', anyOf) };
  return {
    ...masks,
    flags:
      (flag('writeProtect', writeProtect) ? SCAN_FLAG.writeProtect : 0n) | (flag('checkAsync', checkAsync) ? SCAN_FLAG.checkAsync : 0n),
    returns: returns === undefined ? masks.all | masks.anyOf : mask('returns', returns),
  };
}

/** The kernel's struct pm_scan_arg; the addon fills in what is about the answer. */
function requestOf(start: number, end: number, maxPages: number, { flags, inverted, all, anyOf, returns }: Masks): BigUint64Array {
  const request = new BigUint64Array(REQUEST_WORDS);
  request.set([0n, flags, BigInt(start), BigInt(end), 0n, 0n, 0n, BigInt(maxPages), inverted, all, anyOf, returns]);
  return request;
}

/** A run of pages may have been cut in two by the end of the kernel's answer. */
function joinOrPush(regions: ScannedRegion[], next: ScannedRegion): void {
  const last = regions.at(-1);
  if (last === undefined || last.offset + last.bytes !== next.offset || last.categories.bits !== next.categories.bits) regions.push(next);
  else regions[regions.length - 1] = { ...last, bytes: last.bytes + next.bytes };
}

function atLeast0(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw argumentRangeError(name, 'a whole number from 0 on', value);
}
