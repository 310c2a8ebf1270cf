/**
 * Registration: a range whose faults a descriptor answers, and the calls that answer them.
 *
 *     what is there                           the call that lets a thread go on
 *     nothing                                 copy, zeroPage, move, or write to the file and continue; poison
 *     a page of the file, not mapped          continue; poison
 *     a protected page, and a write           unprotect
 *
 * Offsets are from the start of the mapping. What the kernel does in part is an answer, not an error ({@link Progress}).
 */
import { binding, isRefusal, type NativeDescriptor } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, optionsOf } from '../errors.ts';
import { INSPECT, named, words } from '../inspection.ts';
import {
  type Feature,
  FILL_MODE,
  fillNumber,
  RANGE_CALLS,
  type RangeCall,
  REGISTER_MODES,
  type RegisterMode,
  WRITE_PROTECT_MODE,
} from './abi.ts';
import { type Bits, decodeBits, encodeBits } from './bit-names.ts';
import { type AddressRange, checkedRange, flag, Mapping, mappingIn } from './mapping.ts';
import { type Progress, progressOf, refused } from './refused.ts';

/** How pages are filled. */
export interface FillOptions {
  /** Whether the threads that wait for the pages go on. Default true. */
  wake?: boolean;
}

/** How pages are shown that a thread may not write to without a message. */
export interface ProtectedFillOptions extends FillOptions {
  /** Whether the pages are write-protected from the first moment. Without it, a protection that was there is lost. Default false. */
  writeProtect?: boolean;
}

/** How pages are moved. */
export interface MoveOptions extends FillOptions {
  /** Whether pages that are not there are passed over. Default false: they end the call with ENOENT. */
  allowHoles?: boolean;
}

/** How a range ends. */
export interface EndOptions {
  /**
   * What becomes of threads that wait for a page. `poison` (default): they get SIGBUS, which ends the process, because they would read
   * something else than the page's content. `release`: they read what is there: zeros, or what the file has.
   */
  waited?: 'poison' | 'release';
}

/** @internal The descriptor as its registrations know it. */
export interface Answering {
  /** Throws ERR_UFFD_CLOSED. */
  native(): NativeDescriptor;
  readonly offered: Bits<Feature>;
  forget(registration: Registration): void;
}

/** @internal */
export interface RegistrationRange {
  readonly mapping: Mapping | undefined;
  readonly address: number;
  /** Of the first byte, from the start of the mapping. */
  readonly offset: number;
  readonly bytes: number;
  readonly pageBytes: number;
}

type Fill = 'copy' | 'zero-page' | 'continue' | 'move' | 'poison' | 'write-protect';

/** The modes with which a thread waits for content. */
const HOLDING: readonly RegisterMode[] = ['missing', 'minor', 'read-write-protect'];
const SYSCALLS: Readonly<Record<Fill, string>> = {
  copy: 'ioctl(UFFDIO_COPY)',
  'zero-page': 'ioctl(UFFDIO_ZEROPAGE)',
  continue: 'ioctl(UFFDIO_CONTINUE)',
  move: 'ioctl(UFFDIO_MOVE)',
  poison: 'ioctl(UFFDIO_POISON)',
  'write-protect': 'ioctl(UFFDIO_WRITEPROTECT)',
};

/** A range whose faults are answered; made by {@link UserfaultFd.register}. It ends with `unregister`, `using`, or its descriptor. */
export class Registration implements Disposable {
  /** The memory; undefined if the range was given by addresses. */
  readonly mapping: Mapping | undefined;
  /** Where it begins in the mapping; 0 if the range was given by addresses. */
  readonly offset: number;
  /** Its size. */
  readonly bytes: number;
  /** Where it begins in the address space. */
  readonly address: bigint;
  /** The size of its pages, of which every range must be a multiple. */
  readonly pageBytes: number;
  /** What the kernel tells. */
  readonly modes: Bits<RegisterMode>;
  /** The calls that the kernel offers for the range. It offers `move` for shared memory, where it never works; see {@link can}. */
  readonly offered: Bits<RangeCall>;
  readonly #answering: Answering;
  readonly #range: RegistrationRange;
  readonly #error = new Int32Array(1);
  #stopAnswering: (() => void) | undefined;
  #isEnded = false;

  /** @internal */
  private constructor(answering: Answering, range: RegistrationRange, modes: Bits<RegisterMode>, offered: bigint, answersHere: boolean) {
    this.#answering = answering;
    this.#range = range;
    this.mapping = range.mapping;
    this.offset = range.offset;
    this.bytes = range.bytes;
    this.pageBytes = range.pageBytes;
    this.address = BigInt(range.address);
    this.modes = modes;
    this.offered = decodeBits(offered, RANGE_CALLS);
    if (answersHere) this.#stopAnswering = range.mapping?.answer(range);
  }

  /** @internal Throws ERR_UFFD_REFUSED, ERR_OPTION. */
  static make(
    answering: Answering,
    range: RegistrationRange,
    modes: readonly (RegisterMode | bigint)[],
    answersHere: boolean,
  ): Registration {
    const bits = encodeBits('modes', modes, REGISTER_MODES);
    const { address, bytes, pageBytes } = range;
    const offered = binding().registerRange(answering.native(), address, bytes, pageBytes, bits);
    if (isRefusal(offered)) throw refused('ERR_UFFD_REFUSED', `${bytes} bytes cannot be registered`, offered);
    const decoded = decodeBits(bits, REGISTER_MODES);
    return new Registration(answering, range, decoded, offered, answersHere && HOLDING.some((mode) => decoded.has(mode)));
  }

  /** @internal The same range of another process, a forked child. */
  ofChild(answering: Answering): Registration {
    binding().adoptRange(answering.native(), this.#range.address, this.bytes, this.pageBytes);
    return new Registration(answering, this.#range, this.modes, this.offered.bits, false);
  }

  /** @internal */
  [INSPECT](): object {
    if (this.#isEnded) return words('[Registration: ended]');
    const { offset, bytes, modes } = this;
    return named('Registration', { offset, bytes, modes: modes.names });
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** The calls that work on the range: those that the kernel offers, without `move` for shared memory, and `continue` wherever it works. */
  get can(): ReadonlySet<RangeCall> {
    const calls = new Set(this.offered.names);
    const isShared = this.mapping?.isShared === true;
    if (isShared || !this.#answering.offered.has('move')) calls.delete('move');
    if (isShared && this.#answering.offered.has('minor-shmem')) calls.add('continue');
    return calls;
  }

  /**
   * Fills missing pages with a copy of `source`, whole pages, from `offset` on, and shows them: no thread ever sees a part of a page. 2 us
   * and 1.3 us a page. Throws ERR_UFFD_REFUSED if the call was wrong, ERR_PAGE_NOT_LOADED if the source is a page that this thread has to
   * make.
   */
  copy(offset: number, source: Uint8Array, options?: ProtectedFillOptions): Progress {
    if (!(source instanceof Uint8Array)) throw argumentTypeError('source', 'a Uint8Array', source);
    const from = mappingIn(source.buffer);
    if (from !== undefined) from.mustBeLoaded(Math.max(0, source.byteOffset - from.byteOffset), source.byteLength);
    return this.#fill('copy', offset, source.byteLength, source, options);
  }

  /** Fills missing pages with zeros. Huge pages have no such call (ERR_UFFD_REFUSED). */
  zeroPage(offset: number, bytes: number = this.pageBytes, options?: FillOptions): Progress {
    return this.#fill('zero-page', offset, bytes, 0, options);
  }

  /** Shows pages that the memory file has; what was stored in them before is seen by every thread that goes on. 1 us and 0.2 us a page. */
  continue(offset: number, bytes: number = this.pageBytes, options?: ProtectedFillOptions): Progress {
    return this.#fill('continue', offset, bytes, 0, options);
  }

  /** Fills missing pages with those of another private mapping, which has none there afterwards. Nothing is copied. Linux 6.8. */
  move(offset: number, from: Mapping, fromOffset: number, bytes: number = this.pageBytes, options?: MoveOptions): Progress {
    if (!(from instanceof Mapping)) throw argumentTypeError('from', 'a mapping', from);
    from.mustBeOpen();
    checkedRange('the range that is moved', fromOffset, bytes, from.byteLength, from.pageBytes);
    const { allowHoles = false } = optionsOf('options of a move', options);
    const mode = flag('allowHoles', allowHoles) ? FILL_MODE.allowHoles : 0;
    return this.#fill('move', offset, bytes, Number(from.address) + fromOffset, options, mode);
  }

  /**
   * Makes pages that are not shown a SIGBUS for whoever touches them, until they are filled. EEXIST for those that are shown. Linux 6.6.
   */
  poison(offset: number, bytes: number = this.pageBytes, options?: FillOptions): Progress {
    return this.#fill('poison', offset, bytes, 0, options);
  }

  /** Protects pages: a write to one waits for {@link unprotect}, or with `wp-async` is noted by the kernel. 0.06 us a page. */
  writeProtect(offset: number = this.offset, bytes: number = this.bytes): Progress {
    return this.#call('write-protect', offset, bytes, 0, WRITE_PROTECT_MODE.protect, false);
  }

  /** Takes the protection away; writers go on. */
  unprotect(offset: number = this.offset, bytes: number = this.bytes, options?: FillOptions): Progress {
    const { wake = true } = optionsOf('options of a call', options);
    return this.#call('write-protect', offset, bytes, 0, flag('wake', wake) ? 0 : WRITE_PROTECT_MODE.dontWake, wake);
  }

  /** Lets threads try again. Those whose page is still not there wait again, with another message. */
  wake(offset: number = this.offset, bytes: number = this.bytes): void {
    const answer = binding().wakeRange(this.#native(), this.#addressOf(offset, bytes), bytes);
    if (answer !== undefined) throw refused('ERR_UFFD_REFUSED', `${bytes} bytes cannot be woken`, answer);
  }

  /**
   * Ends it: the memory is plain memory from then on, and protections are gone. Throws ERR_UFFD_REFUSED if threads wait and this kernel
   * cannot poison (before Linux 6.6). A second call does nothing.
   */
  unregister(options?: EndOptions): void {
    if (this.#isEnded) return;
    const answer = binding().unregisterRange(this.#native(), Number(this.address), this.bytes, this.pageBytes, poisons(options));
    if (answer !== undefined) throw refused('ERR_UFFD_REFUSED', `${this.bytes} bytes cannot be unregistered`, answer);
    this.end();
    this.#answering.forget(this);
  }

  /** The same as {@link unregister}, for `using`. */
  [Symbol.dispose](): void {
    if (!this.#isEnded) this.unregister();
  }

  /** @internal The descriptor has ended it. */
  end(): void {
    this.#isEnded = true;
    this.#stopAnswering?.();
  }

  #native(): NativeDescriptor {
    if (this.#isEnded) throw new HeapError('ERR_UFFD_CLOSED', 'the registration has ended.');
    return this.#answering.native();
  }

  #addressOf(offset: number, bytes: number): number {
    checkedRange('the range', offset, bytes, this.offset + this.bytes, this.pageBytes);
    if (offset < this.offset) throw argumentRangeError('offset of the range', `at least ${this.offset}`, offset);
    return this.#range.address + offset - this.offset;
  }

  #fill(
    fill: Fill,
    offset: number,
    bytes: number,
    from: Uint8Array | number,
    options: ProtectedFillOptions | undefined,
    more = 0,
  ): Progress {
    const { wake = true, writeProtect = false } = optionsOf('options of a call', options);
    const mode = more | (flag('wake', wake) ? 0 : FILL_MODE.dontWake) | (flag('writeProtect', writeProtect) ? FILL_MODE.writeProtect : 0);
    return this.#call(fill, offset, bytes, from, mode, wake);
  }

  #call(fill: Fill, offset: number, bytes: number, from: Uint8Array | number, mode: number, wakes: boolean): Progress {
    const native = this.#native();
    const to = this.#addressOf(offset, bytes);
    const done = binding().fillPages(native, fillNumber(fill), to, bytes, this.pageBytes, mode, from, wakes, this.#error);
    return progressOf(`${fill} of ${bytes} bytes at ${offset}`, SYSCALLS[fill], done, this.#error[0]!);
  }
}

/** @internal */
export function poisons(options: EndOptions | undefined): boolean {
  const { waited = 'poison' } = optionsOf('options of an end', options);
  if (waited !== 'poison' && waited !== 'release') throw argumentRangeError('waited', 'poison or release', waited);
  return waited === 'poison';
}

/** @internal The range of a mapping, or of addresses, that is to be registered. Throws ERR_OPTION. */
export function registrationRange(
  memory: Mapping | AddressRange,
  part: { offset?: number; bytes?: number },
  base: number,
): RegistrationRange {
  if (memory instanceof Mapping) {
    memory.mustBeOpen();
    const { offset = 0, bytes = memory.byteLength - offset } = part;
    checkedRange('the range', offset, bytes, memory.byteLength, memory.pageBytes);
    return { mapping: memory, address: Number(memory.address) + offset, offset, bytes, pageBytes: memory.pageBytes };
  }
  if (typeof memory !== 'object' || memory === null || typeof memory.address !== 'bigint') {
    throw argumentTypeError('memory', 'a mapping, or a range of addresses', memory);
  }
  const { bytes } = checkedRange('the range', 0, memory.bytes, Number.MAX_SAFE_INTEGER, base);
  return { mapping: undefined, address: Number(memory.address), offset: 0, bytes, pageBytes: base };
}
