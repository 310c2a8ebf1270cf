/**
 * UserfaultFd: page faults of this process, answered by JavaScript.
 *
 *     another thread touches a page ─▶ it waits in the kernel ─▶ a native thread reads the message ─▶ `for await` ─▶ registration.copy()
 *
 * It belongs to the thread that opened it. That thread must not wait for what it has to make: it looks at mappings with `mapping.bytes()`,
 * which refuses what is not there, and a raw touch of such a page ends the process with a sentence, because nobody is left to answer it.
 */
import { isMainThread } from 'node:worker_threads';
import { binding, isRefusal, type NativeDescriptor } from '../binding.ts';
import { argumentRangeError, HeapError, optionsOf } from '../errors.ts';
import { INSPECT, named, words } from '../inspection.ts';
import type { Feature, RegisterMode } from './abi.ts';
import type { Bits } from './bit-names.ts';
import type { PageFault, RemapEvent, RemoveEvent, StrayFault, UnknownEvent, UnmapEvent } from './events.ts';
import { type AddressRange, basePageBytes, type Mapping } from './mapping.ts';
import { decodeMessage, type Message, MESSAGE_WORDS } from './messages.ts';
import {
  openDescriptor,
  type OpenedDescriptor,
  type OpeningRefusal,
  type OpeningWay,
  type OpenOptions,
  probeSupport,
  type UserfaultFdSupport,
} from './opening.ts';
import { refused } from './refused.ts';
import { type Answering, type EndOptions, poisons, Registration, registrationRange } from './registration.ts';

/** The process has forked (`event-fork`). */
export interface ForkEvent {
  readonly kind: 'fork';
  /** Answers the faults of the child; close it. It has the same registrations. */
  readonly child: UserfaultFd;
}

/** What a userfaultfd tells. */
export type UserfaultEvent = PageFault | StrayFault | ForkEvent | RemapEvent | RemoveEvent | UnmapEvent | UnknownEvent;

/** The part of a mapping that is registered. */
export interface RegisterPart {
  /** Where it begins in the mapping; whole pages. Default 0. */
  offset?: number;
  /** Its size; whole pages. Default: to the end of the mapping. */
  bytes?: number;
}

/** Who waits for an answer, as the kernel counts them. */
export interface WaitingThreads {
  /** All threads that wait. Some for long, and nothing unread or queued: somebody has read a message and not answered it. */
  readonly threads: number;
  /** Those whose message nobody has read yet. */
  readonly unread: number;
  /** Messages that were read and wait to be taken by the program. */
  readonly queued: number;
}

/** Descriptors of this thread whose messages are read here. */
const open = new Set<UserfaultFd>();

/** When JavaScript ends nobody answers any more, and Node waits for each worker to end: one that waits for a page never would. */
function processEnds(exitCode: number): void {
  for (const descriptor of open) descriptor.endWith(exitCode);
}

/** A userfaultfd descriptor. It ends with `close`, `using`, or its thread. */
export class UserfaultFd implements AsyncIterable<UserfaultEvent>, Disposable {
  /** The way that worked. */
  readonly openedBy: OpeningWay;
  /** The ways that were tried before it, and why they did not work. */
  readonly refusals: readonly OpeningRefusal[];
  /** What the kernel offers. */
  readonly offered: Bits<Feature>;
  /** What was requested of it. */
  readonly enabled: Bits<Feature>;
  readonly #opened: OpenedDescriptor;
  readonly #readsHere: boolean;
  readonly #isOwn: boolean;
  readonly #registrations = new Set<Registration>();
  readonly #words = new BigUint64Array(MESSAGE_WORDS);
  #isReading = false;
  #isClosed = false;
  #arrival: { promise: Promise<void>; resolve: () => void } | undefined;

  private constructor(opened: OpenedDescriptor, { readsHere, isOwn }: { readsHere: boolean; isOwn: boolean }) {
    this.#opened = opened;
    this.openedBy = opened.openedBy;
    this.refusals = opened.refusals;
    this.offered = opened.offered;
    this.enabled = opened.enabled;
    this.#readsHere = readsHere;
    this.#isOwn = isOwn;
  }

  /**
   * Opens a descriptor and requests features. Throws ERR_UFFD_UNAVAILABLE, with what to change; ERR_UFFD_FEATURE, with what the kernel
   * lacks; ERR_UFFD_REFUSED. 20 us.
   */
  static open(options?: OpenOptions): UserfaultFd {
    const { messages = 'here' } = optionsOf('options of a userfaultfd', options);
    if (messages !== 'here' && messages !== 'elsewhere') throw argumentRangeError('messages', 'here or elsewhere', messages);
    return new UserfaultFd(openDescriptor(options), { readsHere: messages === 'here', isOwn: true });
  }

  /** What this machine allows. Opens and closes a descriptor in each of the three ways. 50 us. */
  static probe(): UserfaultFdSupport {
    return probeSupport();
  }

  /** @internal */
  [INSPECT](): object {
    if (this.#isClosed) return words('[UserfaultFd: closed]');
    return named('UserfaultFd', { openedBy: this.openedBy, features: this.enabled.names, registrations: this.#registrations.size });
  }

  /** Whether it has ended. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /** The number of the descriptor, to give it to another process (`stdio` of a child). Valid until it is closed. */
  get number(): number {
    return binding().descriptorNumber(this.#native());
  }

  /** The ranges that are registered. */
  get registrations(): readonly Registration[] {
    return [...this.#registrations];
  }

  /**
   * Tells the kernel that faults of a range are answered here. Modes that need a feature, and which kind of memory takes which modes, are
   * in docs/userfaultfd.md. Throws ERR_UFFD_REFUSED, ERR_OPTION. Register a range once, as a whole: each end splits a mapping of the
   * process.
   */
  register(memory: Mapping | AddressRange, modes: readonly (RegisterMode | bigint)[], part: RegisterPart = {}): Registration {
    this.#startReading();
    const range = registrationRange(memory, part, basePageBytes());
    const registration = Registration.make(this.#answering(), range, modes, this.#readsHere && !this.enabled.has('sigbus'));
    this.#registrations.add(registration);
    return registration;
  }

  /**
   * The next event that has arrived; undefined if there is none. Throws ERR_UFFD_CLOSED. For programs that do not iterate. 1 us.
   */
  take(): UserfaultEvent | undefined {
    const native = this.#native();
    return binding().takeMessage(native, this.#words) ? this.#event(decodeMessage(this.#words)) : undefined;
  }

  /**
   * Events, as they arrive; the iteration ends when the descriptor is closed. While one waits for the next event, the process stays alive.
   * Several iterations share the events.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<UserfaultEvent, void, undefined> {
    if (this.#isClosed) return;
    this.#startReading();
    while (!this.#isClosed) {
      const event = this.take();
      if (event === undefined) await this.#nextArrival();
      else yield event;
    }
  }

  /** Who waits for an answer: the way to find out why a program stands still. Throws ERR_UFFD_CLOSED, ERR_UFFD_REFUSED. 10 us. */
  waiting(): WaitingThreads {
    const answer = binding().waitingThreads(this.#native());
    if (isRefusal(answer)) throw refused('ERR_UFFD_REFUSED', 'who waits cannot be found out', answer);
    return answer;
  }

  /**
   * Ends all registrations, and the descriptor as soon as no call uses it. What `waited` says happens to threads that wait. Throws
   * ERR_UFFD_REFUSED, with nothing closed, if threads wait and this kernel cannot poison (before Linux 6.6). A second call does nothing.
   */
  close(options?: EndOptions): void {
    if (this.#isClosed) return;
    const answer = binding().closeUserfaultfd(this.#opened.native, poisons(options));
    if (answer !== undefined) throw refused('ERR_UFFD_REFUSED', 'the descriptor cannot be closed', answer);
    this.#isClosed = true;
    for (const registration of this.#registrations) registration.end();
    this.#registrations.clear();
    open.delete(this);
    if (open.size === 0) process.off('exit', processEnds);
    this.#arrived();
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  endWith(exitCode: number): void {
    binding().endWith(this.#opened.native, exitCode);
  }

  #native(): NativeDescriptor {
    if (this.#isClosed) throw new HeapError('ERR_UFFD_CLOSED', 'the userfaultfd is closed.');
    return this.#opened.native;
  }

  #answering(): Answering {
    return {
      native: () => this.#native(),
      offered: this.offered,
      forget: (registration) => this.#registrations.delete(registration),
    };
  }

  #startReading(): void {
    const native = this.#native();
    if (this.#isReading || !this.#readsHere) return;
    const answer = binding().readFaults(native, () => this.#arrived(), this.#isOwn, this.enabled.has('event-fork'));
    if (answer !== undefined) throw refused('ERR_UFFD_REFUSED', 'messages cannot be read', answer);
    this.#isReading = true;
    // A worker that ends closes its descriptors, and the main thread waits for workers.
    if (isMainThread && open.size === 0) process.on('exit', processEnds);
    open.add(this);
  }

  #arrived(): void {
    const arrival = this.#arrival;
    this.#arrival = undefined;
    if (arrival === undefined) return;
    if (!this.#isClosed) binding().keepAlive(this.#opened.native, false);
    arrival.resolve();
  }

  #nextArrival(): Promise<void> {
    if (this.#arrival === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((done) => (resolve = done));
      this.#arrival = { promise, resolve };
      binding().keepAlive(this.#opened.native, true);
    }
    return this.#arrival.promise;
  }

  #event(message: Message): UserfaultEvent {
    switch (message.kind) {
      case 'page-fault': {
        const { address, ...rest } = message;
        const registration = [...this.#registrations].find(({ address: start, bytes }) => {
          const distance = address - Number(start);
          return distance >= 0 && distance < bytes;
        });
        if (registration === undefined) return { ...rest, kind: 'stray-fault', address: BigInt(address) };
        const distance = address - Number(registration.address);
        const offset = registration.offset + distance - (distance % registration.pageBytes);
        return { ...rest, registration, offset, address: BigInt(address) };
      }
      case 'fork':
        return { kind: 'fork', child: this.#childOf(message.descriptor) };
      case 'remap':
        return { kind: 'remap', from: BigInt(message.from), to: BigInt(message.to), bytes: message.bytes };
      case 'remove':
      case 'unmap':
        return { kind: message.kind, start: BigInt(message.start), end: BigInt(message.end) };
      default:
        return message;
    }
  }

  /** The descriptor of a forked child, which has the same ranges. */
  #childOf(number: number): UserfaultFd {
    const native = binding().adoptUserfaultfd(number);
    const child = new UserfaultFd({ ...this.#opened, native }, { readsHere: true, isOwn: false });
    for (const registration of this.#registrations) child.#registrations.add(registration.ofChild(child.#answering()));
    child.#startReading();
    return child;
  }
}
