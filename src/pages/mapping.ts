/**
 * Mapping: memory of the kernel's as a real SharedArrayBuffer, at an address that stays.
 *
 *     buffer     │ … │ the mapping, whole pages │ … │      V8's memory before and behind it is never used
 *                    └ byteOffset
 *
 * Several mappings may show the same memory file: a **window**, which is registered with userfaultfd and touched by the program, and an
 * **alias**, which is not, through which pages are filled. A mapping belongs to the thread that made it; other threads get its buffer.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { binding, isRefusal, type MappingRequest, type NativeMapping } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError } from '../errors.ts';
import { INSPECT, named, size, words } from '../inspection.ts';
import { ADVICE, type Advice } from './abi.ts';
import { refused } from './refused.ts';

/** What may be done with the memory of a mapping. */
export type MappingProtection = 'none' | 'read' | 'read-write';

/** How memory is mapped. */
export interface MappingOptions {
  /** What may be done with it. Default `read-write`. */
  protection?: MappingProtection;
  /** Whether a child that is forked has the mapping too; every `child_process` is one for a moment. Default false. */
  inherited?: boolean;
}

/** A part of a mapping, in bytes from its start; both whole pages. */
export interface MappingRange {
  readonly mapping: Mapping;
  readonly offset: number;
  readonly bytes: number;
}

/** A range of a process by its addresses. */
export interface AddressRange {
  readonly address: bigint;
  readonly bytes: number;
}

/** Memory that a call is about: a mapping, a part of one, or addresses, which may be another process's. */
export type MemoryRange = Mapping | MappingRange | AddressRange;

/** The order of MappingSource in native/os/placed_mapping.h. */
const SOURCES = ['private', 'file', 'private-file', 'segment', 'same'] as const;
const PROTECTIONS: readonly MappingProtection[] = ['none', 'read', 'read-write'];
/** The entry of a page in /proc/PID/pagemap, and the bit of one that is mapped. */
const ENTRY_BYTES = 8;
const ENTRY_PRESENT = 1n << 63n;

/** @internal What is mapped, and where from. */
export interface MappingSource {
  readonly source: (typeof SOURCES)[number];
  /** A descriptor, or the number of a segment. */
  readonly object?: number;
  readonly offset?: number;
  readonly same?: Mapping;
  readonly bytes: number;
  readonly pageBytes: number;
  readonly huge?: boolean;
  /** Whether changes reach the memory file. */
  readonly shared: boolean;
}

/** @internal A range whose pages JavaScript of this thread has to make. */
export interface AnsweredRange {
  readonly offset: number;
  readonly bytes: number;
}

const mappings = new WeakMap<SharedArrayBuffer, Mapping>();

/** @internal The mapping that lies in a buffer. */
export function mappingIn(buffer: ArrayBufferLike): Mapping | undefined {
  return mappings.get(buffer as SharedArrayBuffer);
}

/**
 * Memory of a file, a segment or the process itself, in the place of a part of a SharedArrayBuffer. Made by {@link MemoryFile.map} and
 * {@link privateMemory}. It ends with `close`, `using`, or the thread that made it; the buffer has plain zeroed memory from then on,
 * whoever holds it.
 */
export class Mapping implements Disposable {
  /**
   * For other threads: post it, and look at `byteLength` bytes from `byteOffset` on. A thread that touches a page which is not there waits
   * until it is answered. The thread that answers must not touch one: use {@link bytes}.
   */
  readonly buffer: SharedArrayBuffer;
  /** Where the mapping begins in the buffer. */
  readonly byteOffset: number;
  /** The size of the mapping. */
  readonly byteLength: number;
  /** Where it begins in the address space, for native code. */
  readonly address: bigint;
  /** The size of its pages. */
  readonly pageBytes: number;
  /** Whether it shows memory that other mappings may show too. */
  readonly isShared: boolean;
  readonly #native: NativeMapping;
  readonly #answered = new Set<AnsweredRange>();
  #isClosed = false;

  /** @internal Use file.map() or privateMemory(). */
  constructor(what: MappingSource, { protection = 'read-write', inherited = false }: MappingOptions = {}) {
    const { source, object = -1, offset = 0, same, bytes, pageBytes, huge = false, shared } = what;
    const request: MappingRequest = {
      source: SOURCES.indexOf(source),
      object,
      offset,
      same: same === undefined ? 0 : Number(same.address),
      protection: protectionNumber(protection),
      inherited: flag('inherited', inherited),
      huge,
    };
    this.buffer = reserve(bytes + pageBytes);
    const placed = binding().placeMapping(new Uint8Array(this.buffer), pageBytes, bytes, request);
    if (isRefusal(placed)) throw refused('ERR_MEMORY_REFUSED', `${bytes} bytes cannot be mapped`, placed);
    this.#native = placed.mapping;
    this.byteOffset = placed.offset;
    this.byteLength = bytes;
    this.address = BigInt(placed.address);
    this.pageBytes = pageBytes;
    this.isShared = shared;
    mappings.set(this.buffer, this);
  }

  /** @internal */
  [INSPECT](): object {
    const { byteLength, address } = this;
    return this.#isClosed
      ? words('[Mapping: closed]')
      : named('Mapping', { size: size(byteLength), address: words(`0x${address.toString(16)}`) });
  }

  /** Whether it has ended. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /**
   * The bytes of a range, for the thread that answers faults. Throws ERR_PAGE_NOT_LOADED if one of its pages is not there and would have to
   * be made by this thread, which would then wait for itself. What is there stays there, unless the program drops it. 10 us, and 1 us for
   * each 100 pages, where a range is registered.
   */
  bytes(offset = 0, bytes: number = this.byteLength - offset): Uint8Array {
    this.mustBeOpen();
    const range = checkedRange('a range of the mapping', offset, bytes, this.byteLength, 1);
    this.mustBeLoaded(range.offset, range.bytes);
    return new Uint8Array(this.buffer, this.byteOffset + offset, bytes);
  }

  /** Tells the kernel how the memory is used: madvise(2). Throws ERR_MEMORY_REFUSED. With `populate-…` the same thread must not answer. */
  advise(advice: Advice, offset = 0, bytes: number = this.byteLength - offset): void {
    this.mustBeOpen();
    const range = this.#pages(offset, bytes);
    const answer = binding().adviseMapping(this.#native, range.offset, range.bytes, adviceNumber(advice));
    if (answer !== undefined) throw refused('ERR_MEMORY_REFUSED', `madvise ${advice} of ${bytes} bytes`, answer);
  }

  /** Changes what may be done with the memory: mprotect(2). Throws ERR_MEMORY_REFUSED. */
  protect(protection: MappingProtection, offset = 0, bytes: number = this.byteLength - offset): void {
    this.mustBeOpen();
    const range = this.#pages(offset, bytes);
    const answer = binding().protectMapping(this.#native, range.offset, range.bytes, protectionNumber(protection));
    if (answer !== undefined) throw refused('ERR_MEMORY_REFUSED', `mprotect of ${bytes} bytes`, answer);
  }

  /**
   * Takes the mapped pages of another mapping of the same memory and size: mremap(2) with MREMAP_DONTUNMAP. The other stays mapped, without
   * any: each touch of it is a fault again. Costs the same at any size, if both begin on a gigabyte. Throws ERR_MEMORY_REFUSED.
   */
  takePagesFrom(other: Mapping): void {
    this.mustBeOpen();
    other.mustBeOpen();
    if (other.byteLength !== this.byteLength) throw argumentRangeError('other', 'a mapping of the same size', other.byteLength);
    const answer = binding().moveEntries(this.#native, other.#native);
    if (answer !== undefined) throw refused('ERR_MEMORY_REFUSED', `the pages of ${this.byteLength} bytes cannot be moved`, answer);
  }

  /**
   * Ends it: `buffer` has plain zeroed memory in its place, in all threads. Throws ERR_MEMORY_REGISTERED while a range of it is registered,
   * and ERR_MEMORY_REFUSED at the limit of mappings; nothing has changed then. A second call does nothing.
   */
  close(): void {
    if (this.#isClosed) return;
    if (this.#answered.size > 0) {
      throw new HeapError(
        'ERR_MEMORY_REGISTERED',
        'a mapping whose pages are still answered by a userfaultfd cannot be closed: unregister it, or close the descriptor, first.',
      );
    }
    const answer = binding().closeMapping(this.#native);
    if (answer !== undefined) throw refused('ERR_MEMORY_REFUSED', 'the mapping cannot be undone', answer);
    this.#isClosed = true;
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal Until the returned function is called, pages of the range come from JavaScript of this thread. */
  answer(range: AnsweredRange): () => void {
    this.#answered.add(range);
    return () => this.#answered.delete(range);
  }

  /** @internal Throws ERR_PAGE_NOT_LOADED if a page of the range is not there, and this thread would have to make it. */
  mustBeLoaded(offset: number, bytes: number): void {
    const overlaps = [...this.#answered].some((range) => offset < range.offset + range.bytes && range.offset < offset + bytes);
    if (!overlaps || bytes === 0) return;
    const first = Math.floor(offset / this.pageBytes);
    const missing = firstNotPresent(this.address, first * this.pageBytes, offset + bytes);
    if (missing === undefined) return;
    throw new HeapError(
      'ERR_PAGE_NOT_LOADED',
      `the page at offset ${missing} is not there, and this thread would have to make it: fill it first, or let another thread touch it.`,
      { figures: { offset: missing } },
    );
  }

  /** @internal */
  mustBeOpen(): void {
    if (this.#isClosed) throw new HeapError('ERR_MEMORY_CLOSED', 'the mapping is closed.');
  }

  #pages(offset: number, bytes: number): MappingRange {
    return { mapping: this, ...checkedRange('a range of the mapping', offset, bytes, this.byteLength, this.pageBytes) };
  }
}

/** @internal A range in addresses, and the address that its offsets are counted from. Throws ERR_OPTION. */
export function addressesOf(range: MemoryRange): { start: number; bytes: number; base: number } {
  if (range instanceof Mapping) {
    range.mustBeOpen();
    return { start: Number(range.address), bytes: range.byteLength, base: Number(range.address) };
  }
  if (typeof range !== 'object' || range === null) throw argumentTypeError('range', 'a mapping, or a range', range);
  if ('mapping' in range) {
    if (!(range.mapping instanceof Mapping)) throw argumentTypeError('mapping of a range', 'a mapping', range.mapping);
    range.mapping.mustBeOpen();
    const { offset, bytes } = checkedRange(
      'a range of the mapping',
      range.offset,
      range.bytes,
      range.mapping.byteLength,
      range.mapping.pageBytes,
    );
    const base = Number(range.mapping.address);
    return { start: base + offset, bytes, base };
  }
  if (typeof range.address !== 'bigint' || range.address < 0n || range.address >= 1n << 53n) {
    throw argumentRangeError('address of a range', 'an address as a bigint', range.address);
  }
  checkedRange('a range of addresses', 0, range.bytes, Number.MAX_SAFE_INTEGER, 1);
  const start = Number(range.address);
  return { start, bytes: range.bytes, base: start };
}

/** @internal Both numbers, if they are within the whole and multiples of `unit`. Throws ERR_OPTION. */
export function checkedRange(what: string, offset: number, bytes: number, whole: number, unit: number): { offset: number; bytes: number } {
  for (const [name, value] of [
    ['offset', offset],
    ['bytes', bytes],
  ] as const) {
    if (typeof value !== 'number') throw argumentTypeError(`${name} of ${what}`, 'a number', value);
    if (!Number.isSafeInteger(value) || value < 0 || value % unit !== 0) {
      throw argumentRangeError(`${name} of ${what}`, unit === 1 ? 'a number of bytes' : `a multiple of ${unit}`, value);
    }
  }
  if (offset + bytes > whole) throw argumentRangeError(`the end of ${what}`, `at most ${whole}`, offset + bytes);
  return { offset, bytes };
}

/** @internal */
export function flag(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw argumentTypeError(name, 'true or false', value);
  return value;
}

/** @internal */
export function adviceNumber(advice: Advice): number {
  if (!Object.hasOwn(ADVICE, advice)) throw argumentRangeError('advice', `one of ${Object.keys(ADVICE).join(', ')}`, advice);
  return ADVICE[advice];
}

function protectionNumber(protection: MappingProtection): number {
  const number = PROTECTIONS.indexOf(protection);
  if (number < 0) throw argumentRangeError('protection', `one of ${PROTECTIONS.join(', ')}`, protection);
  return number;
}

/** A buffer that will contain the mapping. */
function reserve(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    const message = `V8 gave no SharedArrayBuffer of ${bytes} bytes: make the mapping smaller. Its limit is about the memory of the machine.`;
    throw new HeapError('ERR_MEMORY_REFUSED', message, { cause, errno: constants.errno.ENOMEM });
  }
}

/** The offset of the first page from `begin` on that is not mapped. Touches none. */
function firstNotPresent(address: bigint, begin: number, end: number): number | undefined {
  const unit = basePageBytes();
  const entries = new BigUint64Array(Math.ceil((end - begin) / unit));
  readPageMap('/proc/self/pagemap', Number(address) + begin, entries);
  const found = entries.findIndex((entry) => (entry & ENTRY_PRESENT) === 0n);
  return found < 0 ? undefined : begin + found * unit;
}

/** @internal The entries of a page map from an address on. Throws ERR_MEMORY_REFUSED. */
export function readPageMap(path: string, address: number, entries: BigUint64Array): void {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    readSync(file, entries, 0, entries.byteLength, (address / basePageBytes()) * ENTRY_BYTES);
  } catch (cause) {
    const { errno = 0, syscall = 'read' } = cause as NodeJS.ErrnoException;
    throw refused('ERR_MEMORY_REFUSED', `${path} cannot be read`, { errno: -errno, syscall: `${syscall}(${path})` });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

let pageBytes: number | undefined;

/** @internal The size of ordinary pages. */
export function basePageBytes(): number {
  pageBytes ??= binding().probe().pageBytes ?? 4096;
  return pageBytes;
}
