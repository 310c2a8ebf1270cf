/**
 * Opening: the three ways to a userfaultfd descriptor, and what the kernel offers.
 *
 *     way                who may                                                             faults inside system calls
 *     device             who may read and write /dev/userfaultfd (Linux 6.1)                 wait
 *     system-call        CAP_SYS_PTRACE, or everybody with vm.unprivileged_userfaultfd=1     wait
 *     user-mode-only     everybody (Linux 5.11), unless a sandbox forbids it                 fail with EFAULT
 */
import { binding, isRefusal, type NativeDescriptor, type Refusal } from '../binding.ts';
import { argumentRangeError, argumentTypeError, HeapError, optionsOf } from '../errors.ts';
import { describeRefusal, openingAdvice } from '../gc/refusal-reasons.ts';
import { API, FEATURE_BITS, FEATURES, type Feature } from './abi.ts';
import { type Bits, decodeBits, encodeBits } from './bit-names.ts';
import { flag } from './mapping.ts';
import { refused } from './refused.ts';

/** A way to a descriptor. */
export type OpeningWay = (typeof OPENING_WAYS)[number];
/** In the order in which they are tried, which is the order of the addon. */
const OPENING_WAYS = ['device', 'system-call', 'user-mode-only'] as const;

/** How a descriptor is opened. */
export interface OpenOptions {
  /**
   * Features that the kernel must have, by name, or by bit as a bigint. Those that change what it does are on from then on. Default: none.
   * `thread-id` is always on.
   */
  features?: readonly (Feature | bigint)[];
  /** Whether faults inside system calls may fail with EFAULT, if there is no other way to open one. Default false. */
  userModeOnly?: boolean;
  /** The ways to try, in this order, instead of those that follow from `userModeOnly`. */
  ways?: readonly OpeningWay[];
  /**
   * Who reads messages. `here` (default): this thread, by iteration or `take`; it must touch no page that it has to make. `elsewhere`: the
   * process to which the descriptor is given.
   */
  messages?: 'here' | 'elsewhere';
}

/** A way that was tried in vain. */
export interface OpeningRefusal {
  readonly way: OpeningWay;
  readonly errno: number;
  /** For example `userfaultfd: EPERM`. */
  readonly reason: string;
}

/** What this machine allows; see {@link UserfaultFd.probe}. */
export interface UserfaultFdSupport {
  /** The ways that work. */
  readonly ways: readonly OpeningWay[];
  /** The others, and why. */
  readonly refusals: readonly OpeningRefusal[];
  /** What the kernel offers; nothing if no way works. */
  readonly features: Bits<Feature>;
  /** What to change if no way works. */
  readonly advice?: string;
}

/** @internal */
export interface OpenedDescriptor {
  readonly native: NativeDescriptor;
  readonly openedBy: OpeningWay;
  readonly refusals: readonly OpeningRefusal[];
  readonly offered: Bits<Feature>;
  readonly enabled: Bits<Feature>;
}

/** Messages name the thread that waits; only kernels of before 4.14 lack it. */
const ALWAYS: readonly Feature[] = ['thread-id'];
const EVENTS: readonly Feature[] = ['event-fork', 'event-remap', 'event-remove', 'event-unmap'];

/** @internal A descriptor after its handshake. Throws ERR_UFFD_UNAVAILABLE, ERR_UFFD_FEATURE, ERR_UFFD_REFUSED, ERR_OPTION. */
export function openDescriptor(options: OpenOptions | undefined): OpenedDescriptor {
  const { features = [], userModeOnly = false, ways } = optionsOf('options of a userfaultfd', options);
  const wanted = encodeBits('features', [...features, ...ALWAYS], FEATURE_BITS);
  const tried = waysOf(ways, flag('userModeOnly', userModeOnly));
  const refusals: OpeningRefusal[] = [];
  for (const way of tried) {
    const native = binding().openUserfaultfd(OPENING_WAYS.indexOf(way));
    if (!isRefusal(native)) return { native, openedBy: way, refusals, ...handshake(native, wanted) };
    refusals.push(refusalOf(way, native));
  }
  throw unavailable(refusals);
}

/** @internal */
export function probeSupport(): UserfaultFdSupport {
  const refusals: OpeningRefusal[] = [];
  const ways: OpeningWay[] = [];
  let bits = 0n;
  for (const [index, way] of OPENING_WAYS.entries()) {
    const native = binding().openUserfaultfd(index);
    if (isRefusal(native)) {
      refusals.push(refusalOf(way, native));
      continue;
    }
    const offer = binding().shakeHands(native, API, 0n, false);
    binding().closeUserfaultfd(native, false);
    if (isRefusal(offer)) continue;
    ways.push(way);
    bits |= offer.features;
  }
  const features = decodeBits(bits, FEATURE_BITS);
  return { ways, refusals, features, ...(ways.length === 0 && { advice: openingAdvice(binding().probe()) }) };
}

function handshake(native: NativeDescriptor, wanted: bigint): { offered: Bits<Feature>; enabled: Bits<Feature> } {
  const enabled = decodeBits(wanted, FEATURE_BITS);
  const offer = binding().shakeHands(
    native,
    API,
    wanted,
    EVENTS.some((event) => enabled.has(event)),
  );
  if (!isRefusal(offer)) return { offered: decodeBits(offer.features, FEATURE_BITS), enabled };
  binding().closeUserfaultfd(native, false);
  const { features } = probeSupport();
  const missing = decodeBits(wanted & ~features.bits, FEATURE_BITS);
  if (missing.bits === 0n) throw refused('ERR_UFFD_REFUSED', 'the handshake of a userfaultfd', offer);
  const names = [...missing.names.map(sinceWhen), ...(missing.unknown ? [`the bits 0x${missing.unknown.toString(16)}`] : [])];
  throw new HeapError('ERR_UFFD_FEATURE', `this kernel does not have ${names.join(', ')}: do without, or take a newer one.`, offer);
}

function sinceWhen(name: Feature): string {
  return `${name} (Linux ${FEATURES.find((feature) => feature.name === name)!.since})`;
}

function waysOf(ways: readonly OpeningWay[] | undefined, userModeOnly: boolean): readonly OpeningWay[] {
  if (ways === undefined) return userModeOnly ? OPENING_WAYS : OPENING_WAYS.slice(0, -1);
  if (!Array.isArray(ways)) throw argumentTypeError('ways', `some of ${OPENING_WAYS.join(', ')}`, ways);
  const unknown = ways.find((way) => !OPENING_WAYS.includes(way));
  if (unknown !== undefined || ways.length === 0) throw argumentRangeError('ways', `some of ${OPENING_WAYS.join(', ')}`, unknown);
  return ways;
}

function refusalOf(way: OpeningWay, refusal: Refusal): OpeningRefusal {
  return { way, errno: refusal.errno, reason: describeRefusal(refusal) };
}

function unavailable(refusals: readonly OpeningRefusal[]): HeapError {
  const tried = refusals.map(({ way, reason }) => `${way} (${reason})`).join(', ');
  const { errno } = refusals.at(-1)!;
  const rest = refusals.some(({ way }) => way === 'user-mode-only')
    ? ''
    : ' If faults inside system calls may fail, userModeOnly: true needs no privilege.';
  return new HeapError('ERR_UFFD_UNAVAILABLE', `no userfaultfd can be opened: ${tried}. ${openingAdvice(binding().probe())}.${rest}`, {
    errno,
  });
}
