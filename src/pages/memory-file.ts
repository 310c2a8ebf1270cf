/**
 * Memory files: memory with a name of its own, which several mappings show, in this process and in others.
 *
 *     kind       made by                pages                      filled by
 *     memfd      MemoryFile.create      ordinary, or huge          write() (not huge ones), an alias
 *     file       MemoryFile.open        ordinary, huge (by path)   write() (not huge ones), an alias
 *     segment    MemoryFile.segment     ordinary, or huge          an alias
 *     zero       MemoryFile.zero        ordinary                   an alias
 *
 * Memory that has no name, of one process alone, is made by {@link privateMemory}.
 */
import { constants as files, fstatSync, ftruncateSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { binding, isRefusal, type NativeObject, type OpenedObject, type Refusal } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, optionsOf } from '../errors.ts';
import { INSPECT, named, size, words } from '../inspection.ts';
import { parseBytes } from '../option-kinds.ts';
import { basePageBytes, checkedRange, Mapping, type MappingOptions, type MappingSource } from './mapping.ts';
import { refused } from './refused.ts';

/** The sizes of huge pages on x86-64, and on arm64 with ordinary pages of 4 KiB. */
export type HugePageSize = '2M' | '1G';

/** A new memory file. */
export interface MemoryFileOptions {
  /** Its size, in bytes or as text (`"64M"`), rounded up to whole pages. */
  bytes: number | string;
  /** Huge pages, which the machine must have reserved (`vm.nr_hugepages`). Default: ordinary pages. */
  huge?: HugePageSize;
  /** A name for people, as in /proc/PID/maps. Default `faultline-pages`. */
  name?: string;
}

/** A file of a file system in memory. */
export interface MemoryPathOptions {
  /** Its size; a file that is not there is made. Default: the file is there, and has its size. */
  bytes?: number | string;
}

/** A System V segment. */
export interface SegmentOptions {
  /** Its size, in bytes or as text, rounded up to whole pages. */
  bytes: number | string;
  /** The key that other processes know. Default: none, a segment of this process, which goes away with its last mapping. */
  key?: number;
  /** As in {@link MemoryFileOptions}. */
  huge?: HugePageSize;
}

/** How a memory file is mapped. */
export interface FileMappingOptions extends MappingOptions {
  /** Where the mapping begins in the file; whole pages. Default 0. */
  offset?: number;
  /** Its size; whole pages. Default: to the end of the file. */
  bytes?: number;
  /** Pages that are written become copies that nobody else sees. Default false. */
  private?: boolean;
}

/** What a memory file is in the kernel. */
export type MemoryFileKind = 'memfd' | 'file' | 'segment' | 'zero';

const HUGE_SHIFTS: Readonly<Record<HugePageSize, number>> = { '2M': 21, '1G': 30 };
/** What statfs(2) calls file systems whose files are memory. */
const TMPFS = 0x01021994;
const HUGETLBFS = 0x958458f6;
const PRIVATE_KEY = 0;
const MOST_KEY = 2 ** 31 - 1;

interface Opened {
  readonly kind: MemoryFileKind;
  readonly bytes: number;
  readonly pageBytes: number;
  readonly isHuge: boolean;
  readonly opened: OpenedObject;
}

/** Memory with a name of its own. It ends with `close` or `using`, or when nobody refers to it; its mappings stay. */
export class MemoryFile implements Disposable {
  /** What it is in the kernel. */
  readonly kind: MemoryFileKind;
  /** Its size. */
  readonly bytes: number;
  /** The size of its pages. */
  readonly pageBytes: number;
  readonly #number: number;
  readonly #isHuge: boolean;
  #object: NativeObject | undefined;
  /** Of kind `zero`: mappings are the only names of its memory. */
  readonly #shown: Mapping[] = [];

  private constructor({ kind, bytes, pageBytes, isHuge, opened }: Opened) {
    this.kind = kind;
    this.bytes = bytes;
    this.pageBytes = pageBytes;
    this.#isHuge = isHuge;
    this.#object = opened.object;
    this.#number = opened.number;
  }

  /** Makes an anonymous file (memfd), whose size never changes. Throws ERR_MEMORY_REFUSED. Takes no memory until pages are filled. */
  static create(options: MemoryFileOptions): MemoryFile {
    const { bytes: wanted, huge, name = 'faultline-pages' } = optionsOf('options of a memory file', options);
    const { shift, pageBytes } = pagesOf(huge);
    const bytes = wholePages(wanted, pageBytes);
    if (typeof name !== 'string') throw argumentTypeError('name', 'text', name);
    const opened = mustBeOpened(`a memory file of ${bytes} bytes cannot be made`, binding().createMemfd(name, bytes, shift));
    return new MemoryFile({ kind: 'memfd', bytes, pageBytes, isHuge: shift > 0, opened });
  }

  /** Opens a file of tmpfs or hugetlbfs by its path. Throws ERR_MEMORY_REFUSED, for a file of another file system too. */
  static open(path: string, options?: MemoryPathOptions): MemoryFile {
    const { bytes: wanted } = optionsOf('options of a memory file', options);
    if (typeof path !== 'string') throw argumentTypeError('path', 'text', path);
    const opened = openByPath(path, wanted !== undefined);
    try {
      const { type, bsize } = statfsSync(path);
      if (type !== TMPFS && type !== HUGETLBFS) {
        const why = `${path} is on a disk, or elsewhere: userfaultfd works on files in memory. Put it into /dev/shm, or another tmpfs.`;
        throw new HeapError('ERR_MEMORY_REFUSED', why, { errno: constants.errno.EINVAL, syscall: 'statfs' });
      }
      const isHuge = type === HUGETLBFS;
      const pageBytes = isHuge ? bsize : basePageBytes();
      if (wanted !== undefined) ftruncateSync(opened.number, wholePages(wanted, pageBytes));
      const bytes = wholePages(fstatSync(opened.number).size, pageBytes);
      return new MemoryFile({ kind: 'file', bytes, pageBytes, isHuge, opened });
    } catch (error) {
      binding().closeObject(opened.object);
      throw error instanceof HeapError ? error : fileRefused(path, error);
    }
  }

  /** Makes a System V segment, or opens that of a key. Throws ERR_MEMORY_REFUSED. */
  static segment(options: SegmentOptions): MemoryFile {
    const { bytes: wanted, huge, key = PRIVATE_KEY } = optionsOf('options of a segment', options);
    if (!Number.isInteger(key) || key < 0 || key > MOST_KEY) throw argumentRangeError('key', `an integer from 0 to ${MOST_KEY}`, key);
    const { shift, pageBytes } = pagesOf(huge);
    const bytes = wholePages(wanted, pageBytes);
    const answer = binding().openSegment(key, bytes, shift, key === PRIVATE_KEY);
    const opened = mustBeOpened(`a segment of ${bytes} bytes cannot be opened`, answer);
    return new MemoryFile({ kind: 'segment', bytes, pageBytes, isHuge: shift > 0, opened });
  }

  /** Shared memory without a name (/dev/zero): its mappings are all that there is of it. Throws ERR_MEMORY_REFUSED. */
  static zero(options: { bytes: number | string }): MemoryFile {
    const { bytes: wanted } = optionsOf('options of a memory file', options);
    const pageBytes = basePageBytes();
    const bytes = wholePages(wanted, pageBytes);
    return new MemoryFile({ kind: 'zero', bytes, pageBytes, isHuge: false, opened: openByPath('/dev/zero', false) });
  }

  /** @internal */
  [INSPECT](): object {
    return this.#object === undefined ? words('[MemoryFile: closed]') : named('MemoryFile', { kind: this.kind, size: size(this.bytes) });
  }

  /** Its descriptor, for other system calls and other processes; undefined for a segment. Valid until it is closed. */
  get descriptor(): number | undefined {
    return this.kind === 'segment' || this.#object === undefined ? undefined : this.#number;
  }

  /** The memory that it occupies, in bytes; undefined where the kernel does not say. */
  get allocatedBytes(): number | undefined {
    const file = this.#hasFile() ? this.#number : undefined;
    return file === undefined ? undefined : fstatSync(file).blocks * 512;
  }

  /** Maps it. Throws ERR_MEMORY_REFUSED. Two mappings of one file show the same memory. */
  map(options?: FileMappingOptions): Mapping {
    this.#mustBeOpen();
    const { offset = 0, bytes = this.bytes - offset, private: isPrivate = false, ...rest } = optionsOf('options of a mapping', options);
    checkedRange('the mapping', offset, bytes, this.bytes, this.pageBytes);
    if (bytes === 0) throw argumentRangeError('bytes of the mapping', 'at least a page', bytes);
    const mapping = new Mapping(
      { ...this.#source(offset, bytes, isPrivate), offset, bytes, pageBytes: this.pageBytes, huge: this.#isHuge },
      rest,
    );
    if (this.kind === 'zero') this.#shown.push(mapping);
    return mapping;
  }

  /**
   * Writes into the file, past all mappings: pages come into being that no mapping shows yet. Returns the number of bytes. The cheapest way
   * to fill pages, and if memory is short it is refused where a store would be a SIGBUS. Throws ERR_MEMORY_REFUSED.
   */
  write(source: Uint8Array, offset = 0): number {
    return this.#transfer('pwrite', offset, source.byteLength, (file) => writeSync(file, source, 0, source.byteLength, offset));
  }

  /** Reads from the file, past all mappings; what is not there reads as zero. Returns the number of bytes. Throws ERR_MEMORY_REFUSED. */
  read(into: Uint8Array, offset = 0): number {
    return this.#transfer('pread', offset, into.byteLength, (file) => readSync(file, into, 0, into.byteLength, offset));
  }

  /** Gives pages back to the system; they are missing from then on. No message tells of it. Throws ERR_MEMORY_REFUSED. */
  punch(offset = 0, bytes: number = this.bytes - offset): void {
    checkedRange('a hole', offset, bytes, this.bytes, this.pageBytes);
    const answer = binding().punchHole(this.#file('fallocate'), offset, bytes);
    if (answer !== undefined) throw refused('ERR_MEMORY_REFUSED', `a hole of ${bytes} bytes`, answer);
  }

  /** Ends it; its mappings stay as they are. A second call does nothing. */
  close(): void {
    if (this.#object === undefined) return;
    binding().closeObject(this.#object);
    this.#object = undefined;
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #source(offset: number, bytes: number, isPrivate: boolean): Pick<MappingSource, 'source' | 'object' | 'same' | 'shared'> {
    if (this.kind !== 'segment' && this.kind !== 'zero') {
      return { source: isPrivate ? 'private-file' : 'file', object: this.#number, shared: !isPrivate };
    }
    if (isPrivate) throw argumentRangeError('private', `false for a ${this.kind}`, isPrivate);
    if (offset !== 0 || bytes !== this.bytes) throw argumentRangeError('the mapping', `all of a ${this.kind}`, bytes);
    if (this.kind === 'segment') return { source: 'segment', object: this.#number, shared: true };
    const same = this.#shown.find(({ closed }) => !closed);
    return same === undefined ? { source: 'file', object: this.#number, shared: true } : { source: 'same', same, shared: true };
  }

  #hasFile(): boolean {
    this.#mustBeOpen();
    return this.kind === 'memfd' || this.kind === 'file';
  }

  #file(syscall: string): number {
    if (this.#hasFile()) return this.#number;
    throw new HeapError('ERR_MEMORY_REFUSED', `a ${this.kind} has no file: use an alias, a mapping that is not registered.`, {
      errno: constants.errno.EINVAL,
      syscall,
    });
  }

  #transfer(syscall: string, offset: number, bytes: number, call: (file: number) => number): number {
    checkedRange('the bytes', offset, bytes, this.bytes, 1);
    const file = this.#file(syscall);
    try {
      return call(file);
    } catch (error) {
      throw refused('ERR_MEMORY_REFUSED', `${bytes} bytes at ${offset} of a memory file`, refusalOf(error, syscall));
    }
  }

  #mustBeOpen(): void {
    if (this.#object === undefined) throw new HeapError('ERR_MEMORY_CLOSED', 'the memory file is closed.');
  }
}

/** Private memory of this process, all zeros, that no file has: the only kind whose pages can be moved. Throws ERR_MEMORY_REFUSED. */
export function privateMemory(options: MappingOptions & { bytes: number | string }): Mapping {
  const { bytes: wanted, ...rest } = optionsOf('options of private memory', options);
  const pageBytes = basePageBytes();
  return new Mapping({ source: 'private', bytes: wholePages(wanted, pageBytes), pageBytes, shared: false }, rest);
}

function openByPath(path: string, makes: boolean): OpenedObject {
  try {
    return binding().holdDescriptor(openSync(path, files.O_RDWR | (makes ? files.O_CREAT : 0), 0o600));
  } catch (error) {
    throw fileRefused(path, error);
  }
}

function fileRefused(path: string, error: unknown): HeapError {
  return refused('ERR_MEMORY_REFUSED', `${path} cannot be opened`, refusalOf(error, 'open'));
}

function refusalOf(error: unknown, syscall: string): Refusal {
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) throw error;
  return { errno: -errno, syscall };
}

function mustBeOpened(what: string, answer: OpenedObject | Refusal): OpenedObject {
  if (isRefusal(answer)) throw refused('ERR_MEMORY_REFUSED', what, answer);
  return answer;
}

function pagesOf(huge: HugePageSize | undefined): { shift: number; pageBytes: number } {
  if (huge === undefined) return { shift: 0, pageBytes: basePageBytes() };
  if (!Object.hasOwn(HUGE_SHIFTS, huge)) throw argumentRangeError('huge', `one of ${Object.keys(HUGE_SHIFTS).join(', ')}`, huge);
  return { shift: HUGE_SHIFTS[huge], pageBytes: 2 ** HUGE_SHIFTS[huge] };
}

function wholePages(bytes: number | string | undefined, pageBytes: number): number {
  if (bytes === undefined) throw argumentTypeError('bytes', 'a number of bytes or text like "64M"', bytes);
  return Math.ceil(parseBytes('bytes', bytes) / pageBytes) * pageBytes;
}
